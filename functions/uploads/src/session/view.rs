//! Upload sessions as the API shows them.

use std::collections::BTreeMap;

use serde::Serialize;
use shared::id::ImageId;
use shared::operations::{PartState, SessionState};
use shared::ports::PartTarget;
use shared::store::{ChecksumKind, PartLayout};

/// A session, with a page of its parts.
#[derive(Debug, Serialize)]
pub(crate) struct SessionView {
    id: String,
    image_id: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    part_size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    part_count: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hashed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    parts: Vec<PartView>,
    #[serde(rename = "self")]
    this: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// The sessions of an image.
#[derive(Debug, Serialize)]
pub(crate) struct SessionsView {
    uploads: Vec<SessionView>,
    first: String,
}

/// Parts that were signed.
#[derive(Debug, Serialize)]
pub(crate) struct PartsView {
    parts: Vec<PartView>,
}

#[derive(Debug, Serialize)]
struct PartView {
    number: u32,
    offset: u64,
    size: u64,
    arrived: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
}

impl SessionView {
    pub(crate) fn new(state: SessionState, base: &str) -> Self {
        let this = format!("/v2/images/{}/uploads/{}", state.image, state.id);
        let parts = state.parts.into_iter().map(|part| PartView::new(part, base, &this)).collect();
        Self {
            image_id: state.image.into(),
            id: state.id.into(),
            status: state.status.name(),
            size: state.layout.map(|layout| layout.size),
            part_size: state.layout.map(|layout| layout.part_bytes),
            part_count: state.layout.map(PartLayout::count),
            checksum: state.checksum.map(ChecksumKind::name),
            expires_at: state.expires_at.map(|time| time.to_string()),
            hashed: state.hashed,
            message: state.message,
            parts,
            next: state.next.map(|marker| format!("{this}?marker={marker}")),
            this,
        }
    }

    pub(crate) fn location(&self, base: &str) -> String {
        format!("{base}{}", self.this)
    }
}

impl SessionsView {
    pub(crate) fn new(image: &ImageId, sessions: Vec<SessionState>, base: &str) -> Self {
        let uploads = sessions.into_iter().map(|session| SessionView::new(session, base)).collect();
        Self { uploads, first: format!("/v2/images/{image}/uploads") }
    }
}

impl PartsView {
    pub(crate) fn new(parts: Vec<PartState>, base: &str, session: &str) -> Self {
        Self { parts: parts.into_iter().map(|part| PartView::new(part, base, session)).collect() }
    }
}

impl PartView {
    fn new(part: PartState, base: &str, session: &str) -> Self {
        let number = part.number;
        let (mut url, mut headers, mut expires_at) = (None, BTreeMap::new(), None);
        if let Some(signed) = part.url {
            url = Some(match signed.signed.target {
                PartTarget::Store(url) => url,
                PartTarget::Gateway(query) => format!("{base}{session}/parts/{number}?{query}"),
            });
            headers = signed.signed.headers.into_iter().collect();
            expires_at = Some(signed.until.to_string());
        }
        Self {
            number,
            offset: part.offset,
            size: part.len,
            arrived: part.arrived.is_some(),
            etag: part.arrived.map(|part| part.etag),
            url,
            headers,
            expires_at,
        }
    }
}
