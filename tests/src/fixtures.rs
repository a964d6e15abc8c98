//! Time and ids that belong to the test.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use shared::id::{CertificateId, ImageId, ProjectId, RequestId, TaskId, Ulid};
use shared::identity::Token;
use shared::ports::{Certificates, CertificatesError, Clock, Ids, Limits, LimitsError, ProjectLimits};
use shared::time::Timestamp;
use shared::usage::Resource;

/// A clock that stands still until it is moved, but for a microsecond a reading, so that no two readings are equal.
#[derive(Debug)]
pub struct TestClock(AtomicI64);

impl Default for TestClock {
    /// 2026-10-01T08:00:00Z.
    fn default() -> Self {
        Self(AtomicI64::new(1_790_841_600_000_000))
    }
}

impl TestClock {
    /// Moves on.
    pub fn advance(&self, by: Duration) {
        let microseconds = i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
        self.0.fetch_add(microseconds, Ordering::SeqCst);
    }
}

impl TestClock {
    /// Goes to a time, forward or back: for what another clock looks at too.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.microseconds(), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_microseconds(self.0.fetch_add(1, Ordering::SeqCst))
    }
}

/// Ids that count.
#[derive(Debug, Default)]
pub struct CountingIds(AtomicU64);

impl CountingIds {
    fn next(&self) -> u128 {
        u128::from(self.0.fetch_add(1, Ordering::SeqCst) + 1)
    }
}

impl Ids for CountingIds {
    fn image_id(&self) -> ImageId {
        ImageId::from_random(self.next())
    }

    fn task_id(&self) -> TaskId {
        TaskId::from_random(self.next())
    }

    fn request_id(&self) -> RequestId {
        RequestId::from_random(0)
    }

    fn ulid(&self, now: Timestamp) -> Ulid {
        Ulid::from_parts(now.milliseconds(), self.next())
    }
}

/// Limits that a test sets.
#[derive(Debug)]
pub struct TestLimits(Mutex<Option<Arc<ProjectLimits>>>);

impl TestLimits {
    /// What every project may have of a resource from now on, in its unit; of the others any amount.
    pub fn set(&self, limits: &[(&str, i64)]) {
        let any = Resource::ALL.map(|resource| (resource.name().to_owned(), -1)).into_iter();
        let limits = limits.iter().map(|(name, limit)| ((*name).to_owned(), *limit));
        self.tell(Some(Arc::new(ProjectLimits::new(any.chain(limits)))));
    }

    /// Nobody can tell from now on.
    pub fn fail(&self) {
        self.tell(None);
    }

    fn tell(&self, limits: Option<Arc<ProjectLimits>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = limits;
    }

    /// No limits.
    pub fn none() -> Self {
        let limits = Self(Mutex::new(None));
        limits.set(&[]);
        limits
    }
}

#[async_trait]
impl Limits for TestLimits {
    async fn of(&self, _: &ProjectId) -> Result<Arc<ProjectLimits>, LimitsError> {
        let limits = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        limits.ok_or_else(|| LimitsError("nobody can be asked".into()))
    }
}

/// Certificates that a test keeps, each for who has a token.
#[derive(Debug, Default)]
pub struct TestCertificates(Mutex<Vault>);

#[derive(Debug, Default)]
struct Vault {
    certificates: BTreeMap<(String, String), Vec<u8>>,
    is_down: bool,
    asked: usize,
}

impl TestCertificates {
    /// Keeps one, in place of another.
    pub fn keep(&self, id: &str, token: &str, certificate: &[u8]) {
        self.vault(|vault| {
            vault.certificates.insert((id.to_owned(), token.to_owned()), certificate.to_vec())
        });
    }

    /// Whether nobody answers from now on.
    pub fn fail(&self, is_down: bool) {
        self.vault(|vault| vault.is_down = is_down);
    }

    /// How often one was asked for since the last call of this.
    pub fn asked(&self) -> usize {
        self.vault(|vault| std::mem::take(&mut vault.asked))
    }

    fn vault<T>(&self, work: impl FnOnce(&mut Vault) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Certificates for TestCertificates {
    async fn get(&self, id: &CertificateId, token: Option<&Token>) -> Result<Vec<u8>, CertificatesError> {
        let token = token.map(Token::reveal).unwrap_or_default().to_owned();
        self.vault(|vault| {
            vault.asked += 1;
            if vault.is_down {
                return Err(CertificatesError::Unavailable("nobody answers".into()));
            }
            match vault.certificates.get(&(id.to_string(), token)) {
                Some(certificate) => Ok(certificate.clone()),
                None if vault.certificates.keys().any(|key| key.0 == id.as_str()) => {
                    Err(CertificatesError::Refused("another's".into()))
                }
                None => Err(CertificatesError::NotFound),
            }
        })
    }
}

/// Bytes that differ from their neighbours: a part in the wrong place shows.
pub fn bytes(count: usize) -> Vec<u8> {
    (0..count as u64).map(|at| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect()
}
