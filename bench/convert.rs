//! Converts one file into another, as an importer does with objects.   convert FILE FORMAT TARGET-FORMAT TARGET
//!
//! Prints the seconds it took and the most memory it had, in MiB. Zeros are not written, as `qemu-img` does not write them.

#![expect(clippy::print_stdout, reason = "it is what is asked for")]

use std::fs::File;
use std::io::{Seek as _, Write as _};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use shared::convert::{Conversion, Disk, ReadAt, Settings, Target};
use shared::image::DiskFormat;
use shared::ports::{Cause, StoreError};

/// A file that is read by ranges, into memory that is used again, as the store of a directory does.
#[derive(Debug)]
struct OnDisk {
    file: Arc<File>,
    size: u64,
    free: Arc<Mutex<Vec<Vec<u8>>>>,
}

/// Runs of memory that wait to be used again.
const MOST_FREE: usize = 8;

/// What was read. Its memory goes back with its last reader.
struct Lent {
    bytes: Vec<u8>,
    free: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let mut free = held(&self.free);
        if free.len() < MOST_FREE {
            free.push(std::mem::take(&mut self.bytes));
        }
    }
}

fn held(free: &Mutex<Vec<Vec<u8>>>) -> MutexGuard<'_, Vec<Vec<u8>>> {
    free.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl ReadAt for OnDisk {
    fn size(&self) -> u64 {
        self.size
    }

    async fn read_at(&self, range: Range<u64>) -> Result<Bytes, StoreError> {
        let (file, free) = (Arc::clone(&self.file), Arc::clone(&self.free));
        let read = move || {
            let mut bytes = held(&free).pop().unwrap_or_default();
            bytes.resize(usize::try_from(range.end - range.start).map_err(std::io::Error::other)?, 0);
            file.read_exact_at(&mut bytes, range.start)?;
            Ok::<_, std::io::Error>(Bytes::from_owner(Lent { bytes, free }))
        };
        let done =
            tokio::task::spawn_blocking(read).await.map_err(|error| StoreError::Failed(error.into()))?;
        done.map_err(|error| StoreError::Failed(error.into()))
    }
}

#[tokio::main]
async fn main() -> Result<(), Cause> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [file, format, target, out] = arguments.as_slice() else {
        return Err("usage: convert FILE FORMAT TARGET-FORMAT TARGET".into());
    };
    let begun = Instant::now();
    let format = DiskFormat::parse(format).ok_or("no such format")?;
    let target = Target::parse(target).ok_or("no such target")?;
    let file = File::open(file)?;
    let size = file.metadata()?.len();
    let source = Arc::new(OnDisk { file: Arc::new(file), size, free: Arc::default() });
    let settings = Settings::default();
    let disk = Disk::open(source, format, &settings).await?;
    let conversion = Conversion::plan(disk, target, settings).await?;
    let (mut out, mut stream) = (File::create(out)?, conversion.stream(0));
    out.set_len(conversion.size())?;
    while let Some(bytes) = stream.next().await {
        let bytes = bytes?;
        if is_zero(&bytes) {
            out.seek_relative(i64::try_from(bytes.len())?)?;
        } else {
            out.write_all(&bytes)?;
        }
    }
    let status = std::fs::read_to_string("/proc/self/status")?;
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    let most: f64 = most.split_ascii_whitespace().next().unwrap_or_default().parse()?;
    println!("{} {}", begun.elapsed().as_secs_f64(), most / 1024.0);
    Ok(())
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.chunks(4096).all(|chunk| chunk.iter().fold(0, |all, byte| all | byte) == 0)
}
