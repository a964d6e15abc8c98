//! The reaper as a Lambda function, on a schedule and behind the queue of jobs.

use lambda_runtime::{Error, service_fn};
use reaper::{Event, Function};
use shared::app::App;
use shared::config::Config;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = Config::from_environment()?;
    shared::log::start(&config.log)?;
    let app = App::new(config);
    let function = &Function::of(
        &app,
        app.reaper(&app.cloud_catalog()?, &app.cloud_stores_and_web()?, app.cloud_queue()),
    );
    let handler = async |event: Event| Ok::<_, Error>(function.invoke(event, &mut std::io::stdout()).await?);
    lambda_runtime::run(service_fn(handler)).await
}
