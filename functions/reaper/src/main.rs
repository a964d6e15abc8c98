//! The reaper as a Lambda function on a schedule.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde::de::IgnoredAny;
use shared::app::App;
use shared::config::Config;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = Config::from_environment()?;
    shared::log::start(&config.log)?;
    let app = App::new(config);
    let reaper = &app.reaper(&app.cloud_catalog()?, &app.cloud_stores()?);
    let handler = async |_: LambdaEvent<IgnoredAny>| Ok::<_, Error>(reaper::handle(reaper).await?);
    lambda_runtime::run(service_fn(handler)).await
}
