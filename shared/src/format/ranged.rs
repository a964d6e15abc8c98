//! Inspection of data that lies in a store already, by reading of it what is wanted.

use std::ops::Range;

use super::Content;
use super::probe::{Probe, TAIL};

/// Says which bytes to read next:
///
/// ```
/// # use shared::format::Ranged;
/// # let object = vec![0; 100_000];
/// let mut inspection = Ranged::new(object.len() as u64);
/// while let Some(range) = inspection.wants() {
///     let bytes = &object[range.start as usize..range.end as usize];
///     inspection.see(bytes);
/// }
/// assert!(inspection.finish().formats.is_empty());
/// ```
///
/// Beginning and end, and at most four runs between, each of 1 MiB at most. To begin anew does no harm: nothing is to be saved.
#[derive(Clone, Debug)]
pub struct Ranged {
    probe: Probe,
    size: u64,
    tail: Option<Vec<u8>>,
}

impl Ranged {
    /// An inspection of `size` bytes.
    pub fn new(size: u64) -> Self {
        let mut inspection = Self { probe: Probe::new(), size, tail: None };
        inspection.pass_over_what_is_not_there();
        inspection
    }

    /// The next range to read: not empty, and within the data. `None` when all has been seen.
    pub fn wants(&self) -> Option<Range<u64>> {
        match self.probe.wants() {
            Some(wanted) => Some(wanted.start..wanted.end.min(self.size)),
            None if self.tail.is_none() => Some(self.end()),
            None => None,
        }
    }

    /// Takes the bytes of the range that was wanted.
    pub fn see(&mut self, bytes: &[u8]) {
        if self.probe.wants().is_some() {
            // The beginning is the end, too, of data that has no more.
            if self.wants().is_some_and(|range| range == (0..self.size)) {
                self.tail = Some(bytes.last_chunk::<TAIL>().map_or(bytes, |chunk| chunk).to_vec());
            }
            self.probe.see(bytes);
            self.pass_over_what_is_not_there();
        } else {
            self.tail = Some(bytes.to_vec());
        }
    }

    fn pass_over_what_is_not_there(&mut self) {
        while self.probe.wants().is_some_and(|wanted| wanted.start >= self.size) {
            self.probe.see(&[]);
        }
        if self.size == 0 {
            self.tail = Some(Vec::new());
        }
    }

    /// What is known by now, once the beginning was seen: formats that tell themselves at the end may be missing.
    pub fn so_far(&self) -> Option<Content> {
        self.probe.has_begun().then(|| self.probe.content(self.size))
    }

    fn end(&self) -> Range<u64> {
        self.size.saturating_sub(TAIL as u64)..self.size
    }

    /// What the data is, once nothing is wanted any more.
    pub fn finish(self) -> Content {
        self.probe.finish(&self.tail.unwrap_or_default(), self.size)
    }
}
