//! Inspection of data as it flows by, in pieces of any size.

use super::Content;
use super::probe::{Probe, TAIL};
use super::rules::{Refusal, Rules, Verdict};
use crate::image::DiskFormat;

/// Watches a stream. Copies what the inspection wants to see and no more: most of a stream passes untouched.
#[derive(Clone, Debug)]
pub struct Inspector {
    probe: Probe,
    /// What has been caught of the run that is wanted.
    caught: Vec<u8>,
    tail: Vec<u8>,
    /// Bytes that went by.
    passed: u64,
}

impl Default for Inspector {
    fn default() -> Self {
        Self { probe: Probe::new(), caught: Vec::new(), tail: Vec::with_capacity(2 * TAIL), passed: 0 }
    }
}

impl Inspector {
    /// Takes the next bytes.
    pub fn update(&mut self, piece: &[u8]) {
        let begin = self.passed;
        self.passed = self.passed.saturating_add(piece.len() as u64);
        while let Some(wanted) = self.probe.wants() {
            let next = wanted.start.saturating_add(self.caught.len() as u64);
            if next >= self.passed {
                break;
            }
            let from = usize::try_from(next.saturating_sub(begin)).unwrap_or(usize::MAX);
            let to = usize::try_from(wanted.end.min(self.passed).saturating_sub(begin)).unwrap_or(usize::MAX);
            let Some(run) = piece.get(from..to) else { break };
            self.caught.extend_from_slice(run);
            if self.passed < wanted.end {
                break;
            }
            self.show();
        }
        self.keep_end(piece);
    }

    fn show(&mut self) {
        let caught = std::mem::take(&mut self.caught);
        self.probe.see(&caught);
    }

    fn keep_end(&mut self, piece: &[u8]) {
        if piece.len() >= TAIL {
            self.tail.clear();
        } else if self.tail.len() + piece.len() > 2 * TAIL {
            self.tail.drain(..self.tail.len().saturating_sub(TAIL));
        }
        self.tail.extend_from_slice(last(piece));
    }

    /// What is known by now, once the beginning went by: formats that tell themselves at the end may be missing.
    pub fn so_far(&self) -> Option<Content> {
        self.probe.has_begun().then(|| self.probe.content(self.passed))
    }

    /// What the data is, when there is no more of it.
    pub fn finish(mut self) -> Content {
        // What is wanted and lies behind the end is seen as far as it is there.
        while self.probe.wants().is_some() {
            self.show();
        }
        self.probe.finish(last(&self.tail), self.passed)
    }
}

fn last(bytes: &[u8]) -> &[u8] {
    bytes.last_chunk::<TAIL>().map_or(bytes, |chunk| chunk)
}

/// Watches the data of one image, and tells whether it may have it.
#[derive(Clone, Debug)]
pub struct Examination {
    inspector: Inspector,
    rules: Rules,
    declared: DiskFormat,
    foreseen: bool,
    verdict: Verdict,
}

impl Examination {
    /// An examination of data that is said to have a format.
    pub fn new(rules: Rules, declared: DiskFormat) -> Self {
        Self {
            inspector: Inspector::default(),
            rules,
            declared,
            foreseen: false,
            verdict: Verdict::default(),
        }
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// Once it is certain that the data will be refused, whatever else comes. It is told once.
    pub fn update<'a>(&mut self, pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<(), Refusal> {
        pieces.into_iter().for_each(|piece| self.inspector.update(piece));
        // A vhd may tell itself at its end alone.
        if self.foreseen || self.declared == DiskFormat::Vhd {
            return Ok(());
        }
        let Some(content) = self.inspector.so_far() else { return Ok(()) };
        self.foreseen = true;
        self.rules.judge(self.declared, &content).map(|_| ())
    }

    /// Judges the data, when there is no more of it.
    ///
    /// # Errors
    /// Why the image cannot have it.
    pub fn conclude(&mut self) -> Result<(), Refusal> {
        let content = std::mem::take(&mut self.inspector).finish();
        self.verdict = self.rules.judge(self.declared, &content)?;
        Ok(())
    }

    /// What was found in data that is taken.
    pub fn into_verdict(self) -> Verdict {
        self.verdict
    }
}
