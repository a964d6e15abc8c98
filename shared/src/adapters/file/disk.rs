//! What Linux offers beyond the standard library: room reserved early, writes past the page cache, hints.
//! Elsewhere the store works without.

use std::fs::File;
use std::io;
use std::path::Path;

/// Sets aside room for `size` bytes, so that a full disk shows before the bytes come. A file system that cannot is no error.
#[cfg(target_os = "linux")]
pub(super) fn reserve(file: &File, size: u64) -> io::Result<()> {
    use rustix::io::Errno;

    match rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), 0, size) {
        Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

/// Opens a file for writing past the page cache, where its file system can.
///
/// An upload's pages would be written once and mostly not be read soon: keeping them costs several times the CPU of
/// the write itself, and leaves a pile for the last fsync.
#[cfg(target_os = "linux")]
pub(super) fn open_direct(path: &Path) -> Option<File> {
    use std::os::unix::fs::OpenOptionsExt;

    let flags = rustix::fs::OFlags::DIRECT.bits().cast_signed();
    File::options().write(true).custom_flags(flags).open(path).ok()
}

/// Starts writing a range to disk that lies in the page cache, without waiting.
#[cfg(target_os = "linux")]
pub(super) fn start_write_back(file: &File, offset: u64, len: u64) {
    // Giving up pages that are dirty makes Linux write them: the portable half of sync_file_range.
    advise(file, offset, len, rustix::fs::Advice::DontNeed);
}

/// Says that a range is going to be read from front to back.
#[cfg(target_os = "linux")]
pub(super) fn will_read(file: &File, offset: u64, len: u64) {
    advise(file, offset, len, rustix::fs::Advice::Sequential);
}

#[cfg(target_os = "linux")]
fn advise(file: &File, offset: u64, len: u64, advice: rustix::fs::Advice) {
    // A hint: refused, it changes nothing.
    let _ = rustix::fs::fadvise(file, offset, std::num::NonZeroU64::new(len), advice);
}

#[cfg(not(target_os = "linux"))]
pub(super) fn reserve(_file: &File, _size: u64) -> io::Result<()> {
    Ok(())
}

#[cfg(not(target_os = "linux"))]
pub(super) fn open_direct(_path: &Path) -> Option<File> {
    None
}

#[cfg(not(target_os = "linux"))]
pub(super) fn start_write_back(_file: &File, _offset: u64, _len: u64) {}

#[cfg(not(target_os = "linux"))]
pub(super) fn will_read(_file: &File, _offset: u64, _len: u64) {}
