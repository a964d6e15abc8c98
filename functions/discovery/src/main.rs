//! The function in the cloud: the routes behind an API gateway.

use lambda_http::Error;
use shared::app::App;
use shared::config::Config;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = Config::from_environment()?;
    shared::log::start(&config.log)?;
    let app = App::new(config);
    lambda_http::run(shared::http::serve(discovery::routes(), app.door())).await
}
