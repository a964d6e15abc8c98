//! How far an import has come. It lies in the image's record, so that who finishes a store decides with everybody else's work in
//! sight what becomes of the whole.
//!
//! The first store is brought from the source; what is found of its bytes holds for all, and the others are copied from it, side by side.
//! With `all_must_succeed` the image gets all of them at once, in the end, and otherwise each as soon as it is there.

use serde::{Deserialize, Serialize};

use super::{Digests, Location, Remote};
use crate::id::{ImageId, StoreId, TaskId};

/// An import under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// The task that tells of it.
    pub task: TaskId,
    /// Where the data comes from.
    pub source: ImportSource,
    /// Whether it is given up when one store fails.
    pub all_must_succeed: bool,
    /// The stores it goes to, each once. One at least.
    pub targets: Vec<Target>,
    /// What the bytes are, once they are in one store.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Found>,
    /// The most bytes its owner may store, as it was when the import was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_bytes: Option<u64>,
    /// What another region says of its image, once it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote: Option<Box<Remote>>,
}

/// Where data is imported from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "kebab-case")]
pub enum ImportSource {
    /// The object that was staged.
    GlanceDirect,
    /// A URL.
    WebDownload {
        /// As it was named.
        uri: String,
    },
    /// A store that has it.
    CopyImage,
    /// An image of another region.
    GlanceDownload(Box<Abroad>),
}

/// An image of another region, as it was named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Abroad {
    /// The region.
    pub region: String,
    /// Which of its endpoints is asked.
    pub interface: String,
    /// The image there.
    pub image: ImageId,
}

/// What bytes are found to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// How many.
    pub size: u64,
    /// The size of the disk in them, in bytes.
    pub virtual_size: Option<u64>,
    /// What they hash to.
    pub digests: Digests,
}

/// A store that data is brought to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The object that is written there.
    pub location: Location,
    /// How far it is.
    pub state: TargetState,
}

/// How far a store is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TargetState {
    /// Its bytes are on their way, or wait for those of the first.
    Coming,
    /// They are there and are what they should be.
    There,
    /// They never will be, for this reason.
    Failed(String),
}

/// What becomes of an import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// There is more to do.
    Open,
    /// The image has its data in these stores.
    Done(Vec<Location>),
    /// It has none of it, for this reason.
    Failed(String),
}

impl Course {
    /// Whether there is more to do.
    pub fn is_open(&self) -> bool {
        self.ending() == Ending::Open
    }

    /// The course once another region has said what its image is. What it said first holds.
    #[must_use]
    pub fn learned(mut self, remote: Remote) -> Self {
        self.remote.get_or_insert(Box::new(remote));
        self
    }

    /// The image of another region that nobody has asked for yet what it is.
    pub fn unasked(&self) -> Option<&Abroad> {
        match &self.source {
            ImportSource::GlanceDownload(abroad) if self.remote.is_none() => Some(abroad),
            _ => None,
        }
    }

    /// The objects that are being written for it.
    pub fn writing(&self) -> impl Iterator<Item = &Location> {
        self.ready().filter(|_| self.is_open())
    }

    /// The objects that are whole and wait for the others.
    pub fn waiting(&self) -> impl Iterator<Item = &Location> {
        self.there().filter(|_| self.is_open())
    }

    /// Whether a store's bytes are still on their way.
    pub fn awaits(&self, location: &Location) -> bool {
        self.writing().any(|writing| writing == location)
    }

    /// The course where an object is begun anew in the place of another.
    #[must_use]
    pub fn instead(mut self, old: &Location, new: &Location) -> Self {
        let target = self.targets.iter_mut().find(|target| target.location == *old);
        if let Some(target) = target.filter(|target| target.state == TargetState::Coming) {
            target.location = new.clone();
        }
        self
    }

    /// Where bytes are that others can be copied from.
    pub fn first_there(&self) -> Option<&Location> {
        self.targets.iter().find(|target| target.state == TargetState::There).map(|target| &target.location)
    }

    /// The stores that can be worked on: the first that has not failed while nothing is there, then all others.
    pub fn ready(&self) -> impl Iterator<Item = &Location> {
        let has_origin = matches!(self.source, ImportSource::CopyImage) || self.first_there().is_some();
        let coming = self.targets.iter().filter(|target| target.state == TargetState::Coming);
        coming.take(if has_origin { usize::MAX } else { 1 }).map(|target| &target.location)
    }

    /// The course once a store has its bytes. What was found first holds. A second run changes nothing.
    #[must_use]
    pub fn arrived(mut self, location: &Location, found: Found) -> Self {
        if self.set(location, TargetState::There) {
            self.found.get_or_insert(found);
        }
        self
    }

    /// The course once a store will not have them. A second run changes nothing.
    #[must_use]
    pub fn failed(mut self, location: &Location, reason: impl Into<String>) -> Self {
        self.set(location, TargetState::Failed(reason.into()));
        self
    }

    /// The course once no store that still waits will have the bytes.
    #[must_use]
    pub fn failed_all(mut self, reason: &str) -> Self {
        for target in self.targets.iter_mut().filter(|target| target.state == TargetState::Coming) {
            target.state = TargetState::Failed(reason.to_owned());
        }
        self
    }

    /// Whether it was not told of before.
    fn set(&mut self, location: &Location, state: TargetState) -> bool {
        let target = self.targets.iter_mut().find(|target| target.location == *location);
        let told = target.filter(|target| target.state == TargetState::Coming);
        told.map(|target| target.state = state).is_some()
    }

