//! What Swift answers, in the port's words.

use http::StatusCode;

use crate::adapters::objects::failure::{Answered, told};
use crate::ports::StoreError;

/// An answer that was not hoped for, after what can be tried again was. No object is absent by it.
pub(super) fn refused(action: &'static str, path: &str, status: StatusCode) -> StoreError {
    match status {
        // Quotas of containers and accounts are told by the first.
        StatusCode::PAYLOAD_TOO_LARGE | StatusCode::INSUFFICIENT_STORAGE => StoreError::Full,
        _ => StoreError::Failed(told(action, path, Answered(status))),
    }
}
