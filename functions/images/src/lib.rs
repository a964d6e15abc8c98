//! Image records over HTTP. A handler extracts, calls one operation, converts, returns.

mod actions;
mod create;
mod delete;
mod list;
mod members;
mod parameters;
mod show;
mod stores;
mod tags;
mod update;
mod usage;
mod view;

use shared::http::Routes;
use shared::operations::{Images, Members};
use shared::routes;

/// The routes of image records and of their members.
pub fn routes(images: Images, members: Members) -> Routes {
    let members = routes![members::list, members::add, members::show, members::set_status, members::remove]
        .with_state(members);
    routes![
        list::list,
        create::create,
        show::show,
        update::update,
        delete::delete,
        tags::add,
        tags::remove,
        actions::deactivate,
        actions::reactivate,
        stores::remove,
        usage::show,
    ]
    .with_state(images)
    .merge(members)
}
