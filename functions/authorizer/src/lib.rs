//! Tells the API gateway who calls, before a function is asked (HTTP API authorizer, payload 2.0, simple response).
//!
//! The gateway keeps an answer for as long as it is told to and hands its context on with each request: that context is
//! the only thing the functions believe.

use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;

use aws_lambda_events::apigw::{
    ApiGatewayV2CustomAuthorizerSimpleResponse as Answer, ApiGatewayV2CustomAuthorizerV2Request as Request,
};
use http::{HeaderValue, Method};
use serde_json::{Value, json};
use shared::app::{App, StartError};
use shared::config::{IdentityMode, Networks};
use shared::identity::{Caller, UNAVAILABLE};
use shared::ports::{Identity, IdentityError, Limits, Tokens};

/// Who may pass, and as whom.
#[derive(Clone, Debug)]
pub struct Authorizer {
    identity: Arc<dyn Identity>,
    /// Where callers may come from; anywhere when nothing is said.
    networks: Option<Networks>,
    /// Who tells what projects may have, where functions cannot ask.
    limits: Option<Arc<dyn Limits>>,
}

impl Authorizer {
    /// As the process is configured.
    ///
    /// # Errors
    /// [`StartError`] when the identity service cannot be asked as configured.
    pub fn new(app: &App) -> Result<Self, StartError> {
        let networks = match app.config.identity.mode {
            IdentityMode::None => Some(app.config.identity.none_networks.clone()),
            IdentityMode::Keystone => None,
        };
        let asked = app.config.identity.keystone.endpoint_id.is_some();
        let limits = asked.then(|| app.limits()).transpose()?;
        Ok(Self { identity: Arc::clone(&app.identity), networks, limits })
    }

    /// Answers the gateway. A caller from elsewhere than the networks of mode `none` is turned away there, with 403. One
    /// whose token says nothing passes without an identity: the function's own 401 names what to authenticate with. So does
    /// everybody while the identity service cannot be asked, marked as such: the function's answer is 503 then.
    pub async fn handle(&self, request: &Request) -> Answer<Value> {
        if let Some(networks) = &self.networks {
            let address = request.request_context.http.source_ip.as_deref().unwrap_or_default();
            if !address.parse::<IpAddr>().is_ok_and(|address| networks.contains(address)) {
                tracing::info!(address, "turned away: not in identity.none_networks");
                return answer(false, json!({}));
            }
        }
        match self.told(request).await {
            Ok(caller) => answer(true, json!(self.limited(caller, request).await.to_context())),
            Err(IdentityError::Unauthenticated) => answer(true, json!({})),
            Err(error @ IdentityError::Unavailable(_)) => {
                tracing::error!(cause = chain(&error), "cannot tell who calls");
                answer(true, json!({UNAVAILABLE: "true"}))
            }
        }
    }

    /// The caller with the limits of the caller's project, where the request may need them. While they cannot be told,
    /// the caller passes without, and functions answer 503 to what needs them.
    async fn limited(&self, caller: Caller, request: &Request) -> Caller {
        let (Some(limits), Some(project)) = (&self.limits, caller.project()) else { return caller };
        let http = &request.request_context.http;
        let takes_more = [Method::POST, Method::PUT].contains(&http.method);
        if !takes_more && !http.path.as_deref().is_some_and(|path| path.ends_with("/info/usage")) {
            return caller;
        }
        match limits.of(project).await {
            Ok(limits) => caller.limited(limits.all().clone()),
            Err(error) => {
                tracing::error!(cause = chain(&error), "cannot tell what the project may have");
                caller
            }
        }
    }

    async fn told(&self, request: &Request) -> Result<Caller, IdentityError> {
        let tokens = Tokens::of(|name| request.headers.get(name).map(HeaderValue::as_bytes))?;
        self.identity.identify(tokens).await
    }
}

/// An error and all that lies behind it.
fn chain(error: &dyn Error) -> String {
    let next = error.source().map(|cause| format!(": {}", chain(cause)));
    format!("{error}{}", next.unwrap_or_default())
}

fn answer(is_authorized: bool, context: Value) -> Answer<Value> {
    let mut answer = Answer::default();
    answer.is_authorized = is_authorized;
    answer.context = context;
    answer
}

#[cfg(test)]
mod tests;
