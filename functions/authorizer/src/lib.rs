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
use http::HeaderValue;
use serde_json::{Value, json};
use shared::app::App;
use shared::config::{IdentityMode, Networks};
use shared::identity::{Caller, UNAVAILABLE};
use shared::ports::{Identity, IdentityError, Tokens};

/// Who may pass, and as whom.
#[derive(Clone, Debug)]
pub struct Authorizer {
    identity: Arc<dyn Identity>,
    /// Where callers may come from; anywhere when nothing is said.
    networks: Option<Networks>,
}

impl Authorizer {
    /// As the process is configured.
    pub fn new(app: &App) -> Self {
        let networks = match app.config.identity.mode {
            IdentityMode::None => Some(app.config.identity.none_networks.clone()),
            IdentityMode::Keystone => None,
        };
        Self { identity: Arc::clone(&app.identity), networks }
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
            Ok(caller) => answer(true, json!(caller.to_context())),
            Err(IdentityError::Unauthenticated) => answer(true, json!({})),
            Err(error @ IdentityError::Unavailable(_)) => {
                tracing::error!(cause = chain(&error), "cannot tell who calls");
                answer(true, json!({UNAVAILABLE: "true"}))
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
