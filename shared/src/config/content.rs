//! Settings that are a text of several lines, by themselves or in a file.

use std::path::{Path, PathBuf};

/// What a text says.
pub trait Content: Sized {
    /// Reads it.
    ///
    /// # Errors
    /// The line, and what is wrong there.
    fn parse(text: &str) -> Result<Self, String>;
}

/// A file, as it was when it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileOf<T> {
    /// Where it lies.
    pub path: PathBuf,
    /// What it says.
    pub content: T,
}

/// A text in a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextOf<T> {
    /// As it was written.
    pub text: String,
    /// What it says.
    pub content: T,
}

impl<T: Content> FileOf<T> {
    /// Reads a file.
    ///
    /// # Errors
    /// Why it cannot be read; or its line, and what is wrong there.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        let content = T::parse(&text).map_err(|why| format!("{}, {why}", path.display()))?;
        Ok(Self { path: path.to_owned(), content })
    }
}

impl<T: Content> TextOf<T> {
    /// Reads a text.
    ///
    /// # Errors
    /// The line, and what is wrong there.
    pub fn read(text: &str) -> Result<Self, String> {
        Ok(Self { text: text.to_owned(), content: T::parse(text)? })
    }
}

/// What was said, whichever way it was, with the key that said it.
pub(super) fn said<'a, T>(
    file: (&'static str, Option<&'a FileOf<T>>),
    text: (&'static str, Option<&'a TextOf<T>>),
) -> Option<Said<'a, T>> {
    let of_file = file.1.map(|said| Said { key: file.0, path: Some(&said.path), content: &said.content });
    of_file.or_else(|| text.1.map(|said| Said { key: text.0, path: None, content: &said.content }))
}

/// What a setting says.
#[derive(Debug)]
pub(super) struct Said<'a, T> {
    pub(super) key: &'static str,
    path: Option<&'a PathBuf>,
    pub(super) content: &'a T,
}

impl<T> Said<'_, T> {
    /// A fault of it, with the file it is in.
    pub(super) fn fault(&self, why: impl std::fmt::Display) -> (&'static str, String) {
        match self.path {
            Some(path) => (self.key, format!("{}, {why}", path.display())),
            None => (self.key, why.to_string()),
        }
    }
}
