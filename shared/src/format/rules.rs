//! Whether an image may have data, from what it says of itself and what was found in the data.
//!
//! | declared | found | |
//! | --- | --- | --- |
//! | any | the same | the size of the disk is the image's `virtual_size` |
//! | `raw` | any one | taken; `virtual_size` is the size of the data |
//! | `ami`, `ari`, `aki`, `ploop` | nothing | taken, for nothing can be told of them |
//! | `aki`, `ari` | a partition table | taken: a kernel that boots by itself begins with a boot sector |
//! | | `iso` and `gpt` | are one: an optical disc that also boots from a stick |
//! | | a fixed `vhd` and `gpt` | are one: a disk with a footer |
//! | any | anything else | refused, unless configured otherwise |
//!
//! Whatever it is, it must then pass the checks of its format, but for those that are configured not to count.

use std::fmt;

use super::{Check, Content, Detected, Failure, Format};
use crate::image::DiskFormat;

/// What is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Whether data must have the format that its image declares.
    pub require_match: bool,
    /// Checks that may fail.
    pub allowed: Vec<Check>,
}

/// Data that an image may have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Size of the disk inside, in bytes, where it is known and there is any.
    pub virtual_size: Option<u64>,
    /// What would have been a refusal, had it not been configured otherwise.
    pub overlooked: Vec<Refusal>,
}

/// Why an image cannot have data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The data has another format than the image declares; `None` is none that is known.
    Mismatch {
        /// What the image says.
        declared: DiskFormat,
        /// What was found.
        found: Option<Format>,
    },
    /// The data has several formats at once: who opens it may see another disk than who inspected it.
    Several(Vec<Format>),
    /// The data fails checks of its format.
    Unsafe(Format, Vec<Failure>),
}

impl Default for Rules {
    fn default() -> Self {
        Self { require_match: true, allowed: Vec::new() }
    }
}

impl Rules {
    /// Judges data.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn judge(&self, declared: DiskFormat, content: &Content) -> Result<Verdict, Refusal> {
        let mut verdict = Verdict::default();
        match one(declared, &content.formats) {
            Ok(found) if matches(declared, found) => {
                verdict.virtual_size = disk(declared, found, content.size);
            }
            Ok(found) => verdict.overlook(
                !self.require_match,
                Refusal::Mismatch { declared, found: found.map(|found| found.format) },
            )?,
            Err(several) => verdict.overlook(!self.require_match, several)?,
        }
        // The ones that count: of two formats that are one, its own; of those that should not be there, all.
        let counting = match one(declared, &content.formats) {
            Ok(found) => found.map(std::slice::from_ref).unwrap_or_default(),
            Err(_) => &content.formats,
        };
        for Detected { format, failures, .. } in counting {
            let (overlooked, fatal): (Vec<_>, Vec<_>) =
                failures.iter().cloned().partition(|failure| self.overlooks(declared, failure.check));
            if !fatal.is_empty() {
                return Err(Refusal::Unsafe(*format, fatal));
            }
            if !overlooked.is_empty() {
                verdict.overlooked.push(Refusal::Unsafe(*format, overlooked));
            }
        }
        Ok(verdict)
    }

    fn overlooks(&self, declared: DiskFormat, check: Check) -> bool {
        let kernel = check == Check::Mbr && matches!(declared, DiskFormat::Aki | DiskFormat::Ari);
        kernel || self.allowed.contains(&check)
    }
}

impl Verdict {
    fn overlook(&mut self, allowed: bool, refusal: Refusal) -> Result<(), Refusal> {
        if !allowed {
            return Err(refusal);
        }
        self.overlooked.push(refusal);
        Ok(())
    }
}

/// The one format of the data; `None` is raw.
fn one(declared: DiskFormat, formats: &[Detected]) -> Result<Option<&Detected>, Refusal> {
    match formats {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        [gpt, iso] if gpt.format == Format::Gpt && iso.format == Format::Iso => Ok(Some(iso)),
        [gpt, vhd] if gpt.format == Format::Gpt && vhd.format == Format::Vhd && vhd.trailing => {
            Ok(Some(if declared == DiskFormat::Vhd { vhd } else { gpt }))
        }
        several => Err(Refusal::Several(several.iter().map(|detected| detected.format).collect())),
    }
}

fn matches(declared: DiskFormat, found: Option<&Detected>) -> bool {
    let found = found.map(|found| found.format);
    match declared {
        DiskFormat::Raw => true,
        DiskFormat::Ami => found.is_none(),
        DiskFormat::Ari | DiskFormat::Aki => matches!(found, None | Some(Format::Gpt)),
        DiskFormat::Ploop => matches!(found, None | Some(Format::Ploop)),
        DiskFormat::Vhd => found == Some(Format::Vhd),
        DiskFormat::Vhdx => found == Some(Format::Vhdx),
        DiskFormat::Vmdk => found == Some(Format::Vmdk),
        DiskFormat::Qcow2 => found == Some(Format::Qcow2),
        DiskFormat::Vdi => found == Some(Format::Vdi),
        DiskFormat::Iso => found == Some(Format::Iso),
    }
}

fn disk(declared: DiskFormat, found: Option<&Detected>, size: u64) -> Option<u64> {
    let bytes = match declared {
        DiskFormat::Raw => Some(size),
        DiskFormat::Ami | DiskFormat::Ari | DiskFormat::Aki => None,
        _ => found?.virtual_size,
    };
    bytes.filter(|bytes| *bytes > 0)
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mismatch { declared, found } => {
                let (declared, found) = (declared.name(), found.map_or("raw", Format::name));
                write!(f, "disk_format: the image says '{declared}', but the data is '{found}'")
            }
            Self::Several(formats) => {
                let names: Vec<_> = formats.iter().map(|format| format!("'{}'", format.name())).collect();
                write!(f, "disk_format: the data has several formats at once: {}", names.join(", "))
            }
            Self::Unsafe(format, failures) => {
                write!(f, "the data is '{}' and not safe: ", format.name())?;
                for (number, Failure { check, why }) in failures.iter().enumerate() {
                    let join = if number > 0 { "; " } else { "" };
                    write!(f, "{join}check {} failed: {why}", check.name())?;
                }
                Ok(())
            }
        }
    }
}
