//! Tokens: asked of Keystone, kept until shortly before they end, and asked for anew when one is refused; and the catalogue that
//! comes with the first.

use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderName, HeaderValue, Request, StatusCode};
use serde_json::Value;
use shared::adapters::system::SystemClock;
use shared::ports::Clock as _;
use shared::time::Timestamp;
use tokio::sync::Mutex;

use super::credentials::Credentials;
use crate::Failure;
use crate::http::{Answer, Http, said, whole};
use crate::patience::{Patience, hint};

pub(super) const AUTH_TOKEN: HeaderName = HeaderName::from_static("x-auth-token");
const SUBJECT_TOKEN: &str = "x-subject-token";

/// How long before its end a token is asked for anew.
const BEFORE_ITS_END: Duration = Duration::from_mins(2);

/// Gives the tokens that calls are made with.
pub(super) struct Keys {
    http: Http,
    credentials: Credentials,
    patience: Patience,
    kept: Mutex<Option<Kept>>,
}

struct Kept {
    token: HeaderValue,
    until: Timestamp,
    catalog: Value,
}

/// Where Keystone says the Image service is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place<'a> {
    pub(super) interface: &'a str,
    pub(super) region: Option<&'a str>,
}

impl Keys {
    pub(super) fn new(http: Http, credentials: Credentials, patience: Patience) -> Self {
        Self { http, credentials, patience, kept: Mutex::default() }
    }

    /// A token, another than the one that was refused; `None` where there is none to be had.
    pub(super) async fn token(&self, refused: Option<&HeaderValue>) -> Result<Option<HeaderValue>, Failure> {
        match &self.credentials {
            Credentials::None => Ok(None),
            Credentials::Token(text) => header(text).map(Some),
            Credentials::Keystone { url, body } => {
                let mut kept = self.kept.lock().await;
                let soon = SystemClock.now().plus(BEFORE_ITS_END);
                let good = kept.as_ref().filter(|kept| refused != Some(&kept.token) && kept.until > soon);
                if let Some(good) = good {
                    return Ok(Some(good.token.clone()));
                }
                let fresh = self.authenticate(url, body).await?;
                Ok(Some(kept.insert(fresh).token.clone()))
            }
        }
    }

    /// Whether a token that was refused can be asked for anew.
    pub(super) fn renews(&self) -> bool {
        matches!(self.credentials, Credentials::Keystone { .. })
    }

    /// The Image service's URL in the catalogue.
    pub(super) async fn endpoint(&self, place: Place<'_>) -> Result<String, Failure> {
        if !self.renews() {
            let text = "the URL of the Image service is missing, and without Keystone there is no catalogue: name it with --endpoint (OS_ENDPOINT)";
            return Err(Failure::Usage(text.to_owned()));
        }
        self.token(None).await?;
        let kept = self.kept.lock().await;
        endpoint(kept.as_ref().map_or(&Value::Null, |kept| &kept.catalog), place)
    }

    async fn authenticate(&self, url: &str, body: &Value) -> Result<Kept, Failure> {
        let url = format!("{url}/auth/tokens");
        let mut failed = 0;
        let answer = loop {
            let request = Request::post(&url)
                .header(CONTENT_TYPE, "application/json")
                .header(ACCEPT, "application/json")
                .body(whole(body.to_string().into()));
            let request = request
                .map_err(|error| Failure::Usage(format!("auth.auth_url '{url}' is no URL: {error}")))?;
            failed += 1;
            let (why, hint) = match self.http.ask(request, WITHIN).await {
                Ok(answer) if answer.status.is_server_error() => {
                    (format!("{}: {}", answer.status, said(&answer.body)), hint(&answer.headers))
                }
                Ok(answer) => break answer,
                Err(broken) => (broken.to_string(), None),
            };
            match self.patience.pause(failed, hint) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(Failure::Run(format!("Keystone gives no token: {why}"))),
            }
        };
        read(&answer)
    }
}

const WITHIN: Duration = Duration::from_mins(1);