    /// What becomes of it as things stand.
    pub fn ending(&self) -> Ending {
        if self.all_must_succeed
            && let Some((store, reason)) = self.failures().next()
        {
            return Ending::Failed(format!("{store}: {reason}"));
        }
        if self.targets.iter().any(|target| target.state == TargetState::Coming) {
            return Ending::Open;
        }
        let there: Vec<_> = self.there().cloned().collect();
        if !there.is_empty() {
            return Ending::Done(there);
        }
        let reasons: Vec<_> = self.failures().map(|(store, reason)| format!("{store}: {reason}")).collect();
        Ending::Failed(reasons.join("; "))
    }

    /// The stores that have their bytes.
    pub fn there(&self) -> impl Iterator<Item = &Location> {
        self.targets.iter().filter(|target| target.state == TargetState::There).map(|target| &target.location)
    }

    /// The stores whose bytes are on their way, as the image tells them (`os_glance_importing_to_stores`).
    pub fn importing_to(&self) -> impl Iterator<Item = &StoreId> {
        let coming = self.targets.iter().filter(|target| target.state == TargetState::Coming);
        coming.map(|target| &target.location.store)
    }

    /// The stores that failed, and why (`os_glance_failed_import` has the first of both).
    pub fn failures(&self) -> impl Iterator<Item = (&StoreId, &str)> {
        self.targets.iter().filter_map(|target| match &target.state {
            TargetState::Failed(reason) => Some((&target.location.store, reason.as_str())),
            TargetState::Coming | TargetState::There => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::id::{ImageId, Ulid};
    use crate::store::ObjectKey;

    fn course(source: ImportSource, all_must_succeed: bool, count: u64) -> Course {
        let target = |number| Target {
            location: Location {
                store: format!("s{number}").parse().unwrap(),
                key: ObjectKey::new(ImageId::from_random(1), Ulid::from_parts(number, 1)),
            },
            state: TargetState::Coming,
        };
        let task = "0f1c2a9e-5a53-4c52-9c36-3f8f0a6f7c11".parse().unwrap();
        Course {
            task,
            source,
            all_must_succeed,
            targets: (1..=count).map(target).collect(),
            found: None,
            most_bytes: None,
            remote: None,
        }
    }

    fn found(size: u64) -> Found {
        let digests = Digests { md5: "a".to_owned(), sha512: "b".to_owned() };
        Found { size, virtual_size: None, digests }
    }

    fn at(course: &Course, number: usize) -> Location {
        course.targets[number].location.clone()
    }

    fn ready(course: &Course) -> Vec<&str> {
        course.ready().map(|location| location.store.as_str()).collect()
    }

    #[test]
    fn the_first_store_is_brought_from_the_source_and_the_others_are_copied_from_it() {
        let begun = course(ImportSource::GlanceDirect, true, 3);
        assert_eq!(ready(&begun), ["s1"]);
        let first = at(&begun, 0);
        let one = begun.arrived(&first, found(5));
        assert_eq!((ready(&one), one.first_there()), (vec!["s2", "s3"], Some(&first)));
        assert_eq!(
            ready(&course(ImportSource::CopyImage, true, 2)),
            ["s1", "s2"],
            "a copy has an origin from the start"
        );
    }

    #[test]
    fn where_not_all_must_succeed_the_next_store_takes_the_place_of_the_first() {
        let begun = course(ImportSource::GlanceDirect, false, 2);
        let first = at(&begun, 0);
        let failed = begun.failed(&first, "the store is full");
        assert_eq!((ready(&failed), failed.ending()), (vec!["s2"], Ending::Open));
        let second = at(&failed, 1);
        let both = failed.clone().failed(&second, "denied");
        assert_eq!(both.ending(), Ending::Failed("s1: the store is full; s2: denied".to_owned()));
        assert_eq!(failed.arrived(&second, found(5)).ending(), Ending::Done(vec![second]));
    }

    proptest! {
        /// Whatever becomes of the stores, in whatever order, and told twice: it ends once all are told, as the rule says, and what is told
        /// of the first bytes holds.
        #[test]
        fn an_import_ends_once_every_store_was_told_of(
            told in proptest::collection::vec((0_usize..4, any::<bool>()), 0..12), all_must_succeed: bool,
        ) {
            let mut course = course(ImportSource::CopyImage, all_must_succeed, 4);
            let mut first = std::collections::BTreeMap::new();
            for (number, succeeds) in told {
                let location = at(&course, number);
                first.entry(number).or_insert(succeeds);
                course = if succeeds {
                    course.arrived(&location, found(number as u64))
                } else {
                    course.failed(&location, "no")
                };
            }
            let there = first.values().filter(|succeeds| **succeeds).count();
            prop_assert_eq!(course.there().count(), there);
            prop_assert_eq!(course.importing_to().count(), 4 - first.len());
            prop_assert_eq!(course.found.is_some(), there > 0);
            let fails = first.values().any(|succeeds| !succeeds);
            match course.ending() {
                Ending::Open => prop_assert!(first.len() < 4 && !(all_must_succeed && fails)),
                Ending::Done(locations) => {
                    prop_assert_eq!(locations.len(), there);
                    prop_assert!(first.len() == 4 && there > 0 && !(all_must_succeed && fails));
                }
                Ending::Failed(_) => prop_assert!((all_must_succeed && fails) || there == 0),
            }
        }
    }
}
