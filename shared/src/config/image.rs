//! What values images may take.

use super::content::{Content, FileOf, TextOf, said};
use crate::format::{Check, Rules};
use crate::image::{Accepted, ContainerFormat, Described, DiskFormat};

/// What values images may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageConfig {
    /// Formats of disks.
    pub disk_formats: Vec<DiskFormat>,
    /// Formats of containers.
    pub container_formats: Vec<ContainerFormat>,
    /// A file of schemas of custom properties.
    pub schema_file: Option<FileOf<Described>>,
    /// The schemas themselves.
    pub schema: Option<TextOf<Described>>,
    /// Whether data must have the format that its image declares.
    pub require_format_match: bool,
    /// Checks of formats that data may fail.
    pub format_checks_allowed: Vec<Check>,
}

impl Default for ImageConfig {
    fn default() -> Self {
        let Accepted { disk_formats, container_formats, .. } = Accepted::default();
        let Rules { require_match, allowed } = Rules::default();
        Self {
            disk_formats,
            container_formats,
            schema_file: None,
            schema: None,
            require_format_match: require_match,
            format_checks_allowed: allowed,
        }
    }
}

impl Content for Described {
    fn parse(text: &str) -> Result<Self, String> {
        Self::parse(text)
    }
}

impl ImageConfig {
    /// What operations take.
    pub fn accepted(&self) -> Accepted {
        let described =
            said(("image.schema_file", self.schema_file.as_ref()), ("image.schema", self.schema.as_ref()));
        Accepted {
            disk_formats: self.disk_formats.clone(),
            container_formats: self.container_formats.clone(),
            described: described.map(|said| said.content.clone()).unwrap_or_default(),
        }
    }

    /// What data is held to.
    pub fn rules(&self) -> Rules {
        Rules { require_match: self.require_format_match, allowed: self.format_checks_allowed.clone() }
    }

    /// What does not fit the rest: the key to change, and why.
    pub(super) fn fault(&self) -> Option<(&'static str, String)> {
        let twice = self.schema_file.is_some() && self.schema.is_some();
        twice.then(|| ("image.schema", "must not be set beside image.schema_file".to_owned()))
    }
}
