//! Routes, and what the description of the API says of them: one thing, so that there is neither without the other.
//!
//! A handler's path and method stand in the `#[utoipa::path]` above it and nowhere else. The description itself is kept
//! only with the feature `openapi`, which no program is built with: to a program it is code that nothing calls.

#![expect(clippy::disallowed_methods, reason = "the one place that routes what is described")]

use std::convert::Infallible;
use std::fmt;

use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::response::IntoResponse;
use axum::routing::{MethodFilter, Route, on};
use tower::{Layer, Service};
use utoipa::__dev::Tags;
use utoipa::openapi::HttpMethod;

/// The routes of a function, each described. Made by [`crate::routes!`].
#[derive(Clone)]
pub struct Routes<S = ()> {
    pub(super) router: Router<S>,
    #[cfg(feature = "openapi")]
    described: Vec<Described>,
}

/// A route as it describes itself.
#[cfg(feature = "openapi")]
#[derive(Clone)]
pub struct Described {
    /// Its path, with parameters in braces.
    pub path: String,
    /// Its method, in capitals.
    pub method: &'static str,
    pub(super) describe: fn() -> utoipa::openapi::path::Operation,
    pub(super) tags: fn() -> Vec<&'static str>,
}

/// The routes of these handlers, named as `file::verb`. Each has a `#[utoipa::path]`, which says where it is.
#[macro_export]
macro_rules! routes {
    ($($file:ident::$verb:ident),+ $(,)?) => {
        $crate::http::Routes::new()$(.on($crate::http::__paste! { $file::[<__path_ $verb>] }, $file::$verb))+
    };
}

/// The routes of several functions, as one host serves them all.
impl FromIterator<Self> for Routes {
    fn from_iter<I: IntoIterator<Item = Self>>(functions: I) -> Self {
        functions.into_iter().fold(Self::new(), Self::merge)
    }
}

impl<S> Default for Routes<S>
where
    S: Clone + Send + Sync + 'static,
{
    fn default() -> Self {
        Self {
            router: Router::new(),
            #[cfg(feature = "openapi")]
            described: Vec::new(),
        }
    }
}

impl<S> Routes<S>
where
    S: Clone + Send + Sync + 'static,
{
    /// No routes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a handler where its description says. [`crate::routes!`] brings the two together.
    #[doc(hidden)]
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "a handler is a function")]
    pub fn on<P, H, T>(mut self, _: P, handler: H) -> Self
    where
        P: utoipa::Path + for<'t> Tags<'t>,
        H: Handler<T, S>,
        T: 'static,
    {
        for method in P::methods() {
            self.router = self.router.route(&P::path(), on(name(&method).1, handler.clone()));
            #[cfg(feature = "openapi")]
            self.described.push(Described {
                path: P::path(),
                method: name(&method).0,
                describe: P::operation,
                tags: P::tags,
            });
        }
        self
    }

    /// These and those.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.router = self.router.merge(other.router);
        #[cfg(feature = "openapi")]
        self.described.extend(other.described);
        self
    }

    /// Puts something around every handler.
    #[must_use]
    pub fn layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<Route> + Clone + Send + Sync + 'static,
        L::Service: Service<Request> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse + 'static,
        <L::Service as Service<Request>>::Error: Into<Infallible> + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        self.router = self.router.layer(layer);
        self
    }

    /// Gives the handlers what they work with.
    pub fn with_state(self, state: S) -> Routes {
        Routes {
            router: self.router.with_state(state),
            #[cfg(feature = "openapi")]
            described: self.described,
        }
    }

    /// What the routes say of themselves, in their order.
    #[cfg(feature = "openapi")]
    pub fn described(&self) -> &[Described] {
        &self.described
    }
}

fn name(method: &HttpMethod) -> (&'static str, MethodFilter) {
    match method {
        HttpMethod::Get => ("GET", MethodFilter::GET),
        HttpMethod::Put => ("PUT", MethodFilter::PUT),
        HttpMethod::Post => ("POST", MethodFilter::POST),
        HttpMethod::Delete => ("DELETE", MethodFilter::DELETE),
        HttpMethod::Options => ("OPTIONS", MethodFilter::OPTIONS),
        HttpMethod::Head => ("HEAD", MethodFilter::HEAD),
        HttpMethod::Patch => ("PATCH", MethodFilter::PATCH),
        HttpMethod::Trace => ("TRACE", MethodFilter::TRACE),
    }
}

impl<S> fmt::Debug for Routes<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.router.fmt(f)
    }
}

#[cfg(feature = "openapi")]
impl fmt::Debug for Described {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// Tests of the door and of its extractors put handlers of their own behind it.
#[cfg(test)]
impl From<Router> for Routes {
    fn from(router: Router) -> Self {
        Self {
            router,
            #[cfg(feature = "openapi")]
            described: Vec::new(),
        }
    }
}
