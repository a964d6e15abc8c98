//! Tasks over HTTP. A handler extracts, calls one operation, converts, returns.

mod create;
mod delete;
mod image;
mod list;
mod parameters;
mod show;
mod view;

use shared::http::Routes;
use shared::operations::Tasks;
use shared::routes;

/// The routes of tasks.
pub fn routes(tasks: Tasks) -> Routes {
    routes![list::list, create::create, show::show, delete::delete, image::list].with_state(tasks)
}
