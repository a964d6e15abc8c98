//! Where files lie, and the order of steps that keeps them safe.
//!
//! `objects/<image id>/<ulid>` is a complete object, `writing/<image id>.<ulid>` one that is being written, and
//! `writing/<image id>.<ulid>.parts` which of its parts have arrived, when clients bring them. An object moves once, by a rename; a directory is synced after every change in it, so what was answered survives a power cut.

use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::failure::{failed, refused};
use crate::ports::StoreError;
use crate::store::ObjectKey;

/// How often an image's directory may vanish under a rename: each time, another object of it was removed in that moment.
const RENAMES: usize = 100;

/// The directories of a store.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    objects: PathBuf,
    writing: PathBuf,
}

impl Layout {
    /// The layout under a directory, which is made if it is absent.
    pub(super) fn create(root: &Path) -> Result<Self, StoreError> {
        let layout = Self { objects: root.join("objects"), writing: root.join("writing") };
        for directory in [&layout.objects, &layout.writing] {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(directory)
                .map_err(|e| refused("make", directory, e))?;
        }
        sync(root)?;
        match root.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            Some(parent) => sync(parent)?,
            None => sync(Path::new("."))?,
        }
        Ok(layout)
    }

    /// Where a complete object lies.
    pub(super) fn object(&self, key: &ObjectKey) -> PathBuf {
        self.image(key).join(key.blob().as_str())
    }

    /// Where an object lies while it is written.
    pub(super) fn unfinished(&self, key: &ObjectKey) -> PathBuf {
        self.writing.join(format!("{}.{}", key.image(), key.blob()))
    }

    /// Where it is written down which parts of an object have arrived.
    pub(super) fn journal(&self, key: &ObjectKey) -> PathBuf {
        self.writing.join(format!("{}.{}.parts", key.image(), key.blob()))
    }

    fn image(&self, key: &ObjectKey) -> PathBuf {
        self.objects.join(key.image().as_str())
    }

    /// Makes the file of an object to be written. A key is used once: a file that is there already is a failure.
    pub(super) fn start(&self, key: &ObjectKey) -> Result<File, StoreError> {
        let path = self.unfinished(key);
        let made = File::options().write(true).create_new(true).mode(0o600).open(&path);
        made.map_err(|error| refused("make", &path, error))
    }

    /// Makes the file that arrived parts are written down in.
    pub(super) fn start_journal(&self, key: &ObjectKey) -> Result<File, StoreError> {
        let path = self.journal(key);
        let made = File::options().append(true).create_new(true).mode(0o600).open(&path);
        made.map_err(|error| refused("make", &path, error))
    }

    /// Makes durable that files were made.
    pub(super) fn sync_writing(&self) -> Result<(), StoreError> {
        sync(&self.writing)
    }

    /// Removes what is written down of an object's parts. A second run is no error.
    pub(super) fn drop_journal(&self, key: &ObjectKey) -> Result<(), StoreError> {
        let path = self.journal(key);
        unless(fs::remove_file(&path), ErrorKind::NotFound).map_err(|error| refused("remove", &path, error))
    }

    /// Moves a synced file to its place and makes that durable. A second run is no error.
    pub(super) fn finish(&self, key: &ObjectKey) -> Result<(), StoreError> {
        let (from, to, image) = (self.unfinished(key), self.object(key), self.image(key));
        for _ in 0..RENAMES {
            let made = DirBuilder::new().mode(0o700).create(&image);
            unless(made, ErrorKind::AlreadyExists).map_err(|error| refused("make", &image, error))?;
            let renamed = fs::rename(&from, &to);
            unless(renamed, ErrorKind::NotFound).map_err(|error| refused("rename", &from, error))?;
            if to.exists() {
                return [&image, &self.objects, &self.writing].into_iter().try_for_each(|at| sync(at));
            }
            if !from.exists() {
                // The directory may have been made just now, for nothing.
                remove_if_empty(&image)?;
                break;
            }
        }
        Err(failed(format!("the object '{key}' was removed while it was written")))
    }

    /// Removes whatever lies under a key, and the image's directory with its last object; durable, a second run is no error.
    pub(super) fn remove(&self, key: &ObjectKey) -> Result<(), StoreError> {
        // In the order an object moves: it cannot pass from the one place to the other unseen.
        for path in [self.journal(key), self.unfinished(key), self.object(key)] {
            let removed = fs::remove_file(&path);
            unless(removed, ErrorKind::NotFound).map_err(|error| refused("remove", &path, error))?;
        }
        let image = self.image(key);
        remove_if_empty(&image)?;
        sync(&image)?;
        sync(&self.objects)?;
        sync(&self.writing)
    }
}

/// Removes a directory, unless there is something in it.
fn remove_if_empty(directory: &Path) -> Result<(), StoreError> {
    let removed = unless(fs::remove_dir(directory), ErrorKind::NotFound);
    // POSIX allows either answer for a directory in use.
    let removed = unless(unless(removed, ErrorKind::DirectoryNotEmpty), ErrorKind::AlreadyExists);
    removed.map_err(|error| refused("remove", directory, error))
}

/// Takes one kind of error for success.
fn unless(done: io::Result<()>, fine: ErrorKind) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == fine => Ok(()),
        done => done,
    }
}

/// Makes a directory's entries durable. One that vanished has none.
fn sync(directory: &Path) -> Result<(), StoreError> {
    let synced = File::open(directory).and_then(|opened| opened.sync_all());
    unless(synced, ErrorKind::NotFound).map_err(|error| refused("sync", directory, error))
}
