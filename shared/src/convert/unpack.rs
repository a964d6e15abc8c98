//! Clusters and grains that are packed.

use std::io;

use bytes::Bytes;
use flate2::{Decompress, FlushDecompress};
use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation as _, OutBuffer};

use super::disk::{Codec, MAX_UNIT, Packed};
use super::{Error, Result, vmdk};
use crate::format::Format;

/// Unpacks one after the other, with what it needs for that once.
#[derive(Default)]
pub(super) struct Unpacker {
    deflate: Option<Decompress>,
    zlib: Option<Decompress>,
    zstd: Option<Decoder<'static>>,
}

impl Unpacker {
    /// Unpacks to `out` all of a unit as far as `wanted`, which is no more than the unit has.
    ///
    /// # Errors
    /// `Unreadable` when it is not packed so, or holds less. What is packed behind it is passed over.
    pub(super) fn unpack(
        &mut self,
        packed: &Packed,
        bytes: &[u8],
        wanted: usize,
        format: Format,
    ) -> Result<Vec<u8>> {
        let unit = usize::try_from(packed.unit.min(MAX_UNIT)).unwrap_or(usize::MAX);
        let mut out = Vec::with_capacity(unit);
        let failure = match packed.codec {
            Codec::Deflate => {
                inflate(self.deflate.get_or_insert_with(|| Decompress::new(false)), bytes, &mut out, false)
            }
            Codec::Zlib => {
                inflate(self.zlib.get_or_insert_with(|| Decompress::new(true)), bytes, &mut out, true)
            }
            Codec::Grain => {
                let bytes = vmdk::marked(packed, bytes)?;
                inflate(self.zlib.get_or_insert_with(|| Decompress::new(true)), bytes, &mut out, true)
            }
            Codec::Zstd => self.zstd(bytes, &mut out).err().map(|error| error.to_string()),
        };
        if out.len() >= wanted {
            return Ok(out);
        }
        let why = failure.unwrap_or_else(|| "it ends".to_owned());
        Err(Error::unreadable(
            format,
            format!("what is packed at {} is not {wanted} bytes: after {}, {why}", packed.at, out.len()),
        ))
    }

    /// Fills `out` as far as its room goes.
    fn zstd(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        let decoder = match &mut self.zstd {
            Some(decoder) => {
                decoder.reinit()?;
                decoder
            }
            none => {
                let decoder = none.insert(Decoder::new()?);
                decoder.set_parameter(DParameter::WindowLogMax(MAX_UNIT.ilog2()))?;
                decoder
            }
        };
        let (room, mut from, mut to) = (out.capacity(), InBuffer::around(bytes), OutBuffer::around(out));
        loop {
            let before = (from.pos(), to.pos());
            let wanted = decoder.run(&mut from, &mut to)?;
            if wanted == 0 || to.pos() == room || (from.pos(), to.pos()) == before {
                return Ok(());
            }
        }
    }
}

/// Fills `out` as far as its room goes.
fn inflate(state: &mut Decompress, bytes: &[u8], out: &mut Vec<u8>, zlib: bool) -> Option<String> {
    state.reset(zlib);
    state.decompress_vec(bytes, out, FlushDecompress::Finish).err().map(|error| error.to_string())
}

/// The run that was asked for.
pub(super) fn run(unpacked: Vec<u8>, packed: &Packed, len: usize) -> Bytes {
    let skip = usize::try_from(packed.skip).unwrap_or(usize::MAX).min(unpacked.len());
    let all = Bytes::from(unpacked);
    all.slice(skip..skip.saturating_add(len).min(all.len()))
}
