//! Whose a token is.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderValue, StatusCode};
use sha2::{Digest as _, Sha256};
use tokio::time::timeout;

use super::KeystoneSettings;
use super::client::{Client, KeystoneError};
use super::credentials::Reach;
use super::kept::{Kept, UnderWay};
use super::session::{SUBJECT_TOKEN, Session, SharedError};
use super::token::{self, Validated};
use crate::identity::Caller;
use crate::ports::{Clock, Identity, IdentityError, Tokens};

/// Tells callers by their tokens, as Keystone validates them.
///
/// A token is asked for once, however many requests bring it at once, and believed until it ends or for as long as is
/// configured. One that Keystone does not know is remembered for ten seconds at most.
#[derive(Debug)]
pub struct KeystoneIdentity {
    session: Session,
    clock: Arc<dyn Clock>,
    authenticate_at: String,
    cache: Duration,
    timeout: Duration,
    service_roles: Vec<String>,
    answers: Arc<Answers>,
    under_way: UnderWay<Question, Result<Verdict, SharedError>>,
}

/// A token by its digest, and whether one that has expired is asked for.
type Question = ([u8; 32], bool);

/// What Keystone said; nothing when it does not know the token.
type Verdict = Option<Arc<Validated>>;

#[derive(Debug)]
struct Answers {
    valid: Kept<Question, Arc<Validated>>,
    /// Apart, so that made-up tokens push no good one out.
    invalid: Kept<Question, ()>,
}

impl Answers {
    fn get(&self, question: &Question, clock: &dyn Clock) -> Option<Verdict> {
        let now = clock.now();
        let valid = self.valid.get(question, now).map(Some);
        valid.or_else(|| self.invalid.get(question, now).map(|()| None))
    }
}

/// How long a token that Keystone did not know is refused without asking again, at most.
const REFUSED: Duration = Duration::from_secs(10);

/// Tokens believed at a time: some hundred bytes each.
const VALID_AT_MOST: usize = 10_000;
const INVALID_AT_MOST: usize = 1_000;

/// Longer than any token of Keystone's, and than most servers take a header.
const MAX_TOKEN_BYTES: usize = 16_384;

impl KeystoneIdentity {
    /// Asks nobody yet. Reads the file of authorities, or the system's, if the URL is one of TLS.
    ///
    /// # Errors
    /// When the URL is none, or the authorities cannot be read.
    pub fn new(settings: KeystoneSettings, clock: Arc<dyn Clock>) -> Result<Self, KeystoneError> {
        let client = Client::new(&settings.auth_url, settings.ca_file.as_deref(), settings.timeout)?;
        Ok(Self {
            authenticate_at: settings.www_authenticate_uri.unwrap_or_else(|| client.base().to_owned()),
            session: Session::new(client, settings.credentials, Reach::Project, Arc::clone(&clock)),
            clock,
            cache: settings.cache,
            timeout: settings.timeout,
            service_roles: settings.service_roles,
            answers: Arc::new(Answers {
                valid: Kept::new(VALID_AT_MOST),
                invalid: Kept::new(INVALID_AT_MOST),
            }),
            under_way: UnderWay::new(),
        })
    }

    /// The caller of a request. The service's token comes first: what it may do decides what is accepted of the user's.
    async fn told(&self, tokens: Tokens<'_>) -> Result<Caller, IdentityError> {
        let user = tokens.user.ok_or(IdentityError::Unauthenticated)?;
        let Some(service) = tokens.service else {
            return Ok(self.validated(user, false).await?.caller.clone());
        };
        let service = self.validated(service, false).await?;
        let is_trusted = service.roles.iter().any(|role| self.service_roles.contains(role));
        let user = self.validated(user, is_trusted).await?;
        Ok(user.caller.clone().through_service(&service.roles))
    }

    /// What is known of a token, and that it is good now, or, `expired`, that it once was.
    async fn validated(&self, token: &str, expired: bool) -> Result<Arc<Validated>, IdentityError> {
        let Ok(mut header) = HeaderValue::from_str(token) else { return Err(IdentityError::Unauthenticated) };
        if token.is_empty() || token.len() > MAX_TOKEN_BYTES {
            return Err(IdentityError::Unauthenticated);
        }
        header.set_sensitive(true);
        let question = (<[u8; 32]>::from(Sha256::digest(token.as_bytes())), expired);
        let verdict = if let Some(verdict) = self.answers.get(&question, &*self.clock) {
            verdict
        } else {
            let answer = self.under_way.join(question, || self.ask(question, header)).await;
            answer.map_err(|error| IdentityError::Unavailable(Box::new(error)))?
        };
        let good = verdict.filter(|token| expired || self.clock.now() < token.expires_at);
        good.ok_or(IdentityError::Unauthenticated)
    }

    /// Asks Keystone, and keeps what it says.
    fn ask(
        &self,
        question: Question,
        token: HeaderValue,
    ) -> futures_util::future::BoxFuture<'static, Result<Verdict, SharedError>> {
        let (session, clock, answers) =
            (self.session.clone(), Arc::clone(&self.clock), Arc::clone(&self.answers));
        let cache = self.cache;
        async move {
            // Another may have had the answer since this one was missed.
            if let Some(verdict) = answers.get(&question, &*clock) {
                return Ok(verdict);
            }
            let asked_at = clock.now();
            let verdict = validate(&session, token, question.1).await?;
            let now = clock.now();
            match &verdict {
                Some(token) => {
                    // From when it was asked: what was revoked while the answer was on its way is not believed longer.
                    let until = asked_at.plus(cache);
                    let until = if question.1 { until } else { until.min(token.expires_at) };
                    answers.valid.keep(question, Arc::clone(token), until, now);
                }
                None => answers.invalid.keep(question, (), asked_at.plus(cache.min(REFUSED)), now),
            }
            Ok(verdict)
        }
        .boxed()
    }
}

#[async_trait]
impl Identity for KeystoneIdentity {
    async fn identify(&self, tokens: Tokens<'_>) -> Result<Caller, IdentityError> {
        match timeout(self.timeout, self.told(tokens)).await {
            Ok(told) => told,
            Err(_) => Err(IdentityError::Unavailable(Box::new(KeystoneError::TooLate(self.timeout)))),
        }
    }

    fn authenticate_at(&self) -> Option<&str> {
        Some(&self.authenticate_at)
    }
}

async fn validate(session: &Session, token: HeaderValue, expired: bool) -> Result<Verdict, SharedError> {
    const ASKED: &str = "the validation of a token";
    let path = if expired { "/auth/tokens?nocatalog&allow_expired=1" } else { "/auth/tokens?nocatalog" };
    let answer = session.get(path, &HeaderMap::from_iter([(SUBJECT_TOKEN, token)])).await?;
    match answer.status {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND => return Ok(None),
        StatusCode::FORBIDDEN => return Err(Arc::new(KeystoneError::Credentials(answer.status))),
        status => return Err(Arc::new(KeystoneError::Status { asked: ASKED, status })),
    }
    let validated = token::parse(&answer.body);
    let validated = validated.map_err(|why| Arc::new(KeystoneError::Nonsense { asked: ASKED, why }))?;
    if validated.is_restricted {
        tracing::info!("refused a token with access rules: this service cannot tell which calls they allow");
        return Ok(None);
    }
    Ok(Some(Arc::new(validated)))
}
