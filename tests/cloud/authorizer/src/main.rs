//! The believing authorizer as a Lambda function.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use shared::config::Config;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = Config::from_environment()?;
    shared::log::start(&config.log)?;
    let authorizer = &believing_authorizer::believing(config)?;
    let handler = async |event: LambdaEvent<_>| Ok::<_, Error>(authorizer.handle(&event.payload).await);
    lambda_runtime::run(service_fn(handler)).await
}
