//! Archives of LHA and LZH: one file, by the methods that were used in the open (`-lh0-`, `-lh1-`, `-lh4-` to `-lh7-`, `-lz…-`).

use std::io::{self, Read};

use delharc::decode::Decoder as _;
use delharc::{LhaDecodeReader, LhaError, LhaHeader};

use super::feed::{Decoder, Feed, invalid, unsupported};

/// The most that a header may have, in bytes.
const MAX_HEADER: u64 = 64 << 10;

pub(super) struct Lha {
    reader: LhaDecodeReader<Feed>,
    left: u64,
    is_whole: bool,
}

impl Lha {
    /// Reads the header.
    pub(super) fn open(mut feed: Feed) -> Result<Self, (Feed, io::Error)> {
        let read = LhaHeader::read(&mut Read::take(&mut feed, MAX_HEADER));
        let header = match read {
            Ok(Some(header)) => header,
            Ok(None) => return Err((feed, unsupported("there is no file in it"))),
            Err(LhaError::Io(error)) => return Err((feed, error)),
            Err(error) => return Err((feed, invalid(format!("the header is not readable: {error}")))),
        };
        let (left, is_directory) = (header.original_size, header.is_directory());
        let method = String::from_utf8_lossy(&header.compression).escape_default().to_string();
        let mut reader = LhaDecodeReader::default();
        let decoder = delharc::decode::DecoderAny::new_from_header(&header, feed);
        let is_supported = decoder.is_supported();
        reader.begin_with_header_and_decoder(header, decoder);
        let why = if is_directory {
            unsupported("what is in it is a folder, where one file is taken")
        } else if is_supported {
            return Ok(Self { reader, left, is_whole: false });
        } else {
            unsupported(format!("the method {method} is not known"))
        };
        Err((reader.into_inner(), why))
    }

    /// What was made is what was packed, and nothing is behind it but the mark of the end.
    fn end(&mut self) -> io::Result<()> {
        self.reader.crc_check().map_err(|_| invalid("a checksum does not match"))?;
        let rest = self.reader.get_decoder().map_or(0, |decoder| decoder.get_ref().limit());
        let Some(feed) = self.reader.get_mut() else { return Ok(()) };
        let passed = io::copy(&mut Read::take(&mut *feed, rest), &mut io::sink())?;
        if passed < rest {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        // Some write no mark.
        let mut mark = [0; 1];
        if feed.read(&mut mark)? > 0 && mark != [0] {
            return Err(unsupported("there is more than one file in it, or something behind the file"));
        }
        if feed.is_over()? { Ok(()) } else { Err(invalid("something is behind its end")) }
    }
}

impl Decoder for Lha {
    fn decode(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            if !self.is_whole {
                self.end()?;
                self.is_whole = true;
            }
            return Ok(0);
        }
        let made = self.reader.read(out)?;
        self.left -= made as u64;
        Ok(made)
    }

    fn feed(&mut self) -> Option<&mut Feed> {
        self.reader.get_mut()
    }
}
