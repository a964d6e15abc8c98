//! Calls of the Image API: each with the token, again when it failed in passing, and its errors in one line.

use std::fmt;
use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use hyper::body::Incoming;
use serde_json::Value;

use super::account::Account;
use super::credentials::Credentials;
use super::keystone::{AUTH_TOKEN, Keys, Place};
use crate::Failure;
use crate::http::{Answer, Broken, Http, nothing, said, whole};
use crate::patience::{Patience, hint};

/// The Image service, asked as one user.
pub(crate) struct Api {
    /// Trusts the cloud's authorities.
    http: Http,
    /// Trusts the system's too: who asks a host that the service named.
    outside: Http,
    base: String,
    keys: Keys,
    patience: Patience,
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("base", &self.base).finish_non_exhaustive()
    }
}

/// Why a call did not do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CloudError {
    /// The service says no.
    #[error("{call}: {status}: {text}")]
    Refused { call: String, status: StatusCode, text: String },
    /// Nobody answers, however often it is tried.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// There is no token.
    #[error("{0}")]
    Keys(Failure),
}

/// No call takes longer; completing a session answers within 20 seconds.
const WITHIN: Duration = Duration::from_mins(1);

impl Api {
    /// Finds the service, with a token when it needs one for that.
    pub(super) async fn open(account: Account, patience: Patience) -> Result<Self, Failure> {
        let http = Http::new(account.ca_file.as_deref(), false)?;
        let outside = Http::new(account.ca_file.as_deref(), true)?;
        let credentials = Credentials::of(&account)?;
        let told = account.endpoint.clone().or_else(|| {
            let is_endpoint = !matches!(credentials, Credentials::Keystone { .. });
            account.auth.get("endpoint").filter(|_| is_endpoint).cloned()
        });
        let keys = Keys::new(http.clone(), credentials, patience);
        let place = Place {
            interface: account.interface.as_deref().unwrap_or("public"),
            region: account.region.as_deref(),
        };
        let url = match told {
            Some(url) => url,
            None => keys.endpoint(place).await?,
        };
        let base = url.trim_end_matches('/').trim_end_matches("/v2").trim_end_matches('/').to_owned();
        let parsed: Option<Uri> = base.parse().ok();
        if parsed.is_none_or(|uri| uri.host().is_none() || uri.scheme().is_none()) {
            return Err(Failure::Usage(format!(
                "'{url}' is no URL of an Image service, like http://127.0.0.1:9292"
            )));
        }
        Ok(Self { http, outside, base, keys, patience })
    }

