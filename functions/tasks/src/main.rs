//! Tasks as a Lambda function.

use shared::lambda::{Error, run, start};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let app = start()?;
    let tasks = app.tasks(&app.context(&app.cloud_catalog()?, app.no_queue())?);
    run(tasks::routes(tasks), &app).await
}
