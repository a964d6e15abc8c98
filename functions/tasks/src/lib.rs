//! Tasks over HTTP. A handler extracts, calls one operation, converts, returns.

mod create;
mod delete;
mod image;
mod import;
mod list;
mod parameters;
mod show;
mod view;

use shared::http::Routes;
use shared::operations::{Imports, Tasks};
use shared::routes;

/// The routes of tasks, and of what begins one for an image.
pub fn routes(tasks: Tasks, imports: Imports) -> Routes {
    let of_tasks = routes![list::list, create::create, show::show, delete::delete, image::list];
    let of_imports = routes![import::import].with_state(imports);
    [of_tasks.with_state(tasks), of_imports].into_iter().collect()
}
