//! The function in the cloud: the routes behind an API gateway.

use shared::lambda::{Error, run, start};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let app = start()?;
    run(discovery::routes(app.info()), &app).await
}
