//! Tells the API gateway who calls, before a function is asked (HTTP API authorizer, payload 2.0, simple response).
//!
//! The gateway keeps an answer for as long as it is told to and hands its context on with each request: that context is
//! the only thing the functions believe.

use std::net::IpAddr;
use std::sync::Arc;

use aws_lambda_events::apigw::{
    ApiGatewayV2CustomAuthorizerSimpleResponse as Answer, ApiGatewayV2CustomAuthorizerV2Request as Request,
};
use serde_json::{Value, json};
use shared::app::App;
use shared::config::{IdentityMode, Networks};
use shared::ports::{Identity, IdentityError};

/// Who may pass, and as whom.
#[derive(Clone, Debug)]
pub struct Authorizer {
    identity: Arc<dyn Identity>,
    networks: Networks,
}

impl Authorizer {
    /// As the process is configured.
    pub fn new(app: &App) -> Self {
        let IdentityMode::None = app.config.identity.mode;
        Self { identity: Arc::clone(&app.identity), networks: app.config.identity.none_networks.clone() }
    }

    /// Answers the gateway. A caller from elsewhere than the networks of mode `none` is turned away there, with 403. One
    /// whose token says nothing passes without an identity: the function's own 401 names what to authenticate with.
    ///
    /// # Errors
    /// When the identity service cannot be asked. The gateway keeps no such answer, and lets nobody pass.
    pub async fn handle(&self, request: &Request) -> Result<Answer<Value>, IdentityError> {
        let address = request.request_context.http.source_ip.as_deref().unwrap_or_default();
        if !address.parse::<IpAddr>().is_ok_and(|address| self.networks.contains(address)) {
            tracing::info!(address, "turned away: not in identity.none_networks");
            return Ok(answer(false, json!({})));
        }
        let token = request.headers.get(AUTH_TOKEN).and_then(|token| token.to_str().ok());
        match self.identity.identify(token).await {
            Ok(caller) => Ok(answer(true, json!(caller.to_context()))),
            Err(IdentityError::Unauthenticated) => Ok(answer(true, json!({}))),
            Err(error @ IdentityError::Unavailable(_)) => Err(error),
        }
    }
}

const AUTH_TOKEN: &str = "x-auth-token";

fn answer(is_authorized: bool, context: Value) -> Answer<Value> {
    let mut answer = Answer::default();
    answer.is_authorized = is_authorized;
    answer.context = context;
    answer
}

#[cfg(test)]
mod tests;
