//! Image records as a Lambda function.

use shared::app::App;
use shared::config::Config;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    let config = Config::from_environment()?;
    shared::log::start(&config.log)?;
    let app = App::new(config);
    let images = app.images(&app.cloud_catalog()?);
    lambda_http::run(shared::http::serve(images::routes(images), app.door())).await
}
