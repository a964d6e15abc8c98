//! Why nothing is fetched.

use super::{AddressClass, MAX_URL_BYTES};

/// Which rule refuses a URL. Told to who named it: says nothing that is known of a name's addresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is longer than [`MAX_URL_BYTES`].
    #[error("must be at most {MAX_URL_BYTES} bytes")]
    TooLong,
    /// It is none, or may be read in two ways.
    #[error("must be a URL with a host, without blanks, control characters and '\\'")]
    Malformed,
    /// It says who asks. Such a thing would be kept, and told.
    #[error("must not hold a user or a password")]
    Credentials,
    /// Of another scheme than is allowed.
    #[error("its scheme must be {allowed}")]
    Scheme {
        /// Those that are.
        allowed: String,
    },
    /// At another port than is allowed.
    #[error("its port is not allowed{}", hint(.allowed))]
    Port {
        /// Those that are, if they were listed.
        allowed: String,
    },
    /// A host that was not allowed.
    #[error("its host is not allowed")]
    Host,
    /// An address that is one only to some (`2130706433`, `0x7f.1`, `127.1`), or a name that is none.
    #[error("its host must be a name or a plainly written address")]
    OddHost,
    /// An address that is never fetched from.
    #[error("its address is {}, and such addresses are not fetched from", .0.name())]
    Address(AddressClass),
    /// A name that leads nowhere, or to an address that is never fetched from: which, nobody is told.
    #[error("its host is not found, or lies in a network that is not fetched from")]
    Unreached,
    /// More redirects than are followed.
    #[error("redirects more than {0} times")]
    Redirects(usize),
    /// A redirect from https to http.
    #[error("redirects from https to http")]
    Downgrade,
}

fn hint(allowed: &str) -> String {
    if allowed.is_empty() { String::new() } else { format!(": it must be {allowed}") }
}
