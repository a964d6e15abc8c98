//! The key that the gateway's own URLs are sealed by: made once, kept beside the objects, readable by its owner alone.

use std::fs::{self, File};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use super::failure::{failed, refused};
use crate::ports::StoreError;
use crate::store::SEAL_KEY_BYTES;

const NAME: &str = "seal.key";

/// Reads the key of a store's directory, or makes one. Who removes the file ends every URL that was given out.
pub(super) fn key(root: &Path) -> Result<[u8; SEAL_KEY_BYTES], StoreError> {
    let path = root.join(NAME);
    match File::open(&path) {
        Ok(file) => read(file, &path),
        Err(error) if error.kind() == ErrorKind::NotFound => make(root, &path),
        Err(error) => Err(refused("open", &path, error)),
    }
}

fn read(file: File, path: &Path) -> Result<[u8; SEAL_KEY_BYTES], StoreError> {
    let mut bytes = Vec::new();
    // One byte more than there may be, so that more shows.
    let most = SEAL_KEY_BYTES as u64 + 1;
    file.take(most).read_to_end(&mut bytes).map_err(|error| refused("read", path, error))?;
    let wrong = |bytes: Vec<u8>| {
        failed(format!("{} must hold {SEAL_KEY_BYTES} bytes, not {}", path.display(), bytes.len()))
    };
    bytes.try_into().map_err(wrong)
}

fn make(root: &Path, path: &Path) -> Result<[u8; SEAL_KEY_BYTES], StoreError> {
    let mut key = [0; SEAL_KEY_BYTES];
    getrandom::fill(&mut key)
        .map_err(|error| failed(format!("no randomness for {}: {error}", path.display())))?;
    // Aside first: a key is there whole or not at all.
    let aside = path.with_extension("new");
    let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&aside);
    let written = file.as_mut().map_err(|error| std::io::Error::new(error.kind(), error.to_string()));
    let written = written.and_then(|file| file.write_all(&key).and_then(|()| file.sync_all()));
    written.map_err(|error| refused("write", &aside, error))?;
    fs::rename(&aside, path).map_err(|error| refused("rename", &aside, error))?;
    let synced = File::open(root).and_then(|root| root.sync_all());
    synced.map_err(|error| refused("sync", root, error))?;
    Ok(key)
}
