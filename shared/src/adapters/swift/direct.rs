//! Parts that clients bring through the gateway, each a segment.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use http::Method;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;

use super::Inner;
use super::account::Asked;
use super::failure::{refused, told};
use super::names::Segment;
use super::object::Listed;
use super::writer::Written;
use crate::error::Cause;
use crate::ports::{Part, PartBody, PartError, StoreError};
use crate::store::{ArrivedPart, ObjectKey, PartGrant, Summing};

impl Inner {
    /// Takes a part whose leave was looked at: its bytes go on as they come, the last of them when all are as they were declared.
    pub(super) async fn take(&self, grant: &PartGrant, body: PartBody) -> Result<String, PartError> {
        const ACTION: &str = "write a part at";
        // A token that is good no more is asked for anew here: the body comes once.
        if !self.is_marked(&grant.key).await? {
            return Err(PartError::Ended);
        }
        let segment = Segment::new(grant.number, grant.checksum.clone());
        let path = self.names.url(&self.names.segment(&grant.key, &segment));
        let fault = Arc::new(Mutex::new(None));
        let frames = checked(grant, body, Arc::clone(&fault)).map(|bytes| bytes.map(Frame::data));
        let body = StreamBody::new(frames).boxed_unsync();
        let sent = self.account.stream(&Asked::new(ACTION, Method::PUT, &path), grant.len(), body).await;
        // What was wrong with the body is why the request failed.
        if let Some(fault) = fault.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(fault);
        }
        let answer = sent.map_err(|cause| StoreError::Unavailable(told(ACTION, &path, cause)))?;
        if !answer.status.is_success() {
            let passing = super::failure::is_passing(answer.status);
            let cause = || told(ACTION, &path, super::failure::Answered(answer.status));
            return Err(if passing {
                StoreError::Unavailable(cause())
            } else {
                refused(ACTION, &path, answer.status)
            }
            .into());
        }
        let md5 = answer.told(&http::header::ETAG).unwrap_or_default().trim_matches('"').to_owned();
        if !self.is_marked(&grant.key).await? {
            self.delete(&path).await?;
            return Err(PartError::Ended);
        }
        self.forget_older(&grant.key, &segment).await?;
        Ok(segment.etag(&md5))
    }

    /// Brings a part whose bytes are here.
    pub(super) async fn bring(&self, key: &ObjectKey, part: &Part) -> Result<(), StoreError> {
        if !self.is_marked(key).await? {
            return Err(StoreError::NotFound);
        }
        let written = self.write_segment(key, part.number, &part.bytes).await?;
        self.forget_older(key, &written.segment).await
    }

    /// Removes what came of a part before this segment.
    async fn forget_older(&self, key: &ObjectKey, latest: &Segment) -> Result<(), StoreError> {
        let folder = self.names.folder(key);
        let all = self.list(&format!("{folder}{}", Segment::begin(latest.number)), "").await?;
        let own = self.names.segment(key, latest);
        let Some(when) = all.iter().find(|listed| listed.name == own).map(|own| own.last_modified.clone())
        else {
            return Ok(());
        };
        for older in all.iter().filter(|listed| listed.last_modified < when) {
            self.delete(&self.names.url(&older.name)).await?;
        }
        Ok(())
    }

    pub(super) async fn arrived(
        &self,
        key: &ObjectKey,
        after: u32,
        limit: u32,
    ) -> Result<Vec<ArrivedPart>, StoreError> {
        if !self.is_marked(key).await? {
            return Err(StoreError::NotFound);
        }
        let folder = self.names.folder(key);
        let mut behind = format!("{folder}{:05}", after.saturating_add(1));
        let mut arrived: Vec<(ArrivedPart, String)> = Vec::new();
        loop {
            let page = self.list(&folder, &behind).await?;
            for listed in &page {
                let Some(part) = listed.name.strip_prefix(&folder).and_then(|name| part(name, listed)) else {
                    continue;
                };
                match arrived.last_mut() {
                    // Of a part that came twice the last counts.
                    Some(last) if last.0.number == part.number => {
                        if last.1 < listed.last_modified {
                            *last = (part, listed.last_modified.clone());
                        }
                    }
                    _ => arrived.push((part, listed.last_modified.clone())),
                }
            }
            match page.last() {
                // One more than is told, for that one may come again.
                Some(last) if Self::goes_on(&page) && arrived.len() <= limit as usize => {
                    behind.clone_from(&last.name);
                }
                _ => break,
            }
        }
        arrived.truncate(limit as usize);
        Ok(arrived.into_iter().map(|(part, _)| part).collect())
    }

    pub(super) async fn assemble(&self, key: &ObjectKey, parts: &[ArrivedPart]) -> Result<(), StoreError> {
        if !self.is_marked(key).await? {
            return self.size(key).await.map(drop);
        }
        let written = |part: &ArrivedPart| {
            let (segment, md5) = Segment::of(part)?;
            Some(Written { segment, md5: md5.to_owned(), len: part.len })
        };
        let all: Option<Vec<_>> = parts.iter().map(written).collect();
        let all =
            all.ok_or_else(|| StoreError::Failed("a part's entity tag is none of this store".into()))?;
        self.write_manifest(key, &all).await?;
        self.unmark(key).await
    }
}

fn part(name: &str, listed: &Listed) -> Option<ArrivedPart> {
    let segment = Segment::parse(name)?;
    let (number, etag) = (segment.number, segment.etag(&listed.hash));
    Some(ArrivedPart { number, len: listed.bytes, etag, checksum: segment.checksum })
}

/// A body that ends as its leave says, or breaks before its last piece, and says why.
fn checked(
    grant: &PartGrant,
    body: PartBody,
    fault: Arc<Mutex<Option<PartError>>>,
) -> impl Stream<Item = Result<Bytes, Cause>> + Send + use<> {
    let summing = grant.checksum.as_ref().map(|sum| Summing::new(sum.kind));
    let state = Checking { body, grant: grant.clone(), summing, received: 0, held: Bytes::new() };
    stream::try_unfold(Some(state), move |state| {
        let fault = Arc::clone(&fault);
        async move {
            let Some(state) = state else { return Ok(None) };
            state.next().await.map(Some).map_err(|error| {
                let text = error.to_string();
                *fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
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
