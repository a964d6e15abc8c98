//! Converts one file into another, as an importer does with objects.   convert FILE FORMAT TARGET-FORMAT TARGET
//!
//! Prints the seconds it took and the most memory it had, in MiB. Zeros are not written, as `qemu-img` does not write them.

#![expect(clippy::print_stdout, reason = "it is what is asked for")]

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use shared::convert::{Conversion, Disk, ReadAt, Settings, Target};
use shared::image::DiskFormat;
use shared::ports::{Cause, StoreError};

/// A file that is read by ranges.
#[derive(Debug)]
struct OnDisk(PathBuf, u64);

#[async_trait]
impl ReadAt for OnDisk {
    fn size(&self) -> u64 {
        self.1
    }

    async fn read_at(&self, range: Range<u64>) -> Result<Bytes, StoreError> {
        let path = self.0.clone();
        let read = move || {
            let mut file = File::open(path)?;
            file.seek(SeekFrom::Start(range.start))?;
            let len = range.end - range.start;
            let mut bytes = Vec::with_capacity(usize::try_from(len).unwrap_or_default());
            file.take(len).read_to_end(&mut bytes)?;
            Ok::<_, std::io::Error>(Bytes::from(bytes))
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
    let source = Arc::new(OnDisk(PathBuf::from(file), std::fs::metadata(file)?.len()));
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
