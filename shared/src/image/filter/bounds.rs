//! What a filter says of one attribute, so that only a part of an order is read.

use super::{Comparison, Filter, NumberField, SortKey, Test, TextField, TimeField};
use crate::id::{ImageId, ProjectId};
use crate::time::Timestamp;

/// The longest text that an attribute can have: 255 characters of up to 3 bytes. What is longer is nobody's.
const MAX_TEXT_BYTES: usize = 255 * 3;

/// A second, in microseconds: times are compared by whole ones.
const SECOND: i64 = 1_000_000;

/// Values of one attribute outside of which no image passes a filter. Both ends are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bounds {
    /// One of these texts.
    Texts(Vec<String>),
    /// Numbers between two.
    Numbers(u64, u64),
    /// Times between two.
    Times(Timestamp, Timestamp),
}

impl Bounds {
    /// Whether next to nothing within them fails the test they are made of. Unset lies where empty and 0 do.
    fn are_tight(&self) -> bool {
        match self {
            Self::Texts(texts) => texts.iter().all(|text| !text.is_empty()),
            Self::Numbers(low, _) => *low > 0,
            Self::Times(..) => true,
        }
    }
}

impl Filter {
    /// What it says of a sort key's attribute, if it says anything.
    pub fn bounds(&self, key: SortKey) -> Option<Bounds> {
        match key {
            SortKey::Name => self.texts(TextField::Name),
            SortKey::Status => self.texts(TextField::Status),
            SortKey::ContainerFormat => self.texts(TextField::ContainerFormat),
            SortKey::DiskFormat => self.texts(TextField::DiskFormat),
            SortKey::Id => None,
            SortKey::Size => self.numbers(),
            SortKey::CreatedAt => self.times(TimeField::CreatedAt),
            SortKey::UpdatedAt => self.times(TimeField::UpdatedAt),
        }
    }

    /// The ids asked for, if it asks for any: what is none is nobody's.
    pub fn ids(&self) -> Option<Vec<ImageId>> {
        match self.texts(TextField::Id)? {
            Bounds::Texts(texts) => Some(texts.into_iter().filter_map(|text| text.parse().ok()).collect()),
            Bounds::Numbers(..) | Bounds::Times(..) => None,
        }
    }

    /// The owner asked for, if any.
    pub fn owner(&self) -> Option<ProjectId> {
        self.tests.iter().find_map(|test| match test {
            Test::Text(TextField::Owner, owners) => owners.first()?.parse().ok(),
            _ => None,
        })
    }

    /// Whether many images may fail the filter among those within the bounds of a key, or among all, so that they should be
    /// read in larger steps. Whether the sets that are read hold more visibilities and owners than are asked for, whoever
    /// chose them knows.
    pub fn is_selective(&self, within: Option<SortKey>) -> bool {
        let by_bounds = within.filter(|key| self.bounds(*key).is_some_and(|bounds| bounds.are_tight()));
        let decided = |test: &Test| match test {
            Test::Text(TextField::Owner, _) | Test::Time(_, Comparison::Not, _) => true,
            Test::Text(TextField::Name, _) => by_bounds == Some(SortKey::Name),
            Test::Text(TextField::Status, _) => by_bounds == Some(SortKey::Status),
            Test::Text(TextField::ContainerFormat, _) => by_bounds == Some(SortKey::ContainerFormat),
            Test::Text(TextField::DiskFormat, _) => by_bounds == Some(SortKey::DiskFormat),
            Test::Number(NumberField::Size, ..) => by_bounds == Some(SortKey::Size),
            Test::Time(TimeField::CreatedAt, ..) => by_bounds == Some(SortKey::CreatedAt),
            Test::Time(TimeField::UpdatedAt, ..) => by_bounds == Some(SortKey::UpdatedAt),
            _ => false,
        };
        self.hidden || !self.tests.iter().all(decided)
    }

    fn texts(&self, field: TextField) -> Option<Bounds> {
        let mut texts = self.tests.iter().find_map(|test| match test {
            Test::Text(tested, texts) if *tested == field => Some(texts.clone()),
            _ => None,
        })?;
        texts.retain(|text| text.len() <= MAX_TEXT_BYTES);
        texts.sort_unstable();
        texts.dedup();
        Some(Bounds::Texts(texts))
    }

    fn numbers(&self) -> Option<Bounds> {
        let mut bounds = None;
        for test in &self.tests {
            let Test::Number(NumberField::Size, comparison, number) = test else { continue };
            let (low, high) = bounds.unwrap_or((0, u64::MAX));
            bounds = match comparison {
                Comparison::AtLeast | Comparison::Greater => Some((low.max(*number), high)),
                Comparison::AtMost | Comparison::Less => Some((low, high.min(*number))),
                Comparison::Equal => Some((low.max(*number), high.min(*number))),
                Comparison::Not => bounds,
            };
        }
        bounds.map(|(low, high)| Bounds::Numbers(low, high))
    }

    fn times(&self, field: TimeField) -> Option<Bounds> {
        let mut bounds = None;
        for test in &self.tests {
            let Test::Time(tested, comparison, time) = test else { continue };
            if *tested != field {
                continue;
            }
            let (low, high) = bounds.unwrap_or((0, i64::MAX));
            // A time passes for the second it lies in.
            let (from, to) = (time.microseconds(), time.microseconds().saturating_add(SECOND));
            bounds = match comparison {
                Comparison::AtLeast | Comparison::Greater => Some((low.max(from), high)),
                Comparison::AtMost | Comparison::Less => Some((low, high.min(to))),
                Comparison::Equal => Some((low.max(from), high.min(to))),
                Comparison::Not => bounds,
            };
        }
        let (low, high) = bounds?;
        Some(Bounds::Times(Timestamp::from_microseconds(low), Timestamp::from_microseconds(high)))
    }
}
