//! A disk as its image has it: which bytes of the source are which of the disk.

use std::sync::Arc;

use super::blocks::Blocks;
use super::pages::Pages;
use super::qcow2::Qcow2;
use super::source::ReadAt;
use super::vmdk::Vmdk;
use super::{Error, Result, Settings, vhd, vhdx};
use crate::format::{Check, Content, Failure, Format, Ranged, Refusal, Rules};
use crate::image::DiskFormat;

/// A disk that can be read. A clone reads the same source.
#[derive(Clone, Debug)]
pub struct Disk {
    pub(super) data: Arc<dyn ReadAt>,
    size: u64,
    format: Format,
    map: Arc<Map>,
}

/// How a format lays out a disk.
#[derive(Debug)]
enum Map {
    /// Byte for byte, from the beginning.
    Flat,
    Blocks(Blocks),
    Qcow2(Qcow2),
    Vmdk(Vmdk),
}

/// What a run of a disk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    /// Bytes of the disk, at least 1; more than it has is no harm.
    pub(super) len: u64,
    pub(super) run: Run,
}

/// Where the bytes of a run are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Run {
    /// Nowhere: they are zeros.
    Zero,
    /// In the source from here on.
    Stored { at: u64 },
    /// In what a part of the source unpacks to.
    Packed(Packed),
}

/// A cluster or grain that is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packed {
    pub(super) at: u64,
    /// Bytes there, at most; there is at least one.
    pub(super) len: u64,
    /// Bytes it unpacks to.
    pub(super) unit: u64,
    /// Bytes of those that come before the run.
    pub(super) skip: u64,
    pub(super) codec: Codec,
}

/// What it is packed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codec {
    Deflate,
    Zlib,
    /// Zlib behind the marker of a streamed vmdk.
    Grain,
    Zstd,
}

/// The most that is unpacked at a time, in bytes: the largest cluster of a qcow2.
pub(super) const MAX_UNIT: u64 = 2 << 20;

impl Disk {
    /// Opens the disk of an image. `declared` is the format that the image says; its data must have it, by `format`'s rules, and
    /// `raw` is a disk of no other format, with or without partitions. Cost: a few reads.
    ///
    /// # Errors
    /// `Refused`, `NotADisk`, `Unreadable`, `TooLarge`, or what the source says.
    pub async fn open(data: Arc<dyn ReadAt>, declared: DiskFormat, settings: &Settings) -> Result<Self> {
        let format = match declared {
            DiskFormat::Raw => Format::Gpt,
            DiskFormat::Qcow2 => Format::Qcow2,
            DiskFormat::Vmdk => Format::Vmdk,
            DiskFormat::Vhd => Format::Vhd,
            DiskFormat::Vhdx => Format::Vhdx,
            DiskFormat::Vdi => Format::Vdi,
            DiskFormat::Ami | DiskFormat::Ari | DiskFormat::Aki | DiskFormat::Iso | DiskFormat::Ploop => {
                return Err(Error::NotADisk(declared));
            }
        };
        let content = inspect(data.as_ref()).await?;
        judge(declared, &content)?;
        let mut pages = Pages::new(Arc::clone(&data), format);
        let (size, map) = match declared {
            DiskFormat::Qcow2 => {
                let (size, qcow2) = Qcow2::open(&mut pages).await?;
                (size, Map::Qcow2(qcow2))
            }
            DiskFormat::Vmdk => {
                let (size, vmdk) = Vmdk::open(&mut pages, data.size()).await?;
                (size, Map::Vmdk(vmdk))
            }
            DiskFormat::Vhd => match vhd::open(&mut pages, data.size()).await? {
                (size, Some(blocks)) => (size, Map::Blocks(blocks)),
                (size, None) => (size, Map::Flat),
            },
            DiskFormat::Vhdx => {
                let (size, blocks) = vhdx::open(&mut pages).await?;
                (size, Map::Blocks(blocks))
            }
            DiskFormat::Vdi => {
                let (size, blocks) = Blocks::vdi(&mut pages).await?;
                (size, Map::Blocks(blocks))
            }
            _ => (data.size(), Map::Flat),
        };
        if size > settings.max_disk_bytes {
            return Err(Error::TooLarge { bytes: size, limit: settings.max_disk_bytes });
        }
        Ok(Self { data, size, format, map: Arc::new(map) })
    }

    /// Its size, in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// A reader of its tables.
    pub(super) fn pages(&self) -> Pages {
        Pages::new(Arc::clone(&self.data), self.format)
    }

    /// What lies at an offset of the disk, which must be within it. No run reaches beyond the disk or, in the source, its end.
    pub(super) async fn extent(&self, pages: &mut Pages, offset: u64) -> Result<Extent> {
        let mut extent = match self.map.as_ref() {
            Map::Flat => Extent { len: u64::MAX, run: Run::Stored { at: offset } },
            Map::Blocks(blocks) => blocks.extent(pages, offset).await?,
            Map::Qcow2(qcow2) => qcow2.extent(pages, offset).await?,
            Map::Vmdk(vmdk) => vmdk.extent(pages, offset).await?,
        };
        extent.len = extent.len.clamp(1, self.size.saturating_sub(offset).max(1));
        let end = self.data.size();
        match &mut extent.run {
            Run::Zero => {}
            Run::Stored { at } => {
                if at.checked_add(extent.len).is_none_or(|last| last > end) {
                    return Err(Error::unreadable(
                        self.format,
                        format!(
                            "the {} bytes of the disk at {offset} lie at {at}, beyond the end of the data, at {end}",
                            extent.len
                        ),
                    ));
                }
            }
            Run::Packed(packed) => {
                // The last one need not be filled up to its sector.
                packed.len = packed.len.min(end.saturating_sub(packed.at));
                if packed.len == 0 || packed.unit > MAX_UNIT {
                    let Packed { at, unit, .. } = *packed;
                    return Err(Error::unreadable(
                        self.format,
                        format!(
                            "the {unit} bytes of the disk at {offset} are packed at {at}, beyond the end of the data, at {end}"
                        ),
                    ));
                }
            }
        }
        Ok(extent)
    }

    /// What an unpacked run must be said to be.
    pub(super) fn format(&self) -> Format {
        self.format
    }
}

async fn inspect(data: &dyn ReadAt) -> Result<Content> {
    let mut inspection = Ranged::new(data.size());
    while let Some(range) = inspection.wants() {
        let bytes = data.read_at(range).await?;
        inspection.see(&bytes);
    }
    Ok(inspection.finish())
}

/// What an upload would be refused for, and a disk of another format that says it is raw.
fn judge(declared: DiskFormat, content: &Content) -> Result<()> {
    let other = content.formats.iter().find(|found| found.format != Format::Gpt);
    if let Some(found) = other.filter(|_| declared == DiskFormat::Raw) {
        return Err(Error::Refused(Refusal::Mismatch { declared, found: Some(found.format) }));
    }
    let verdict = Rules::default().judge(declared, content).map_err(Error::Refused)?;
    match content.formats.as_slice() {
        // Sizes that no disk has are not told, and so are those of none.
        [found]
            if declared != DiskFormat::Raw
                && found.virtual_size.is_none()
                && verdict.virtual_size.is_none() =>
        {
            let failure =
                Failure { check: Check::Header, why: "the header tells no size of the disk".to_owned() };
            Err(Error::Refused(Refusal::Unsafe(found.format, vec![failure])))
        }
        _ => Ok(()),
    }
}
