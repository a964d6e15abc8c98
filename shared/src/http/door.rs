//! What happens to every request on its way in, and to every answer on its way out.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use http_body::Body as _;
use tower::Layer as _;
use tracing::{Instrument as _, Span, debug, error, field, info, info_span};

use super::body::render;
use super::cors::Cors;
use super::error::{ApiError, Failure};
use super::extract::{BaseUrl, HasBody, NoBody, PublicEndpoint, UNKNOWN_PATH};
use super::routes::Routes;
use super::version::{self, Destination};
use crate::error::Error;
use crate::identity::Caller;
use crate::ports::{Identity, IdentityError, Ids, Tokens};

/// What the front door needs.
#[derive(Clone, Debug)]
pub struct Door {
    /// Tells who calls, unless the host has: a [`Caller`] among the request's extensions is believed.
    pub identity: Arc<dyn Identity>,
    /// Makes the request ids.
    pub ids: Arc<dyn Ids>,
    /// URL clients reach the service by, when it is configured.
    pub public_endpoint: Option<String>,
    /// Scripts of which pages may ask.
    pub cors: Cors,
}

/// Among a request's extensions: its host could not tell who calls, for the identity service cannot be asked now.
#[derive(Clone, Copy, Debug)]
pub struct CallerUnavailable;

/// Puts routes, written for paths under `/v2`, behind the door. Call it once, after the last route.
///
/// Every answer carries `x-openstack-request-id`. All but the versions, the health check, and what comes by a signed URL need
/// a caller. What a script may do is told without one too.
pub fn serve(routes: impl Into<Routes>, door: Door) -> Router {
    let routes = routes.into().router.fallback(unknown_path).method_not_allowed_fallback(wrong_method);
    // Around the router, not in it: the path has to change before routes are matched.
    Router::new().fallback_service(from_fn_with_state(Arc::new(door), enter).layer(routes))
}

async fn unknown_path() -> ApiError {
    Error::NotFound(UNKNOWN_PATH.to_owned()).into()
}

/// The router adds `Allow`.
async fn wrong_method(method: Method) -> ApiError {
    ApiError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("The method {method} is not allowed for this resource."),
    )
}

async fn enter(State(door): State<Arc<Door>>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = door.ids.request_id();
    let accept: Vec<HeaderValue> = request.headers().get_all(header::ACCEPT).iter().cloned().collect();
    let origin = request.headers().get(header::ORIGIN).cloned();
    let head = request.method() == Method::HEAD;
    let (method, path) = (request.method(), request.uri().path());
    let span = info_span!("request", %id, %method, path, global_id = field::Empty);
    request.extensions_mut().insert(id.clone());

    let passed =
        AssertUnwindSafe(pass(&door, request, next, &span)).catch_unwind().instrument(span.clone()).await;
    let answer = passed.unwrap_or_else(|panic| Err(Error::internal(panic_text(panic.as_ref())).into()));
    let mut response = answer.unwrap_or_else(IntoResponse::into_response);

    let _in_span = span.entered();
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        log(&failure);
        explain(&mut response, &failure, &accept, head);
    }
    if response.status() == StatusCode::UNAUTHORIZED {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge(&door));
    }
    if let Ok(id) = HeaderValue::try_from(String::from(id)) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    door.cors.tell(origin.as_ref(), response.headers_mut());
    let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    info!(status = response.status().as_u16(), milliseconds, "answered");
    response
}

