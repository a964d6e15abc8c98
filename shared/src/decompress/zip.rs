//! Archives of zip (PKWARE, APPNOTE 6.3.10), as they flow: one file, stored or deflated, with what its directory says behind it.

use std::io::{self, BufRead as _, Read as _};

use crc_fast::{CrcAlgorithm, Digest};
use flate2::{Decompress, FlushDecompress, Status};

use super::feed::{Decoder, Feed, invalid, unsupported};
use crate::format::fields::Fields as _;

const FILE: u32 = 0x0403_4b50;
const DESCRIPTOR: u32 = 0x0807_4b50;
const ENTRY: u32 = 0x0201_4b50;
const END_64: u32 = 0x0606_4b50;
const LOCATOR_64: u32 = 0x0706_4b50;
const END: u32 = 0x0605_4b50;

/// Flags: it is encrypted, and its sizes stand behind it.
const ENCRYPTED: u16 = 1;
const SIZES_BEHIND: u16 = 1 << 3;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;
/// The extra field of sizes that 32 bits do not hold, and what stands in their place.
const ZIP_64: u16 = 1;
const IN_EXTRA: u32 = u32::MAX;

/// A file's size, size as it is packed, and CRC-32.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Measures {
    crc: u32,
    packed: u64,
    size: u64,
}

pub(super) struct Zip {
    feed: Feed,
    inflate: Option<Decompress>,
    /// What the file's header says, unless it says that it stands behind.
    said: Option<Measures>,
    wide: bool,
    method: u16,
    name: Vec<u8>,
    crc: Digest,
    packed: u64,
    made: u64,
    is_whole: bool,
}

impl Zip {
    /// Reads the header of the first file.
    pub(super) fn open(mut feed: Feed) -> Result<Self, (Feed, io::Error)> {
        match begin(&mut feed) {
            Ok(Begun { said, wide, method, name }) => Ok(Self {
                feed,
                inflate: (method == DEFLATED).then(|| Decompress::new(false)),
                said,
                wide,
                method,
                name,
                crc: Digest::new(CrcAlgorithm::Crc32IsoHdlc),
                packed: 0,
                made: 0,
                is_whole: false,
            }),
            Err(error) => Err((feed, error)),
        }
    }

    /// Bytes of a stored file, as many as its header says.
    fn stored(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let left = self.said.map_or(0, |said| said.packed) - self.packed;
        let len = usize::try_from(left).unwrap_or(usize::MAX).min(out.len());
        let made = self.feed.read(out.get_mut(..len).unwrap_or_default())?;
        if made == 0 && len > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.packed += made as u64;
        Ok(made)
    }

    fn deflated(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let Some(inflate) = &mut self.inflate else { return Ok(0) };
        loop {
            let packed = self.feed.fill_buf()?;
            let is_over = packed.is_empty();
            let (read, made) = (inflate.total_in(), inflate.total_out());
            let status = inflate.decompress(packed, out, FlushDecompress::None).map_err(io::Error::from)?;
            let read = usize::try_from(inflate.total_in() - read).unwrap_or(usize::MAX);
            let made = usize::try_from(inflate.total_out() - made).unwrap_or(usize::MAX);
            self.feed.consume(read);
            self.packed += read as u64;
            match status {
                Status::StreamEnd => {
                    self.inflate = None;
                    return Ok(made);
                }
                _ if made > 0 => return Ok(made),
                _ if is_over => return Err(io::ErrorKind::UnexpectedEof.into()),
                _ => {}
            }
        }
    }

    /// What stands behind the file is what came of it, and nothing is behind that.
    fn end(&mut self) -> io::Result<()> {
        let found = Measures {
            crc: u32::try_from(self.crc.finalize()).unwrap_or_default(),
            packed: self.packed,
            size: self.made,
        };
        let said = match self.said {
            Some(said) => said,
            None => descriptor(&mut self.feed, self.wide)?,
        };
        same("the file", said, found)?;
        match signature(&mut self.feed)? {
            ENTRY => entry(&mut self.feed, self.method, &self.name, found)?,
            FILE => return Err(unsupported("there is more than one file in it")),
            other => {
                return Err(invalid(format!("{other:#010x} is no signature of an entry of the directory")));
            }
        }
        loop {
            match signature(&mut self.feed)? {
                ENTRY => return Err(unsupported("there is more than one file in its directory")),
                END_64 => {
                    let len = u64::from_le_bytes(self.feed.array()?);
                    pass(&mut self.feed, len.min(1 << 16))?;
                }
                LOCATOR_64 => pass(&mut self.feed, 16)?,
                END => break,
                other => {
                    return Err(invalid(format!("{other:#010x} is no signature of the directory's end")));
                }
            }
        }
        let end: [u8; 18] = self.feed.array()?;
        let counts = (end.as_slice().le16(4), end.as_slice().le16(6));
        if ![(Some(1), Some(1)), (Some(u16::MAX), Some(u16::MAX))].contains(&counts) {
            return Err(unsupported("its directory is not of one file"));
        }
        pass(&mut self.feed, end.as_slice().le16(16).unwrap_or_default().into())?;
        if self.feed.is_over()? { Ok(()) } else { Err(invalid("something is behind its end")) }
    }
}

