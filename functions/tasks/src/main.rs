//! Tasks as a Lambda function.

use shared::lambda::{Error, run, start};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let app = start()?;
    let context = app.cloud_context(&app.cloud_catalog()?, app.cloud_queue());
    let imports = app.imports(&context)?.verifying(app.signatures()?);
    run(tasks::routes(app.tasks(&context).importing(app.images(&context), imports.clone()), imports), &app)
        .await
}
