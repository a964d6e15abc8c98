//! DynamoDB's failures in the port's words.

use std::error::Error as StdError;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::CancellationReason;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use crate::adapters::aws::failure::{cause, classify};
use crate::ports::TableError;

/// A failed call, after the SDK's retries.
pub(super) fn failed<E>(error: &SdkError<E, HttpResponse>) -> TableError
where
    E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
{
    let cause = cause(error);
    if classify(error).is_passing() { TableError::Unavailable(cause) } else { TableError::Failed(cause) }
}

/// What became of a transaction that was not written.
#[derive(Debug)]
pub(super) enum Cancelled {
    /// It met another write, or too many of them: the same may succeed at once.
    Passing(TableError),
    /// It will not succeed as it is.
    Final(TableError),
}

/// Tells a conflict from a refusal, by the reasons a cancelled transaction names for each of its changes.
pub(super) fn cancelled(error: &SdkError<TransactWriteItemsError, HttpResponse>) -> Cancelled {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancellation)) = error.as_service_error()
    else {
        return Cancelled::Final(failed(error));
    };
    let reasons = cancellation.cancellation_reasons();
    let is =
        |reason: &CancellationReason, codes: &[&str]| reason.code().is_some_and(|code| codes.contains(&code));
    if let Some(change) = reasons.iter().position(|reason| is(reason, &["ConditionalCheckFailed"])) {
        return Cancelled::Final(TableError::ConditionFailed { change });
    }
    let is_passing =
        |reason| is(reason, &["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"]);
    if reasons.iter().any(is_passing) {
        return Cancelled::Passing(TableError::Unavailable(cause(error)));
    }
    Cancelled::Final(TableError::Failed(cause(error)))
}
