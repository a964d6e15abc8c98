//! Image records as a Lambda function.

use shared::lambda::{Error, run, start};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let app = start()?;
    let context = app.cloud_context(&app.cloud_catalog()?, app.cloud_queue());
    run(images::routes(app.images(&context), app.members(&context), app.locations(&context)), &app).await
}
