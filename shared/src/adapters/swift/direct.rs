//! Parts that clients bring through the gateway, each a segment.

use futures_util::StreamExt as _;
use http::Method;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;

use super::Inner;
use super::account::Asked;
use super::failure::refused;
use super::names::Segment;
use super::object::Listed;
use super::writer::Written;
use crate::adapters::objects::failure::{Answered, is_passing, told};
use crate::adapters::objects::{Fault, checked};
use crate::ports::{Part, PartBody, PartError, StoreError};
use crate::store::{ArrivedPart, ObjectKey, PartGrant};

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
        let fault = Fault::default();
        let frames = checked(grant, body, fault.clone()).map(|bytes| bytes.map(Frame::data));
        let body = StreamBody::new(frames).boxed_unsync();
        let sent = self.account.stream(&Asked::new(ACTION, Method::PUT, &path), grant.len(), body).await;
        // What was wrong with the body is why the request failed.
        if let Some(fault) = fault.take() {
            return Err(fault);
        }
        let answer = sent.map_err(|cause| StoreError::Unavailable(told(ACTION, &path, cause)))?;
        if !answer.status.is_success() {
            let passing = is_passing(answer.status);
            let cause = || told(ACTION, &path, Answered(answer.status));
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
