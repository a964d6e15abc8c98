//! Image bytes as a Lambda function.

use shared::lambda::{Error, run, start};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let app = start()?;
    let context = app.context(&app.cloud_catalog()?, app.no_queue())?;
    let data = app.image_data(&context, &app.cloud_stores()?).verifying(app.signatures()?);
    run(uploads::routes(data), &app).await
}
