//! The function in the cloud: the routes behind an API gateway.

use std::sync::Arc;

use lambda_http::Error;
use shared::adapters::none::NoIdentity;
use shared::adapters::system::RandomIds;
use shared::config::{Config, IdentityMode};
use shared::http::{Door, serve};
use tracing_subscriber::EnvFilter;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = Config::from_environment()?;
    tracing_subscriber::fmt().json().with_env_filter(EnvFilter::try_new(&config.log)?).init();
    let identity = match config.identity.mode {
        IdentityMode::None => Arc::new(NoIdentity::new(config.identity.project)),
    };
    let door = Door { identity, ids: Arc::new(RandomIds), public_endpoint: config.public_endpoint };
    lambda_http::run(serve(discovery::routes(), door)).await
}
