//! What fills objects of imports, as a Lambda function behind a queue.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use shared::app::App;
use shared::config::Config;
use shared::operations::last_begin;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = Config::from_environment()?;
    shared::log::start(&config.log)?;
    let app = App::new(config);
    let importer = &app.importer(&app.cloud_catalog()?, &app.cloud_stores_and_web()?, app.cloud_queue())?;
    let clock = &app.clock;
    let handler = async |event: LambdaEvent<_>| {
        let until = last_begin(event.context.deadline, clock.now());
        importer::handle_batch(importer, event.payload, until).await;
        Ok::<_, Error>(())
    };
    lambda_runtime::run(service_fn(handler)).await
}
