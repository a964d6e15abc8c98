//! What may be fetched from, as an operator says it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::checked::other_scheme;
use super::{AddressClass, CheckedUrl, HostName, Refusal, Scheme, address};
use crate::networks::Networks;

/// What may be: where something is allowed, only that, whatever is disallowed (Glance, `import_filtering_opts`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice<T> {
    /// These alone; all when empty.
    pub allowed: Vec<T>,
    /// None of these, where nothing is allowed by name.
    pub disallowed: Vec<T>,
}

impl<T: PartialEq> Choice<T> {
    /// Whether a value may be.
    pub fn permits(&self, value: &T) -> bool {
        if self.allowed.is_empty() { !self.disallowed.contains(value) } else { self.allowed.contains(value) }
    }
}

impl<T> Default for Choice<T> {
    fn default() -> Self {
        Self { allowed: Vec::new(), disallowed: Vec::new() }
    }
}

/// What data is fetched from on a user's behalf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// By what.
    pub schemes: Choice<Scheme>,
    /// From whom. A host that is allowed is not thereby reached at any address.
    pub hosts: Choice<HostName>,
    /// At which ports.
    pub ports: Choice<u16>,
    /// Networks that are reached although they are not of the internet.
    pub networks: Networks,
}

impl Default for Rules {
    /// As Glance's, but for networks.
    fn default() -> Self {
        Self {
            schemes: Choice { allowed: Scheme::ALL.to_vec(), disallowed: Vec::new() },
            hosts: Choice::default(),
            ports: Choice { allowed: vec![80, 443], disallowed: Vec::new() },
            networks: Networks::default(),
        }
    }
}

impl Rules {
    /// Reads a URL and judges it by itself. Whoever fetches has to [`Self::reach`] its host's addresses too.
    ///
    /// # Errors
    /// The first rule that refuses it.
    pub fn check(&self, text: &str) -> Result<CheckedUrl, Refusal> {
        self.judge(CheckedUrl::read(text, None)?)
    }

    /// Where a redirect leads, judged as if it had been named. From https it does not lead to http: who asked for data that nobody
    /// between can change gets none that somebody can.
    ///
    /// # Errors
    /// The first rule that refuses it.
    pub fn follow(&self, from: &CheckedUrl, location: &str) -> Result<CheckedUrl, Refusal> {
        let next = self.judge(CheckedUrl::read(location, Some(from))?)?;
        if (from.scheme(), next.scheme()) == (Scheme::Https, Scheme::Http) {
            return Err(Refusal::Downgrade);
        }
        Ok(next)
    }

    /// Whether an address may be connected to.
    ///
    /// # Errors
    /// What it is for, when that is not the internet and was not allowed.
    pub fn reach(&self, address: IpAddr) -> Result<(), AddressClass> {
        let is_allowed = || {
            let held = address::held(address).map(IpAddr::from);
            self.networks.contains(address) || held.is_some_and(|held| self.networks.contains(held))
        };
        match AddressClass::of(address) {
            Some(class) if !is_allowed() => Err(class),
            _ => Ok(()),
        }
    }

    fn judge(&self, url: CheckedUrl) -> Result<CheckedUrl, Refusal> {
        if !self.schemes.permits(&url.scheme()) {
            return Err(self.scheme_refusal());
        }
        if url.port() == 0 || !self.ports.permits(&url.port()) {
            return Err(Refusal::Port { allowed: listed(self.ports.allowed.iter()) });
        }
        if !self.hosts.permits(&HostName::of(&url)) {
            return Err(Refusal::Host);
        }
        match url.address() {
            Some(address) => self.reach(address).map_err(Refusal::Address)?,
            None if is_this_machine(url.host()) && !self.reaches_this_machine() => {
                return Err(Refusal::Unreached);
            }
            None => {}
        }
        Ok(url)
    }

    fn scheme_refusal(&self) -> Refusal {
        let permitted: Vec<_> = Scheme::ALL.iter().filter(|scheme| self.schemes.permits(scheme)).collect();
        match permitted.as_slice() {
            [] => other_scheme(),
            some => Refusal::Scheme { allowed: listed(some.iter().map(|scheme| scheme.name())) },
        }
    }

    fn reaches_this_machine(&self) -> bool {
        let ends = [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()];
        ends.into_iter().any(|address| self.reach(address).is_ok())
    }
}

fn listed(values: impl Iterator<Item = impl fmt::Display>) -> String {
    values.map(|value| value.to_string()).collect::<Vec<_>>().join(" or ")
}

/// Names that are this machine's, whoever is asked (RFC 6761).
fn is_this_machine(host: &str) -> bool {
    host.rsplit('.').next() == Some("localhost")
}
