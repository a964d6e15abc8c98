//! Image bytes as a Lambda function.

use std::time::Duration;

use shared::lambda::{Error, run, start};

/// How long a completion goes on before it is left to the bucket's event and the reaper: an HTTP API waits 30 seconds.
const COMPLETION: Duration = Duration::from_secs(10);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let app = start()?;
    let context = app.cloud_context(&app.cloud_catalog()?, app.cloud_queue());
    let data = app.image_data(&context, &app.cloud_stores()?).verifying(app.signatures()?);
    let data = data.redirecting(app.function_redirects()).within(COMPLETION);
    run(uploads::routes(data), &app).await
}
