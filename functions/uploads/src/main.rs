//! Image bytes as a Lambda function.

use shared::app::App;
use shared::config::Config;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    let config = Config::from_environment()?;
    shared::log::start(&config.log)?;
    let app = App::new(config);
    let data = app.image_data(&app.cloud_catalog()?, &app.cloud_stores()?);
    lambda_http::run(shared::http::serve(uploads::routes(data), app.door())).await
}
