//! The authorizer as a Lambda function.

use authorizer::Authorizer;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use shared::app::App;
use shared::config::Config;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = Config::from_environment()?;
    shared::log::start(&config.log)?;
    let authorizer = &Authorizer::new(&App::new(config).with_identity()?)?;
    let handler = async |event: LambdaEvent<_>| Ok::<_, Error>(authorizer.handle(&event.payload).await);
    lambda_runtime::run(service_fn(handler)).await
}
