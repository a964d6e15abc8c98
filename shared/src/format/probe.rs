//! One inspection, whichever way the bytes come: it names the run it wants to see next, and is shown it.
//!
//! Runs come in ascending order and never overlap, so a stream can show them as it passes; the end is always shown last.

use std::ops::Range;

use super::{Content, Format, Sighting, iso, luks, mbr, ploop, qcow2, qed, vdi, vhd, vhdx, vmdk};

/// What of the beginning is seen first, in bytes: every format tells itself here, or at the end.
pub(super) const HEAD: u64 = 64 << 10;
/// What of the end is seen, in bytes: the footer of a vmdk, or of a vhd.
pub(super) const TAIL: usize = vmdk::FOOTER;

/// An inspection under way.
#[derive(Clone, Debug)]
pub(super) struct Probe {
    stage: Stage,
    sightings: Vec<Sighting>,
}

#[derive(Clone, Debug)]
enum Stage {
    Head,
    Vmdk(vmdk::Reading),
    Vhdx(vhdx::Reading),
    /// Nothing but the end is wanted.
    Told,
}

impl Probe {
    pub(super) fn new() -> Self {
        Self { stage: Stage::Head, sightings: Vec::new() }
    }

    /// The next run of bytes to show.
    pub(super) fn wants(&self) -> Option<Range<u64>> {
        match &self.stage {
            Stage::Head => Some(0..HEAD),
            Stage::Vmdk(reading) => reading.wants(),
            Stage::Vhdx(reading) => reading.wants(),
            Stage::Told => None,
        }
    }

    /// Takes the run that was wanted: all of it, or what there is of it before the data ends.
    pub(super) fn see(&mut self, bytes: &[u8]) {
        match &mut self.stage {
            Stage::Head => self.see_head(bytes),
            Stage::Vmdk(reading) => {
                if let Some(seen) = sighting(&mut self.sightings, Format::Vmdk) {
                    reading.see(bytes, seen);
                }
            }
            Stage::Vhdx(reading) => {
                if let Some(seen) = sighting(&mut self.sightings, Format::Vhdx) {
                    reading.see(bytes, seen);
                }
            }
            Stage::Told => {}
        }
    }

    fn see_head(&mut self, head: &[u8]) {
        self.stage = Stage::Told;
        let detectors = [
            iso::detect,
            luks::detect,
            mbr::detect,
            ploop::detect,
            qcow2::detect,
            qed::detect,
            vdi::detect,
            vhd::detect,
        ];
        self.sightings.extend(detectors.into_iter().filter_map(|detect| detect(head)));
        if let Some((seen, reading)) = vmdk::begin(head) {
            self.sightings.push(seen);
            self.stage = reading.map_or(Stage::Told, Stage::Vmdk);
        } else if let Some((seen, reading)) = vhdx::begin(head) {
            self.sightings.push(seen);
            self.stage = reading.map_or(Stage::Told, Stage::Vhdx);
        }
    }

    /// Whether the beginning has been seen.
    pub(super) fn has_begun(&self) -> bool {
        !matches!(self.stage, Stage::Head)
    }

    /// What has been found by now, in `size` bytes.
    pub(super) fn content(&self, size: u64) -> Content {
        let mut formats: Vec<_> = self.sightings.iter().map(|seen| seen.clone().detected(size)).collect();
        formats.sort_by_key(|detected| detected.format);
        Content { size, formats }
    }

    /// Takes the end, after every run: the last [`TAIL`] bytes of the data, or all of it when it has fewer.
    pub(super) fn finish(mut self, tail: &[u8], size: u64) -> Content {
        if let (Stage::Vmdk(reading), Some(seen)) = (&self.stage, sighting(&mut self.sightings, Format::Vmdk))
        {
            reading.end(tail, seen);
        }
        if sighting(&mut self.sightings, Format::Vhd).is_none() {
            self.sightings.extend(vhd::detect_end(tail));
        }
        self.content(size)
    }
}

fn sighting(sightings: &mut [Sighting], format: Format) -> Option<&mut Sighting> {
    sightings.iter_mut().find(|seen| seen.format == format)
}
