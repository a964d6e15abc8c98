//! Due rows: what must be looked at, and when. They are found by range, never by a scan.

use super::record::{DueRecord, decode};
use super::{Catalog, key};
use crate::error::Result;
use crate::image::Location;
use crate::ports::{Position, Query};
use crate::time::Timestamp;

/// An object that must be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// Not before this time.
    pub at: Timestamp,
    /// The object.
    pub location: Location,
}

impl Catalog {
    /// Reads what is due by a time, oldest first, behind `after`: at most `limit`. Cost: one query.
    ///
    /// # Errors
    /// A fault of the table.
    pub async fn due(&self, by: Timestamp, after: Option<&Due>, limit: usize) -> Result<Vec<Due>> {
        let query = Query {
            range: Some(String::from("0")..=key::due_until(by)),
            after: after
                .map(|due| Position { sort: key::due_blob(due.at, &due.location.key).sort, indexed: None }),
            ..Query::partition(key::due_blobs(), limit)
        };
        let page = self.table.query(&query).await?;
        page.items
            .into_iter()
            .map(|item| {
                let record: DueRecord = decode(item.attributes)?;
                Ok(Due { at: record.at, location: record.location })
            })
            .collect()
    }

    /// Whether something is still due as it was. Cost: one read.
    ///
    /// # Errors
    /// A fault of the table.
    pub async fn is_due(&self, due: &Due) -> Result<bool> {
        Ok(self.table.get(&key::due_blob(due.at, &due.location.key)).await?.is_some())
    }
}
