//! The one place where a failed SDK call is told apart: by error code and status, never by its text.

use std::error::Error as StdError;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::error::Cause;

/// What kind of failure a call met, after the SDK's own retries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The service asks for fewer requests.
    Throttled,
    /// Timed out, unreachable, cut off, or an error of the service's own: it may have acted on the request.
    Unavailable,
    /// The service refused the request: asking again will not help.
    Refused {
        /// The service's error code; empty when the answer had no body to name one, as for a `HEAD`.
        code: String,
        /// The HTTP status.
        status: u16,
    },
    /// The request could not be made: no credentials, no region, an address that is none.
    Broken,
}

impl Fault {
    /// The service's error code, or nothing.
    pub fn code(&self) -> &str {
        match self {
            Self::Refused { code, .. } => code,
            Self::Throttled | Self::Unavailable | Self::Broken => "",
        }
    }

    /// Whether the same call may succeed later.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Throttled | Self::Unavailable)
    }
}

/// Codes that ask for fewer requests, of DynamoDB, S3 and what speaks their protocols.
const THROTTLING: [&str; 9] = [
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequests",
    "TooManyRequestsException",
];

/// Codes of passing faults that come with a status that would say otherwise.
const PASSING: [&str; 5] = [
    "InternalError",
    "InternalServerError",
    "RequestTimeout",
    "RequestTimeoutException",
    "TransactionInProgressException",
];

/// Whether a code asks for fewer requests.
pub fn is_throttling(code: &str) -> bool {
    THROTTLING.contains(&code)
}

/// Tells what kind of failure an SDK call met.
pub fn classify<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Fault {
    match error {
        SdkError::ServiceError(context) => {
            by_code(context.err().code().unwrap_or_default(), context.raw().status().as_u16())
        }
        SdkError::DispatchFailure(failure) if failure.is_user() => Fault::Broken,
        SdkError::DispatchFailure(_) | SdkError::TimeoutError(_) => Fault::Unavailable,
        // An answer that is no answer of the service: a proxy's page, or one cut short.
        SdkError::ResponseError(context) => match by_code("", context.raw().status().as_u16()) {
            Fault::Refused { status, .. } if status < 400 => Fault::Unavailable,
            fault => fault,
        },
        _ => Fault::Broken,
    }
}

fn by_code(code: &str, status: u16) -> Fault {
    if is_throttling(code) || status == 429 {
        return Fault::Throttled;
    }
    // 501 and 507 stay what they are: a call that is not provided, and a disk that is full.
    if PASSING.contains(&code) || matches!(status, 408 | 500 | 502 | 503 | 504) {
        return Fault::Unavailable;
    }
    Fault::Refused { code: code.to_owned(), status }
}

/// An SDK error as a cause that tells its whole chain: the SDK's own `Display` says "service error" and no more.
pub fn cause(error: &(dyn StdError + 'static)) -> Cause {
    let mut told = error.to_string();
    let mut below = error.source();
    while let Some(error) = below {
        told = format!("{told}: {error}");
        below = error.source();
    }
    told.into()
}
