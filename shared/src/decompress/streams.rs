//! The formats that are a stream and nothing else: gzip, xz, zstd. Several of one kind, one behind the other, are one stream.

use std::io::{self, Read};

use flate2::bufread::MultiGzDecoder;
use lzma_rust2::XzReader;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::feed::{Decoder, Feed, invalid};

/// What a window of zstd may have, in bytes: `zstd -19` has 8 MiB.
const MAX_ZSTD_WINDOW: u64 = 32 << 20;
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
    decoder: FrameDecoder,
    /// Bytes that the frame has made; `None` between frames.
    made: Option<u64>,
    frames: u64,
}

impl Zstd {
    pub(super) fn new(feed: Feed) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(MAX_ZSTD_WINDOW);
        Self { feed, decoder, made: None, frames: 0 }
    }

    /// Begins the next frame, and passes over those without data. Whether there is one.
    fn begin(&mut self) -> io::Result<bool> {
        loop {
            if self.feed.is_over()? {
                return if self.frames > 0 { Ok(false) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            }
            self.frames += 1;
            match self.decoder.reset(&mut self.feed) {
                Ok(()) => {
                    self.made = Some(0);
                    return Ok(true);
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let passed = io::copy(&mut (&mut self.feed).take(length.into()), &mut io::sink())?;
                    if passed < u64::from(length) {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(self.failure(error)),
            }
        }
    }

    /// Whether the end of the frame is as its header said.
    fn end(&mut self, made: u64) -> io::Result<()> {
        let (said, found) = (self.decoder.get_checksum_from_data(), self.decoder.get_calculated_checksum());
        if said.is_some() && said != found {
            return Err(invalid("a checksum does not match"));
        }
        let size = self.decoder.content_size();
        if size != 0 && size != made {
            return Err(invalid(format!("a frame of {size} bytes holds {made}")));
        }
        self.made = None;
        Ok(())
    }

    /// What a decoder says that reads from here: where the data ends, it says many things.
    fn failure(&mut self, error: FrameDecoderError) -> io::Error {
        if matches!(self.feed.is_over(), Ok(true) | Err(_)) {
            return io::ErrorKind::UnexpectedEof.into();
        }
        match error {
            FrameDecoderError::WindowSizeTooBig { requested, .. } => super::feed::unsupported(format!(
                "a window of {requested} bytes is over the limit of {MAX_ZSTD_WINDOW} bytes"
            )),
            FrameDecoderError::DictNotProvided { dict_id } => {
                super::feed::unsupported(format!("it needs the dictionary {dict_id}"))
            }
            error => invalid(error.to_string()),
        }
    }
}

impl Decoder for Zstd {
    fn decode(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(made) = self.made else {
                if self.begin()? {
                    continue;
                }
                return Ok(0);
            };
            if self.decoder.can_collect() == 0 {
                if self.decoder.is_finished() {
                    self.end(made)?;
                } else if let Err(error) =
                    self.decoder.decode_blocks(&mut self.feed, BlockDecodingStrategy::UptoBlocks(1))
                {
                    return Err(self.failure(error));
                }
                continue;
            }
            let taken = self.decoder.read(out)?;
            self.made = Some(made + taken as u64);
            return Ok(taken);
        }
    }

    fn feed(&mut self) -> Option<&mut Feed> {
        Some(&mut self.feed)
    }
}
