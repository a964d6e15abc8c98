//! Image records over HTTP. A handler extracts, calls one operation, converts, returns.

mod actions;
mod create;
mod delete;
mod list;
mod locations;
mod members;
mod parameters;
mod show;
mod stores;
mod tags;
mod update;
mod usage;
mod view;

use shared::http::Routes;
use shared::operations::{Images, Locations, Members};
use shared::routes;

/// The routes of image records, of their members and of where their data lies.
pub fn routes(images: Images, members: Members, locations: Locations) -> Routes {
    let members = routes![members::list, members::add, members::show, members::set_status, members::remove]
        .with_state(members);
    let locations = routes![locations::list, locations::add].with_state(locations);
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
    .merge(locations)
}
