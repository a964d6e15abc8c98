//! How the data of images can be imported. Pure.

/// A way to import. The names are Glance's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportMethod {
    /// `glance-direct`: what was staged.
    GlanceDirect,
}

impl ImportMethod {
    /// Every way there is.
    pub const ALL: [Self; 1] = [Self::GlanceDirect];

    /// As the API names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::GlanceDirect => "glance-direct",
        }
    }

    /// The way of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }
}
