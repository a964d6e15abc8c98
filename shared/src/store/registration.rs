//! Objects that others have written, and what is known of one until it has been looked at.

use crate::id::TaskId;
use crate::image::{Digests, GivenHash, Note};
use crate::store::HashState;
use crate::time::Timestamp;

/// An object that was registered for an image, while there is something to find out about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The task that tells of it.
    pub task: TaskId,
    /// What its bytes hash to, as it was said.
    pub given: Option<GivenHash>,
    /// Whether they are hashed.
    pub hashes: bool,
    /// Whether what was said of them is taken at its word, and verified afterwards.
    pub at_its_word: bool,
    /// What was noted with it.
    pub note: Note,
    /// How many there are, once the store has said.
    pub size: Option<u64>,
    /// When it is looked at: the end of the lease of whoever works on it.
    pub due: Timestamp,
    /// When it is given up, whoever works on it.
    pub ends: Timestamp,
    /// How often it was tried in vain.
    pub tries: u32,
    /// How far it is hashed.
    pub hashed: Option<HashState>,
    /// What they hash to, while it is the image's own bytes that are hashed, to see whether they are the same.
    pub found: Option<Digests>,
}
