//! Image records over HTTP. A handler extracts, calls one operation, converts, returns.

mod create;
mod delete;
mod list;
mod parameters;
mod show;
mod tags;
mod update;
mod view;

use shared::http::Routes;
use shared::operations::Images;
use shared::routes;

/// The routes of image records.
pub fn routes(images: Images) -> Routes {
    routes![list::list, create::create, show::show, update::update, delete::delete, tags::add, tags::remove,]
        .with_state(images)
}
