//! How the data of images can be imported, and what is asked for. Pure.

mod plugins;
mod request;

use crate::image::ImportSource;

pub use plugins::{Injected, Plugin, Plugins, Remake};
pub use request::{Chosen, ImportRequest, Offer};

/// A way to import. The names are Glance's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportMethod {
    /// `glance-direct`: what was staged.
    GlanceDirect,
    /// `web-download`: what lies at a URL.
    WebDownload,
    /// `copy-image`: what the image has in another store.
    CopyImage,
    /// `glance-download`: what an image of another region has.
    GlanceDownload,
}

impl ImportMethod {
    /// Every way there is.
    pub const ALL: [Self; 4] = [Self::GlanceDirect, Self::WebDownload, Self::CopyImage, Self::GlanceDownload];

    /// Those that are enabled unless somebody says otherwise.
    pub const USUAL: [Self; 3] = [Self::GlanceDirect, Self::WebDownload, Self::CopyImage];

    /// The way of a source.
    pub const fn of(source: &ImportSource) -> Self {
        match source {
            ImportSource::GlanceDirect => Self::GlanceDirect,
            ImportSource::WebDownload { .. } => Self::WebDownload,
            ImportSource::CopyImage => Self::CopyImage,
            ImportSource::GlanceDownload(_) => Self::GlanceDownload,
        }
    }

    /// As the API names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::GlanceDirect => "glance-direct",
            Self::WebDownload => "web-download",
            Self::CopyImage => "copy-image",
            Self::GlanceDownload => "glance-download",
        }
    }

    /// The way of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }
}