/// Takes a request to its route, or tells why not.
async fn pass(door: &Door, mut request: Request, next: Next, span: &Span) -> Result<Response, ApiError> {
    if let Some(global_id) = global_request_id(request.headers())? {
        span.record("global_id", global_id);
    }
    if let Some(told) = door.cors.preflight(request.method(), request.headers()) {
        return Ok(told);
    }
    if request.method() == Method::OPTIONS {
        return Ok(StatusCode::OK.into_response());
    }
    let public_endpoint = door.public_endpoint.clone().map(PublicEndpoint);
    match version::destination(request.uri(), request.headers()) {
        Destination::Choices => {
            let BaseUrl(base) = BaseUrl::of(public_endpoint.as_ref(), request.headers(), request.uri());
            return Ok(version::answer(StatusCode::MULTIPLE_CHOICES, &base));
        }
        Destination::Open => {}
        Destination::Api(uri) => {
            *request.uri_mut() = uri;
            if request.extensions().get::<CallerUnavailable>().is_some() {
                return Err(IdentityError::Unavailable("so the gateway's authorizer said".into()).into());
            }
            let needs_caller = !version::is_signed(request.method(), request.uri());
            if needs_caller && request.extensions().get::<Caller>().is_none() {
                let headers = request.headers();
                let tokens = Tokens::of(|name| headers.get(name).map(HeaderValue::as_bytes))?;
                let caller = door.identity.identify(tokens).await?;
                request.extensions_mut().insert(caller);
            }
        }
    }
    let has_body = !request.body().is_end_stream();
    match *request.method() {
        Method::GET | Method::HEAD | Method::DELETE if has_body => return Err(NoBody::refusal()),
        Method::GET | Method::HEAD | Method::DELETE | Method::POST | Method::PUT | Method::PATCH => {}
        ref other => {
            let text = format!("The method {other} is not implemented.");
            return Err(ApiError::new(StatusCode::NOT_IMPLEMENTED, text));
        }
    }
    request.extensions_mut().insert(HasBody(has_body));
    if let Some(url) = public_endpoint {
        request.extensions_mut().insert(url);
    }
    Ok(next.run(request).await)
}

/// Says where to authenticate.
fn challenge(door: &Door) -> HeaderValue {
    let named = door.identity.authenticate_at().map(|url| format!("Keystone uri=\"{url}\""));
    named.and_then(|text| HeaderValue::try_from(text).ok()).unwrap_or(HeaderValue::from_static("Keystone"))
}

/// The id a caller gave the whole chain of requests this one belongs to.
fn global_request_id(headers: &HeaderMap) -> Result<Option<&str>, ApiError> {
    let id = headers.get(REQUEST_ID);
    if id.is_some_and(|id| id.len() > MAX_GLOBAL_ID) {
        return Err(ApiError::new(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            format!("The header {REQUEST_ID} is longer than {MAX_GLOBAL_ID} characters."),
        ));
    }
    Ok(id.and_then(|id| id.to_str().ok()))
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-openstack-request-id");

/// As Glance has it.
const MAX_GLOBAL_ID: usize = 64;

/// Writes the body an error's response was made without.
fn explain(response: &mut Response, failure: &Failure, accept: &[HeaderValue], head: bool) {
    if let Some(allowed) = response.headers().get(header::ALLOW).and_then(|allow| allow.to_str().ok()) {
        // The router lists the methods without the blank that RFC 9110's examples and Glance have.
        if let Ok(allowed) = HeaderValue::try_from(allowed.replace(',', ", ")) {
            response.headers_mut().insert(header::ALLOW, allowed);
        }
    }
    let (kind, body) = render(accept, failure.status, &failure.text);
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    *response.body_mut() = if head { Body::empty() } else { Body::from(body) };
}

/// Says once, with everything that is known, why a request failed: a fault of ours aloud, the client's for who looks.
fn log(failure: &Failure) {
    let status = failure.status.as_u16();
    let mut cause = String::new();
    let mut next = failure.cause.as_deref().map(|cause| cause as &dyn std::error::Error);
    while let Some(error) = next {
        cause = if cause.is_empty() { error.to_string() } else { format!("{cause}: {error}") };
        next = error.source();
    }
    if failure.status.is_server_error() {
        error!(status, cause, "{}", failure.text);
    } else {
        debug!(status, cause, "{}", failure.text);
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text =
        panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("a handler panicked: {}", text.unwrap_or("without a text"))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "routes of a test's own")]
mod tests;
