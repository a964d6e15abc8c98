//! What data is fetched from on users' behalf, and how long that may take.

use std::path::PathBuf;

use crate::egress::Rules;

/// What data is fetched from, and how long that may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EgressConfig {
    /// What from.
    pub rules: Rules,
    /// PEM file of the authorities that sources are certified by; the system's when absent.
    pub ca_file: Option<PathBuf>,
    /// How long a source may take to take a connection.
    pub connect_seconds: u64,
    /// How long a source may send nothing.
    pub idle_seconds: u64,
    /// How long a transfer may take.
    pub transfer_seconds: u64,
}

impl Default for EgressConfig {
    fn default() -> Self {
        Self {
            rules: Rules::default(),
            ca_file: None,
            connect_seconds: 10,
            idle_seconds: 60,
            transfer_seconds: 86_400,
        }
    }
}
