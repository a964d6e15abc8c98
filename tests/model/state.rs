//! What there is: the rows of one image, the objects of the store, what the store tells of.

use std::collections::{BTreeMap, BTreeSet};

/// An object's key: one an attempt.
pub(crate) type Key = u8;

/// A time at which something is due. Times of one key never repeat.
pub(crate) type At = u8;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Status {
    Queued,
    Saving(Key),
    Active(Key),
    Deleted,
}

/// The image's record, as it lies in the table and as somebody has read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Image {
    pub(crate) revision: u8,
    pub(crate) status: Status,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum BlobState {
    Writing,
    Attached,
    Garbage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Phase {
    Open,
    Completing,
}

/// An upload session, in its blob's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Session {
    pub(crate) revision: u8,
    pub(crate) phase: Phase,
    /// Whether it is known what the store calls the upload.
    pub(crate) begun: bool,
    pub(crate) due: At,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Blob {
    pub(crate) state: BlobState,
    pub(crate) session: Option<Session>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Due {
    pub(crate) key: Key,
    pub(crate) at: At,
}

/// The table and the store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Held {
    pub(crate) image: Image,
    pub(crate) blobs: BTreeMap<Key, Blob>,
    pub(crate) due: BTreeSet<Due>,
    pub(crate) objects: BTreeSet<Key>,
    /// Objects whose parts come, and whether all have arrived.
    pub(crate) begun: BTreeMap<Key, bool>,
    /// What is told of objects.
    pub(crate) events: BTreeMap<Key, Event>,
    pub(crate) next: BTreeMap<Key, At>,
}

/// What the bucket tells of a key: an event each time that an object is created under it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Event {
    /// Events nobody has heard yet, or whose hearing has not ended.
    pub(crate) untold: u8,
    /// Whether the last of them came twice.
    pub(crate) repeated: bool,
}

impl Held {
    pub(crate) fn new() -> Self {
        Self {
            image: Image { revision: 0, status: Status::Queued },
            blobs: BTreeMap::new(),
            due: BTreeSet::new(),
            objects: BTreeSet::new(),
            begun: BTreeMap::new(),
            events: BTreeMap::new(),
            next: BTreeMap::new(),
        }
    }

    pub(crate) fn now(&mut self, key: Key) -> Due {
        let next = self.next.entry(key).or_default();
        *next += 1;
        Due { key, at: *next }
    }

    pub(crate) fn changed(&mut self, status: Status) {
        self.image = Image { revision: self.image.revision + 1, status };
    }

    pub(crate) fn is(&self, key: Key, state: BlobState) -> bool {
        self.blobs.get(&key).is_some_and(|blob| blob.state == state)
    }

    pub(crate) fn put_blob(&mut self, key: Key, state: BlobState) {
        self.blobs.insert(key, Blob { state, session: None });
    }

    pub(crate) fn put_due(&mut self, key: Key) -> Due {
        let due = self.now(key);
        self.due.insert(due);
        due
    }
}

/// Everything by which one item names another's revision or time.
pub(crate) trait Visit {
    fn image(&mut self, seen: &mut Image);
    fn session(&mut self, key: Key, seen: &mut Session);
    fn due(&mut self, due: &mut Due);
}

impl Held {
    pub(crate) fn visit(&mut self, visit: &mut dyn Visit) {
        visit.image(&mut self.image);
        for (key, blob) in &mut self.blobs {
            if let Some(session) = &mut blob.session {
                visit.session(*key, session);
            }
        }
        self.due = std::mem::take(&mut self.due)
            .into_iter()
            .map(|mut due| {
                visit.due(&mut due);
                due
            })
            .collect();
    }
}