    /// The service's URL, without a version.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    pub(crate) fn patience(&self) -> Patience {
        self.patience
    }

    /// Who asks hosts that the service named.
    pub(crate) fn outside(&self) -> &Http {
        &self.outside
    }

    /// Makes a call whose answer is short: again while it fails in passing, with a fresh token when the old one is refused.
    pub(crate) async fn call(
        &self,
        method: &Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, CloudError> {
        let (mut failed, mut refused) = (0, None);
        loop {
            let token = self.keys.token(refused.as_ref()).await.map_err(CloudError::Keys)?;
            let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
            request = request.header(ACCEPT, "application/json");
            let body = match body {
                Some(json) => {
                    request = request.header(CONTENT_TYPE, "application/json");
                    whole(json.to_string().into())
                }
                None => nothing(),
            };
            let mut request = request.body(body).map_err(|error| self.malformed(&error))?;
            request.headers_mut().extend(token.clone().map(|token| (AUTH_TOKEN, token)));
            let asked = self.http.ask(request, WITHIN).await;
            let pause = match &asked {
                Ok(answer) if answer.status.is_success() => return Ok(asked?),
                Ok(answer)
                    if answer.status == StatusCode::UNAUTHORIZED
                        && refused.is_none()
                        && self.keys.renews() =>
                {
                    refused = token;
                    continue;
                }
                Ok(answer) if !is_passing(answer.status) => None,
                other => {
                    failed += 1;
                    let hint = other.as_ref().ok().and_then(|answer| hint(&answer.headers));
                    self.patience.pause(failed, hint)
                }
            };
            match pause {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(refusal(method, path, &asked?)),
            }
        }
    }

    /// The same, with the answer's JSON.
    pub(crate) async fn json(
        &self,
        method: &Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, CloudError> {
        let answer = self.call(method, path, body).await?;
        let nonsense =
            |error| Broken::new(self.base.clone(), format!("the answer to {path} is no JSON: {error}"));
        Ok(serde_json::from_slice(&answer.body).map_err(nonsense)?)
    }

    /// Asks for bytes, once, and answers whatever comes. The token goes to the service's own host alone, fresh when the old one is
    /// refused; any other is asked without one.
    pub(crate) async fn fetch(
        &self,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Result<Response<Incoming>, CloudError> {
        let is_own = self.base.parse().is_ok_and(|base: Uri| origin(&base) == origin(uri));
        let mut refused = None;
        loop {
            let request = Request::get(uri.clone()).body(nothing());
            let mut request = request.map_err(|error| self.malformed(&error))?;
            request.headers_mut().extend(headers.clone());
            if !is_own {
                return Ok(self.outside.send(request, WITHIN).await?);
            }
            let token = self.keys.token(refused.as_ref()).await.map_err(CloudError::Keys)?;
            request.headers_mut().extend(token.clone().map(|token| (AUTH_TOKEN, token)));
            let answer = self.http.send(request, WITHIN).await?;
            if answer.status() == StatusCode::UNAUTHORIZED && refused.is_none() && self.keys.renews() {
                refused = token;
                continue;
            }
            return Ok(answer);
        }
    }

    fn malformed(&self, error: &http::Error) -> CloudError {
        Broken::new(self.base.clone(), error.to_string()).into()
    }
}

impl CloudError {
    /// The status, when the service said no.
    pub(crate) fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            Self::Broken(_) | Self::Keys(_) => None,
        }
    }

    /// What the service says of it, or the error itself.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Refused { text, .. } => text.clone(),
            Self::Broken(_) | Self::Keys(_) => self.to_string(),
        }
    }
}

impl From<CloudError> for Failure {
    fn from(error: CloudError) -> Self {
        match error {
            CloudError::Keys(failure) => failure,
            CloudError::Refused { status: StatusCode::UNAUTHORIZED, .. } => {
                let text = "the service wants to know who calls: name a cloud with --os-cloud, or set OS_* variables";
                Self::Run(text.to_owned())
            }
            other => Self::Run(other.to_string()),
        }
    }
}

/// Whether it may go better the next time.
pub(crate) fn is_passing(status: StatusCode) -> bool {
    let others = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
    (status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED) || others.contains(&status)
}

/// What a refused call comes to.
fn refusal(method: &Method, path: &str, answer: &Answer) -> CloudError {
    let path = path.split('?').next().unwrap_or_default();
    CloudError::Refused { call: format!("{method} {path}"), status: answer.status, text: said(&answer.body) }
}

/// Scheme, host and port: who has the same is the same service.
fn origin(uri: &Uri) -> (Option<&str>, Option<String>, Option<u16>) {
    let port = uri.port_u16().or(match uri.scheme_str() {
        Some("https") => Some(443),
        Some("http") => Some(80),
        _ => None,
    });
    (uri.scheme_str(), uri.host().map(str::to_ascii_lowercase), port)
}

/// A header's value of letters that any may have.
pub(crate) fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_port_or_scheme_is_another_host() {
        let same = |a: &str, b: &str| origin(&a.parse().unwrap()) == origin(&b.parse().unwrap());
        assert!(same("http://Images/v2", "http://images:80/x"));
        assert!(same("https://images/", "https://images:443/"));
        for other in
            ["http://images:81/", "https://images/", "http://images.example/", "http://images@other/"]
        {
            assert!(!same("http://images/", other), "{other}");
        }
    }
}
