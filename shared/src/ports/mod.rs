//! What the domain needs from the outside, as small traits. Adapters answer them; nothing here names one.

mod certificates;
mod clock;
mod direct;
mod events;
mod fetch;
mod identity;
mod limits;
mod queue;
mod regions;
mod seals;
mod store;
mod table;
mod table_rules;

pub use certificates::{Certificates, CertificatesError, MAX_CERTIFICATE_BYTES};
pub use clock::{Clock, Ids};
pub use direct::{PartBody, PartError, PartTarget, PresentedPart, ReadError, ReadTarget, SignedPart};
pub use events::{Event, EventKind, Events};
pub use fetch::{Fetch, FetchError, FetchRequest, FetchStream, Fetched, Span, Validator};
pub use identity::{Identity, IdentityError, Tokens};
pub use limits::{Limit, Limits, LimitsError, ProjectLimits};
pub use queue::{Job, Queue};
pub use regions::{Region, Regions, RegionsError};
pub use seals::TokenSeals;
pub use store::{ByteStream, Chunks, ObjectWriter, Part, PartLimits, Store, StoreError};
pub use table::{
    Addition, Attributes, Change, Condition, Direction, Index, Item, Key, MAX_ITEM_BYTES, Page, Position,
    Query, Table, TableError, Write, item_bytes,
};
pub use table_rules::added;

/// A cause from below the domain, for the log and never for the caller.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;
