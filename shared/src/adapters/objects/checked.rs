//! A part on its way from a client to a server: the last of it goes when all is as it was declared.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};

use crate::error::Cause;
use crate::ports::{PartBody, PartError};
use crate::store::{PartGrant, Summing};

/// What was wrong with a body, which is why its request failed.
#[derive(Clone, Debug, Default)]
pub(in crate::adapters) struct Fault(Arc<Mutex<Option<PartError>>>);

impl Fault {
    /// Tells it, once.
    pub(in crate::adapters) fn take(&self) -> Option<PartError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn set(&self, error: PartError) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
    }
}

/// A body that ends as its leave says, or breaks before its last piece, and says why.
pub(in crate::adapters) fn checked(
    grant: &PartGrant,
    body: PartBody,
    fault: Fault,
) -> impl Stream<Item = Result<Bytes, Cause>> + Send + use<> {
    let summing = grant.checksum.as_ref().map(|sum| Summing::new(sum.kind));
    let state = Checking { body, grant: grant.clone(), summing, received: 0, held: Bytes::new() };
    stream::try_unfold(Some(state), move |state| {
        let fault = fault.clone();
        async move {
            let Some(state) = state else { return Ok(None) };
            state.next().await.map(Some).map_err(|error| {
                let text = error.to_string();
                fault.set(error);
                text.into()
            })
        }
    })
}

struct Checking {
    body: PartBody,
    grant: PartGrant,
    summing: Option<Summing>,
    received: u64,
    /// The piece that goes when the next has come, or the end.
    held: Bytes,
}

impl Checking {
    async fn next(mut self) -> Result<(Bytes, Option<Self>), PartError> {
        let expected = self.grant.len();
        while let Some(piece) = self.body.next().await {
            let piece = piece.map_err(|source| PartError::Broken { received: self.received, source })?;
            self.received += piece.len() as u64;
            if self.received > expected {
                return Err(PartError::Length { expected, received: self.received });
            }
            if let Some(summing) = &mut self.summing {
                summing.update(&piece);
            }
            let ready = std::mem::replace(&mut self.held, piece);
            if !ready.is_empty() {
                return Ok((ready, Some(self)));
            }
        }
        if self.received != expected {
            return Err(PartError::Length { expected, received: self.received });
        }
        let sum = self.summing.map(Summing::finish);
        match &self.grant.checksum {
            Some(declared) if sum.as_ref() != Some(declared) => {
                Err(PartError::Checksum { kind: declared.kind.name() })
            }
            _ => Ok((self.held, None)),
        }
    }
}
