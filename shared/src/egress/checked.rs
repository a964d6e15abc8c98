//! URLs, read in the one way that is left when everything is refused which somebody reads otherwise.

use std::fmt;
use std::net::IpAddr;

use url::{Host, ParseError, Position, Url};

use super::Refusal;
use super::host::bare_name;

/// The longest URL that is read, in bytes: room for one that is signed.
pub const MAX_URL_BYTES: usize = 4096;

words! {
    /// How data is asked for.
    Scheme:
        /// Over TCP.
        Http = "http",
        /// Over TLS.
        Https = "https",
}

/// A URL that the rules let pass, without credentials and fragment. Its host is one of lower case and without a dot at its end.
#[derive(Clone, PartialEq, Eq)]
pub struct CheckedUrl {
    url: Url,
    scheme: Scheme,
    port: u16,
}

impl CheckedUrl {
    /// Reads a URL, or, behind a base, a reference as a redirect has it. Nothing is judged yet.
    pub(super) fn read(text: &str, base: Option<&Self>) -> Result<Self, Refusal> {
        if text.len() > MAX_URL_BYTES {
            return Err(Refusal::TooLong);
        }
        if text.chars().any(|letter| letter.is_control() || letter.is_whitespace() || letter == '\\') {
            return Err(Refusal::Malformed);
        }
        let authority = authority(text, base.is_some())?;
        let read = match base {
            None => Url::parse(text),
            Some(base) => base.url.join(text),
        };
        let mut url = read.map_err(|error| match error {
            ParseError::InvalidPort => Refusal::Port { allowed: String::new() },
            ParseError::InvalidIpv4Address
            | ParseError::InvalidIpv6Address
            | ParseError::InvalidDomainCharacter
            | ParseError::IdnaError => Refusal::OddHost,
            _ => Refusal::Malformed,
        })?;
        if let Some(authority) = authority {
            is_plain(authority, &url)?;
        }
        url.set_fragment(None);
        without_last_dot(&mut url)?;
        // A reference may be short and what it makes long.
        if url.as_str().len() > MAX_URL_BYTES {
            return Err(Refusal::TooLong);
        }
        let scheme = Scheme::parse(url.scheme()).ok_or_else(other_scheme)?;
        let port = url.port_or_known_default().ok_or(Refusal::Malformed)?;
        Ok(Self { url, scheme, port })
    }

    /// The whole, to be kept or asked for. Who has it may have what it leads to.
    pub fn as_str(&self) -> &str {
        self.url.as_str()
    }

    /// Its scheme.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Its host: a name in ASCII, or an address, without brackets.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
    }

    /// Its host, when that is an address.
    pub fn address(&self) -> Option<IpAddr> {
        match self.url.host()? {
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
            Host::Domain(_) => None,
        }
    }

    /// Its port, or that of its scheme.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Host and port as a request names them.
    pub fn authority(&self) -> &str {
        self.url.authority()
    }

    /// What a request asks for.
    pub fn path_and_query(&self) -> &str {
        &self.url[Position::BeforePath..]
    }

    /// Whether both are asked of the same server.
    pub fn has_origin_of(&self, other: &Self) -> bool {
        self.url.origin() == other.url.origin()
    }
}

/// Without the query, which may be a secret.
impl fmt::Display for CheckedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.url.scheme(), self.url.authority(), self.url.path())
    }
}

impl fmt::Debug for CheckedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

pub(super) fn other_scheme() -> Refusal {
    Refusal::Scheme {
        allowed: Scheme::ALL.iter().map(|scheme| scheme.name()).collect::<Vec<_>>().join(" or "),
    }
}

/// Host and port as they are written; nothing where a reference has none. What stands between a scheme and a host is always `//`.
fn authority(text: &str, is_reference: bool) -> Result<Option<&str>, Refusal> {
    let rest = match text.find([':', '/', '?', '#']).map(|at| text.split_at(at)) {
        Some((scheme, rest)) if rest.starts_with(':') => {
            Scheme::parse(&scheme.to_ascii_lowercase()).ok_or_else(other_scheme)?;
            rest.strip_prefix("://").ok_or(Refusal::Malformed)?
        }
        _ if !is_reference => return Err(Refusal::Malformed),
        _ => match text.strip_prefix("//") {
            Some(rest) => rest,
            None => return Ok(None),
        },
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(Refusal::Credentials);
    }
    if authority.is_empty() || authority.starts_with(':') {
        return Err(Refusal::Malformed);
    }
    Ok(Some(authority))
}

/// Whether a host is to everybody what it is to the reader: an address is written as addresses are, and a name as names are.
fn is_plain(authority: &str, url: &Url) -> Result<(), Refusal> {
    let host = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, _)) => host,
        None => authority.split(':').next().unwrap_or_default(),
    };
    let is_plain = match url.host() {
        Some(Host::Ipv4(address)) => host.parse() == Ok(address),
        Some(Host::Ipv6(address)) => host.parse() == Ok(address),
        Some(Host::Domain(_)) => !host.contains('%'),
        None => false,
    };
    if is_plain { Ok(()) } else { Err(Refusal::OddHost) }
}

/// A name with a dot at its end is the same name, and compared with others it must be.
fn without_last_dot(url: &mut Url) -> Result<(), Refusal> {
    let Some(Host::Domain(name)) = url.host() else { return Ok(()) };
    let bare = bare_name(name).ok_or(Refusal::OddHost)?.to_owned();
    if bare.len() < name.len() {
        url.set_host(Some(&bare)).map_err(|_| Refusal::OddHost)?;
    }
    Ok(())
}
