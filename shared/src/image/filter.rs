//! What a list asks for: filters, order, page (API reference, "List images").

use super::{Image, MemberStatus, Status, Visibility};
use crate::error::{Error, Result};
use crate::id::{ImageId, ProjectId};
use crate::time::Timestamp;

pub use bounds::Bounds;
pub use sort::{Order, Sort, SortKey};

/// A list request, read from its query.
#[derive(Clone, Debug, PartialEq)]
pub struct ListRequest {
    /// Which images.
    pub filter: Filter,
    /// In which order.
    pub sort: Sort,
    /// At most this many; 0 asks for none.
    pub limit: usize,
    /// Start behind this image.
    pub marker: Option<ImageId>,
}

/// How long pages are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageLimits {
    /// When the request does not say.
    pub default: usize,
    /// At most; a longer one asked for is cut without a word, as in Glance.
    pub max: usize,
}

/// Which images a list answers: those for which every test holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// Which visibility is asked for.
    pub visibility: Option<VisibilityFilter>,
    hidden: bool,
    member_status: Memberships,
    tests: Vec<Test>,
}

/// One status of members, or any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Memberships(Option<MemberStatus>);

impl Default for Memberships {
    fn default() -> Self {
        Self(Some(MemberStatus::Accepted))
    }
}

/// The values of `visibility`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VisibilityFilter {
    /// Everything the caller may see, others' community images included.
    All,
    /// One visibility.
    Only(Visibility),
}

#[derive(Clone, Debug, PartialEq)]
enum Test {
    Text(TextField, Vec<String>),
    Time(TimeField, Comparison, Timestamp),
    Number(NumberField, Comparison, u64),
    Protected(bool),
    Tag(String),
    Property(String, String),
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TextField {
    Id,
    Name,
    Status,
    ContainerFormat,
    DiskFormat,
    Owner,
    Checksum,
    HashValue,
    HashAlgorithm,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TimeField {
    CreatedAt,
    UpdatedAt,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NumberField {
    Size,
    VirtualSize,
    MinRam,
    MinDisk,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Less,
    AtMost,
    Equal,
    Not,
    AtLeast,
    Greater,
}

impl Comparison {
    fn holds<T: PartialOrd>(self, left: &T, right: &T) -> bool {
        match self {
            Self::Less => left < right,
            Self::AtMost => left <= right,
            Self::Equal => left == right,
            Self::Not => left != right,
            Self::AtLeast => left >= right,
            Self::Greater => left > right,
        }
    }
}

impl Filter {
    /// Whether an image is asked for, as far as its own attributes tell.
    pub fn matches(&self, image: &Image) -> bool {
        let visible = match self.visibility {
            Some(VisibilityFilter::Only(only)) => image.visibility == only,
            Some(VisibilityFilter::All) | None => true,
        };
        visible
            && image.os_hidden == self.hidden
            && image.status != Status::Killed
            && self.tests.iter().all(|test| test.holds(image))
    }

    /// Whether no image can pass.
    pub fn is_empty(&self) -> bool {
        let none = |test: &Test| match test {
            Test::Never => true,
            Test::Text(TextField::Owner, owners) => {
                owners.iter().all(|owner| owner.parse::<ProjectId>().is_err())
            }
            _ => false,
        };
        self.tests.iter().any(none)
    }

    /// Which memberships make an image one that is shared with the caller; `None` is any.
    pub fn member_status(&self) -> Option<MemberStatus> {
        self.member_status.0
    }
}

impl Test {
    fn holds(&self, image: &Image) -> bool {
        match self {
            Self::Text(field, values) => {
                text_of(*field, image).is_some_and(|text| values.iter().any(|value| value == text))
            }
            Self::Time(field, comparison, time) => comparison.holds(&time_of(*field, image), time),
            Self::Number(field, comparison, number) => {
                number_of(*field, image).is_some_and(|value| comparison.holds(&value, number))
            }
            Self::Protected(protected) => image.protected == *protected,
            Self::Tag(tag) => image.tags.contains(tag),
            Self::Property(name, value) => image.properties.get(name) == Some(value),
            Self::Never => false,
        }
    }
}

fn text_of(field: TextField, image: &Image) -> Option<&str> {
    match field {
        TextField::Id => Some(image.id.as_str()),
        TextField::Name => image.name.as_deref(),
        TextField::Status => Some(image.status.name()),
        TextField::ContainerFormat => image.container_format.map(super::ContainerFormat::name),
        TextField::DiskFormat => image.disk_format.map(super::DiskFormat::name),
        TextField::Owner => image.owner.as_ref().map(ProjectId::as_str),
        TextField::Checksum => image.checksum(),
        TextField::HashValue => image.secure_hash().map(|(_, value)| value),
        TextField::HashAlgorithm => image.hash_algorithm(),
    }
}

fn time_of(field: TimeField, image: &Image) -> Timestamp {
    // Clients know whole seconds: what they compare with is what they were shown.
    match field {
        TimeField::CreatedAt => image.created_at.whole_seconds(),
        TimeField::UpdatedAt => image.updated_at.whole_seconds(),
    }
}

fn number_of(field: NumberField, image: &Image) -> Option<u64> {
    match field {
        NumberField::Size => image.size,
        NumberField::VirtualSize => image.virtual_size,
        NumberField::MinRam => Some(image.min_ram.into()),
        NumberField::MinDisk => Some(image.min_disk.into()),
    }
}

impl ListRequest {
    /// Reads a decoded query. Of a repeated key the last one counts, except for `tag`.
    ///
    /// # Errors
    /// `Invalid`, naming the parameter and what it takes.
    pub fn parse(query: &[(String, String)], limits: PageLimits) -> Result<Self> {
        let mut request = Self {
            filter: Filter::default(),
            sort: sort::parse(query)?,
            limit: limits.default.min(limits.max),
            marker: None,
        };
        for (at, (key, value)) in query.iter().enumerate() {
            let repeated = query.iter().skip(at + 1).any(|(later, _)| later == key);
            if !repeated || key == "tag" {
                request.read(key, value, limits)?;
            }
        }
        Ok(request)
    }

    fn read(&mut self, key: &str, value: &str, limits: PageLimits) -> Result<()> {
        match key {
            "limit" => {
                // However long the number, it is cut.
                let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
                if !digits {
                    return Err(invalid("limit", "an integer of at least 0"));
                }
                self.limit = value.parse().unwrap_or(limits.max).min(limits.max);
            }
            "marker" => {
                let marker = value.parse();
                self.marker = Some(marker.map_err(|_| invalid("marker", "the id of an image you can see"))?);
            }
            "sort" | "sort_key" | "sort_dir" | "deleted" => {}
            _ => parse::filter(&mut self.filter, key, value)?,
        }
        Ok(())
    }
}

fn invalid(key: &str, expected: &str) -> Error {
    Error::Invalid(format!("{key}: must be {expected}"))
}

mod bounds;
mod parse;
mod sort;
#[cfg(test)]
mod tests;