impl Decoder for Zip {
    fn decode(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.is_whole || out.is_empty() {
            return Ok(0);
        }
        let made = if self.method == STORED { self.stored(out)? } else { self.deflated(out)? };
        self.crc.update(out.get(..made).unwrap_or_default());
        self.made += made as u64;
        if made == 0 {
            self.end()?;
            self.is_whole = true;
        }
        Ok(made)
    }

    fn feed(&mut self) -> Option<&mut Feed> {
        Some(&mut self.feed)
    }
}

struct Begun {
    said: Option<Measures>,
    wide: bool,
    method: u16,
    name: Vec<u8>,
}

fn begin(feed: &mut Feed) -> io::Result<Begun> {
    match signature(feed)? {
        FILE => {}
        END => return Err(unsupported("there is no file in it")),
        other => return Err(invalid(format!("{other:#010x} is no signature of a file"))),
    }
    let header: [u8; 26] = feed.array()?;
    let header = header.as_slice();
    let (flags, method) = (header.le16(2).unwrap_or_default(), header.le16(4).unwrap_or_default());
    if flags & ENCRYPTED != 0 {
        return Err(unsupported("the file in it is encrypted"));
    }
    if ![STORED, DEFLATED].contains(&method) {
        return Err(unsupported(format!("the method {method} is neither 0, stored, nor 8, deflated")));
    }
    let name = bytes(feed, header.le16(22).unwrap_or_default())?;
    let extra = bytes(feed, header.le16(24).unwrap_or_default())?;
    if name.ends_with(b"/") {
        return Err(unsupported("what is in it is a folder, where one file is taken"));
    }
    let behind = flags & SIZES_BEHIND != 0;
    if behind && method == STORED {
        return Err(unsupported("a stored file whose size stands behind it has no end that can be told"));
    }
    let said = measures(header, 10, &extra)?;
    Ok(Begun { said: (!behind).then_some(said), wide: field(&extra).is_some(), method, name })
}

/// CRC and sizes at an offset of a header, the sizes perhaps in its extra fields.
fn measures(header: &[u8], at: usize, extra: &[u8]) -> io::Result<Measures> {
    let short = |at| header.le32(at).unwrap_or_default();
    let (packed, size) = (short(at + 4), short(at + 8));
    let mut wide = field(extra).unwrap_or_default();
    // In this order, and each only where 32 bits do not hold it.
    let mut widened = |short: u32| {
        if short != IN_EXTRA {
            return Ok(u64::from(short));
        }
        let value = wide
            .le64(0)
            .ok_or_else(|| invalid("a size is said to stand in an extra field that is not there"))?;
        wide = wide.get(8..).unwrap_or_default();
        Ok::<_, io::Error>(value)
    };
    let size = widened(size)?;
    Ok(Measures { crc: short(at), packed: widened(packed)?, size })
}

/// The extra field of wide sizes.
fn field(extra: &[u8]) -> Option<&[u8]> {
    let mut rest = extra;
    loop {
        let (id, len) = (rest.le16(0)?, usize::from(rest.le16(2)?));
        if id == ZIP_64 {
            return rest.run(4, len);
        }
        rest = rest.get(4 + len..)?;
    }
}

/// Behind the file: with or without a signature, as the writer liked.
fn descriptor(feed: &mut Feed, wide: bool) -> io::Result<Measures> {
    let first = signature(feed)?;
    let crc = if first == DESCRIPTOR { signature(feed)? } else { first };
    let (packed, size) = if wide {
        (u64::from_le_bytes(feed.array()?), u64::from_le_bytes(feed.array()?))
    } else {
        (signature(feed)?.into(), signature(feed)?.into())
    };
    Ok(Measures { crc, packed, size })
}

/// The file's entry in the directory.
fn entry(feed: &mut Feed, method: u16, name: &[u8], found: Measures) -> io::Result<()> {
    let header: [u8; 42] = feed.array()?;
    let header = header.as_slice();
    let length = |at| header.le16(at).unwrap_or_default();
    let (named, extra) = (bytes(feed, length(24))?, bytes(feed, length(26))?);
    pass(feed, length(28).into())?;
    if named != name || header.le16(6) != Some(method) {
        return Err(invalid("the directory tells of another file than there is"));
    }
    same("its entry in the directory", measures(header, 12, &extra)?, found)
}

fn same(what: &str, said: Measures, found: Measures) -> io::Result<()> {
    for (name, said, found) in [
        ("bytes", said.size, found.size),
        ("packed bytes", said.packed, found.packed),
        ("CRC-32", said.crc.into(), found.crc.into()),
    ] {
        if said != found {
            return Err(invalid(format!("{name}: {what} says {said}, and there are {found}")));
        }
    }
    Ok(())
}

fn signature(feed: &mut Feed) -> io::Result<u32> {
    feed.array().map(u32::from_le_bytes)
}

fn bytes(feed: &mut Feed, len: u16) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; len.into()];
    feed.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn pass(feed: &mut Feed, len: u64) -> io::Result<()> {
    let passed = io::copy(&mut feed.take(len), &mut io::sink())?;
    if passed == len { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}
