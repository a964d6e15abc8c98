//! Glint over real HTTP, for the suite of the API: what `glint serve` serves, but its callers are who their token says.
//!
//!     cargo run -p tests --example deployed                                      # says where, and serves
//!     cargo run -p tests --example deployed -- cargo test -p tests --test api    # serves while a command runs
//!
//! The command finds the service as `tests::deployed` says. Table and store are what `GLINT_*` names, else those of
//! `glint serve`, in a directory that goes when this ends.

#![expect(clippy::print_stdout, reason = "where it serves is for people to read")]

use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::Arc;

use axum::Router;
use shared::app::App;
use shared::config::{Config, StoreAdapter, TableAdapter};
use shared::http::{Door, Routes, serve};
use tests::callers::TokenSays;
use tests::world::MAX_IMAGE;
use tokio::net::TcpListener;
use tokio::process::Command;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let data = tempfile::tempdir()?;
    let mut config = Config::from_environment()?;
    config.data = data.path().to_owned();
    config.limits.image_size_bytes = MAX_IMAGE;
    let app = App::new(config);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let serving = axum::serve(listener, router(&app)?);

    let mut words = std::env::args_os().skip(1);
    let Some(program) = words.next() else {
        println!("{url}");
        serving.await?;
        return Ok(ExitCode::SUCCESS);
    };
    let mut command = Command::new(program);
    command.args(words).env("GLINT_TEST_ENDPOINT", url).kill_on_drop(true);
    let Config { table, store, .. } = &*app.config;
    if let (TableAdapter::DynamoDb, StoreAdapter::S3, Some(bucket)) =
        (table.adapter, store.adapter, &store.bucket)
    {
        command.env("GLINT_TEST_TABLE", &table.name).env("GLINT_TEST_BUCKET", bucket);
    }
    let mut command = command.spawn()?;
    tokio::select! {
        ended = command.wait() => Ok(if ended?.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
        served = serving => Ok(served.map(|()| ExitCode::FAILURE)?),
    }
}

fn router(app: &App) -> Result<Router> {
    let (context, stores) = (app.context(&app.catalog()?, app.cloud_queue())?, app.stores()?);
    let data = app.image_data(&context, &stores).verifying(app.signatures()?);
    let imports = app.imports(&context)?;
    let functions = [
        discovery::routes(app.info()),
        images::routes(app.images(&context), app.members(&context), app.locations(&context)),
        tasks::routes(app.tasks(&context).importing(app.images(&context), imports.clone()), imports),
        uploads::routes(data.clone()),
        uploads::part_routes(data),
    ];
    Ok(serve(functions.into_iter().collect::<Routes>(), Door { identity: Arc::new(TokenSays), ..app.door() }))
}
