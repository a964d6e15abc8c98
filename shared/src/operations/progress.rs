//! How far the stores of an import are, for who asked for it.

use crate::catalog::Catalog;
use crate::error::Result;
use crate::id::StoreId;
use crate::image::{Course, Image, Location, TargetState};
use crate::task::Task;

/// How far a store of an import is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreProgress {
    /// The store.
    pub store: StoreId,
    /// Whether its bytes are `coming` or `there`, or whether it has `failed`.
    pub state: &'static str,
    /// How many bytes had arrived when the lease of whoever brings them was renewed last; none are told of a store that failed.
    pub bytes: Option<u64>,
}

/// How far each store is that a task of an image fills, in their order; `None` when the task is not its last import's. Cost: a read for each store that
/// is being filled, and none once all is over.
///
/// # Errors
/// A fault of the table.
pub(super) async fn progress(
    catalog: &Catalog,
    image: &Image,
    task: &Task,
) -> Result<Option<Vec<StoreProgress>>> {
    let Some(course) = image.import.as_ref().filter(|course| course.task == task.id) else {
        return Ok(None);
    };
    let whole = course.found.as_ref().map(|found| found.size).or(image.size);
    let mut stores = Vec::with_capacity(course.targets.len());
    for target in &course.targets {
        let (state, bytes) = match &target.state {
            TargetState::Coming => ("coming", Some(arrived(catalog, course, &target.location).await?)),
            TargetState::There => ("there", whole),
            TargetState::Failed(_) => ("failed", None),
        };
        stores.push(StoreProgress { store: target.location.store.clone(), state, bytes });
    }
    Ok(Some(stores))
}

/// How many bytes of an object have come.
async fn arrived(catalog: &Catalog, course: &Course, location: &Location) -> Result<u64> {
    if !course.awaits(location) {
        return Ok(0);
    }
    let session = catalog.blob(location).await?.and_then(|blob| blob.session);
    Ok(session.map_or(0, |held| held.session.filling.bytes))
}
