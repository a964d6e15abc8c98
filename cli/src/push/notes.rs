//! What is written down of a push that is under way, so that the same command line goes on with it: what cannot be asked of the
//! service is which image and session a file of this machine is pushed to.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use shared::id::ImageId;

use super::source::Seen;
use crate::Failure;

/// A push that has begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    /// The service's URL.
    pub(crate) endpoint: String,
    /// The file's absolute path.
    pub(crate) file: String,
    /// As the file was.
    pub(crate) seen: Seen,
    pub(crate) image: ImageId,
    /// The upload session, once it is open.
    pub(crate) session: Option<String>,
}

/// The notes of a user: a file each, by the image's id.
#[derive(Clone, Debug)]
pub(crate) struct Notes {
    directory: Option<PathBuf>,
}

impl Notes {
    /// Those under `XDG_STATE_HOME`, or `~/.local/state`. Where there is neither, nothing is written down.
    #[expect(clippy::disallowed_methods, reason = "where a user's state lies is no setting of the service")]
    pub(crate) fn of_user() -> Self {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty()).map(PathBuf::from);
        let state = variable("XDG_STATE_HOME").or_else(|| Some(variable("HOME")?.join(".local/state")));
        Self { directory: state.map(|state| state.join("glint/pushes")) }
    }

    /// Whether anything is written down.
    pub(crate) fn is_kept(&self) -> bool {
        self.directory.is_some()
    }

    /// The push of a file to a service that was begun last; to one image, when that is named.
    pub(crate) fn find(&self, endpoint: &str, file: &str, image: Option<&ImageId>) -> Option<Note> {
        let entries = fs::read_dir(self.directory.as_ref()?).ok()?;
        let read = |entry: fs::DirEntry| -> Option<Note> {
            // What is no note, or not ours to read, is none.
            serde_json::from_slice(&fs::read(entry.path()).ok()?).ok()
        };
        let ours = |note: &Note| {
            note.endpoint == endpoint && note.file == file && image.is_none_or(|image| note.image == *image)
        };
        let notes = entries.flatten().filter_map(read).filter(ours);
        // Ids of sessions begin with their time.
        notes.max_by(|a, b| a.session.cmp(&b.session))
    }

    /// Writes one down, over an earlier one of its image.
    pub(crate) fn keep(&self, note: &Note) -> Result<(), Failure> {
        let Some(path) = self.path(&note.image) else { return Ok(()) };
        let aside = path.with_extension(format!("new-{}", std::process::id()));
        let written = (|| {
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            fs::write(&aside, serde_json::to_vec_pretty(note)?)?;
            fs::rename(&aside, &path)
        })();
        let wrong = |error: std::io::Error| {
            let path = path.display();
            Failure::Run(format!(
                "cannot write down where the push stands: {path}: {error} (XDG_STATE_HOME names another place)"
            ))
        };
        written.map_err(wrong)
    }

    /// Forgets one that has ended.
    pub(crate) fn forget(&self, image: &ImageId) -> Result<(), Failure> {
        let Some(path) = self.path(image) else { return Ok(()) };
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(Failure::Run(format!("{}: {error}", path.display())))
            }
            _ => Ok(()),
        }
    }

    fn path(&self, image: &ImageId) -> Option<PathBuf> {
        Some(self.directory.as_ref()?.join(format!("{image}.json")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::push::source::Source;

    #[test]
    fn a_push_is_found_by_service_file_and_image_until_it_is_forgotten() {
        let directory = tempfile::tempdir().unwrap();
        let notes = Notes { directory: Some(directory.path().join("a/b")) };
        let file = directory.path().join("x");
        fs::write(&file, "x").unwrap();
        let seen = Source::open(&file).unwrap().seen();
        let note = |random, session: &str| Note {
            endpoint: "http://one".to_owned(),
            file: "/x".to_owned(),
            seen,
            image: ImageId::from_random(random),
            session: Some(session.to_owned()),
        };
        let (earlier, later) = (note(1, "01A"), note(2, "01B"));
        assert_eq!(notes.find("http://one", "/x", None), None);
        notes.keep(&later).unwrap();
        notes.keep(&earlier).unwrap();
        fs::write(directory.path().join("a/b/other.json"), "no note").unwrap();
        assert_eq!(notes.find("http://one", "/x", None), Some(later.clone()));
        assert_eq!(notes.find("http://one", "/x", Some(&earlier.image)), Some(earlier.clone()));
        assert_eq!(notes.find("http://two", "/x", None), None);
        assert_eq!(notes.find("http://one", "/y", None), None);
        notes.forget(&later.image).unwrap();
        notes.forget(&later.image).unwrap();
        assert_eq!(notes.find("http://one", "/x", None), Some(earlier));
        assert_eq!(Notes { directory: None }.keep(&later), Ok(()));
    }
}
