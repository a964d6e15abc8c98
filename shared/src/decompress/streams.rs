//! The formats that are a stream and nothing else: gzip, xz, zstd. Several of one kind, one behind the other, are one stream.

use std::io::{self, BufRead as _, Read};

use flate2::bufread::MultiGzDecoder;
use lzma_rust2::XzReader;
use zstd::stream::raw::{DParameter, InBuffer, Operation as _, OutBuffer};

use super::feed::{Decoder, Feed, invalid};

/// What a window of zstd may have, in bytes as a power of two: 32 MiB; `zstd -19` has 8 MiB.
const MAX_ZSTD_WINDOW_LOG: u32 = 25;
/// What xz may use, in KiB: `xz -9` has a dictionary of 64 MiB.
const MAX_XZ_KIB: u32 = 66 << 10;

pub(super) struct Gzip(MultiGzDecoder<Feed>);

impl Gzip {
    pub(super) fn new(feed: Feed) -> Self {
        Self(MultiGzDecoder::new(feed))
    }
}

impl Decoder for Gzip {
    fn decode(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.0.read(out)
    }

    fn feed(&mut self) -> Option<&mut Feed> {
        Some(self.0.get_mut())
    }
}

pub(super) struct Xz(XzReader<Feed>);

impl Xz {
    pub(super) fn new(feed: Feed) -> Self {
        Self(XzReader::new_mem_limit(feed, true, MAX_XZ_KIB))
    }
}

impl Decoder for Xz {
    fn decode(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let made = self.0.read(out)?;
        if made == 0 && !out.is_empty() && !self.0.inner_mut().is_over()? {
            return Err(invalid("something is behind its end"));
        }
        Ok(made)
    }

    fn feed(&mut self) -> Option<&mut Feed> {
        Some(self.0.inner_mut())
    }
}

pub(super) struct Zstd {
    feed: Feed,
    decoder: zstd::stream::raw::Decoder<'static>,
    /// Whether a frame has begun, and has not ended.
    is_open: bool,
    frames: u64,
}

impl Zstd {
    pub(super) fn open(feed: Feed) -> Result<Self, (Feed, io::Error)> {
        let bounded = zstd::stream::raw::Decoder::new().and_then(|mut decoder| {
            decoder.set_parameter(DParameter::WindowLogMax(MAX_ZSTD_WINDOW_LOG))?;
            Ok(decoder)
        });
        match bounded {
            Ok(decoder) => Ok(Self { feed, decoder, is_open: false, frames: 0 }),
            Err(error) => Err((feed, error)),
        }
    }
}

impl Decoder for Zstd {
    /// Frames without data are passed over. Checksums and sizes are compared by the library.
    fn decode(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let here = self.feed.fill_buf()?;
            if here.is_empty() && !self.is_open {
                return if self.frames > 0 { Ok(0) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            }
            let is_over = here.is_empty();
            let (mut from, mut to) = (InBuffer::around(here), OutBuffer::around(&mut *out));
            let wanted = self.decoder.run(&mut from, &mut to).map_err(|error| invalid(error.to_string()))?;
            let (read, made) = (from.pos(), to.pos());
            self.feed.consume(read);
            self.frames += u64::from(!self.is_open);
            self.is_open = wanted > 0;
            if made > 0 || out.is_empty() {
                return Ok(made);
            }
            if is_over && self.is_open {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    fn feed(&mut self) -> Option<&mut Feed> {
        Some(&mut self.feed)
    }
}
