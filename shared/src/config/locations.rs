//! Data that others have written, and who is told where data lies.

/// How data is registered that others have written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocationsConfig {
    /// Whether it is hashed, and held to the hash it came with.
    pub do_secure_hash: bool,
    /// How often a source that could not be read is tried again.
    pub http_retries: u32,
    /// Whether images tell every place of their data.
    pub show_multiple_locations: bool,
    /// Whether images tell the place that is read first.
    pub show_image_direct_url: bool,
}

impl Default for LocationsConfig {
    fn default() -> Self {
        Self {
            do_secure_hash: true,
            http_retries: 3,
            show_multiple_locations: false,
            show_image_direct_url: false,
        }
    }
}