fn read(answer: &Answer) -> Result<Kept, Failure> {
    match answer.status {
        StatusCode::CREATED => {}
        StatusCode::UNAUTHORIZED => {
            let said = said(&answer.body);
            return Err(Failure::Run(format!("Keystone does not take these credentials: {said}")));
        }
        status => {
            return Err(Failure::Run(format!("Keystone gives no token: {status}: {}", said(&answer.body))));
        }
    }
    let nonsense = |what: &str| Failure::Run(format!("Keystone's answer makes no sense: {what}"));
    let token = answer.headers.get(SUBJECT_TOKEN).ok_or_else(|| nonsense("it has no token"))?;
    let mut token = token.clone();
    token.set_sensitive(true);
    let body: Value = serde_json::from_slice(&answer.body).map_err(|_| nonsense("it is no JSON"))?;
    let until = body.pointer("/token/expires_at").and_then(Value::as_str).and_then(Timestamp::parse);
    let until = until.ok_or_else(|| nonsense("expires_at is no time"))?;
    let catalog = body.pointer("/token/catalog").cloned().unwrap_or_default();
    Ok(Kept { token, until, catalog })
}

fn header(token: &str) -> Result<HeaderValue, Failure> {
    let mut value =
        HeaderValue::from_str(token).map_err(|_| Failure::Usage("auth.token is no token".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// The endpoint of the Image service in a place.
fn endpoint(catalog: &Value, place: Place<'_>) -> Result<String, Failure> {
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let services = catalog.as_array().into_iter().flatten();
    let images = services.filter(|service| text(service, "type").as_deref() == Some("image"));
    let endpoints: Vec<_> =
        images.filter_map(|service| service.get("endpoints")?.as_array()).flatten().collect();
    let region = |endpoint: &Value| text(endpoint, "region_id").or_else(|| text(endpoint, "region"));
    let found = endpoints.iter().find(|endpoint| {
        text(endpoint, "interface").as_deref() == Some(place.interface.trim_end_matches("URL"))
            && place.region.is_none_or(|wanted| region(endpoint).as_deref() == Some(wanted))
    });
    if let Some(url) = found.and_then(|endpoint| text(endpoint, "url")) {
        return Ok(url);
    }
    let offers = endpoints.iter().map(|endpoint| {
        let (interface, region) = (text(endpoint, "interface"), region(endpoint));
        format!("{} in {}", interface.unwrap_or_default(), region.unwrap_or_default())
    });
    let offers: Vec<_> = offers.collect();
    let offers = if offers.is_empty() {
        "none, as for a token without a project".to_owned()
    } else {
        offers.join(", ")
    };
    let wanted = place.region.map_or_else(String::new, |region| format!(" in region '{region}'"));
    let interface = place.interface;
    Err(Failure::Usage(format!(
        "the catalogue has no {interface} endpoint of the Image service{wanted}; there are: {offers}"
    )))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_endpoint_is_found_by_interface_and_region() {
        let endpoint_of = |interface: &str, region: &str| json!({"interface": interface, "region_id": region, "region": region, "url": format!("http://{interface}.{region}")});
        let catalog = json!([
            {"type": "compute", "endpoints": [endpoint_of("public", "r0")]},
            {"type": "image", "endpoints": [endpoint_of("internal", "r1"), endpoint_of("public", "r1"), endpoint_of("public", "r2")]},
        ]);
        for (interface, region, url) in [
            ("public", None, "http://public.r1"),
            ("public", Some("r2"), "http://public.r2"),
            ("internalURL", None, "http://internal.r1"),
        ] {
            assert_eq!(endpoint(&catalog, Place { interface, region }).ok().as_deref(), Some(url));
        }
        let refused = |catalog, interface, region| match endpoint(catalog, Place { interface, region }) {
            Err(Failure::Usage(text)) => text,
            _ => panic!("it was found"),
        };
        assert_eq!(
            refused(&catalog, "admin", Some("r1")),
            "the catalogue has no admin endpoint of the Image service in region 'r1'; there are: internal in r1, public in r1, public in r2"
        );
        assert!(
            refused(&Value::Null, "public", None)
                .ends_with("there are: none, as for a token without a project")
        );
    }
}
