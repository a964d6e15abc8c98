//! What S3 answers, in the port's words, told apart by error code.

use std::error::Error as StdError;

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use crate::adapters::aws::failure::{Fault, cause, classify};
use crate::adapters::objects::failure::told;
use crate::error::Cause;
use crate::ports::StoreError;

/// The code of an upload that was completed, was aborted or never was.
pub(super) const NO_SUCH_UPLOAD: &str = "NoSuchUpload";
/// The code of an absent object.
pub(super) const NO_SUCH_KEY: &str = "NoSuchKey";

/// No room: Ceph's quotas, MinIO's disk and its quotas.
const FULL: [&str; 3] = ["QuotaExceeded", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded"];

/// Translates a call that failed after the SDK's retries.
pub(super) fn refused<E>(action: &'static str, path: &str, error: &SdkError<E, HttpResponse>) -> StoreError
where
    E: ProvideErrorMetadata + StdError + 'static,
{
    by_fault(&classify(error), told(action, path, cause(error)))
}

fn by_fault(fault: &Fault, cause: Cause) -> StoreError {
    match fault {
        Fault::Throttled | Fault::Unavailable => StoreError::Unavailable(cause),
        Fault::Refused { code, .. } if code == NO_SUCH_KEY => StoreError::NotFound,
        Fault::Refused { code, status } if FULL.contains(&code.as_str()) || *status == 507 => {
            StoreError::Full
        }
        Fault::Refused { .. } | Fault::Broken => StoreError::Failed(cause),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_keeps_what_the_domain_can_act_on() {
        let refused =
            |code: &str, status| by_fault(&Fault::Refused { code: code.to_owned(), status }, "x".into());
        assert!(matches!(refused("NoSuchKey", 404), StoreError::NotFound));
        assert!(matches!(refused("NoSuchBucket", 404), StoreError::Failed(_)));
        assert!(matches!(refused("AccessDenied", 403), StoreError::Failed(_)));
        assert!(matches!(refused("QuotaExceeded", 403), StoreError::Full));
        assert!(matches!(refused("XMinioStorageFull", 507), StoreError::Full));
        assert!(matches!(by_fault(&Fault::Broken, "x".into()), StoreError::Failed(_)));
        for fault in [Fault::Throttled, Fault::Unavailable] {
            assert!(matches!(by_fault(&fault, "x".into()), StoreError::Unavailable(_)));
        }
    }
}
