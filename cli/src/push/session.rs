//! An upload session as the API shows it, and the calls that are made of it.

use std::collections::BTreeMap;

use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::id::ImageId;
use shared::store::{Checksum, ChecksumKind};

use crate::Failure;
use crate::cloud::{Api, CloudError};

/// An upload session, with a page of its parts.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) status: String,
    pub(crate) size: Option<u64>,
    part_count: Option<u32>,
    pub(crate) checksum: Option<String>,
    pub(crate) hashed: Option<u64>,
    pub(crate) message: Option<String>,
    #[serde(default)]
    pub(crate) parts: Vec<Part>,
    next: Option<String>,
}

/// A part of one.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Part {
    pub(crate) number: u32,
    pub(crate) offset: u64,
    pub(crate) size: u64,
    pub(crate) arrived: bool,
    /// Where it goes, when that is signed already.
    pub(crate) url: Option<String>,
    /// What goes with it.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
}

/// Where the calls of one session go.
#[derive(Clone, Debug)]
pub(crate) struct Address {
    pub(crate) image: ImageId,
    pub(crate) session: String,
}

/// The most parts that the service tells of at a time.
const PAGE: u32 = 1000;

/// How parts are summed: what S3 makes of its own accord, at the pace of memory.
const KIND: ChecksumKind = ChecksumKind::Crc64Nvme;

impl Session {
    /// Opens one for so many bytes, whose parts come with checksums. `None` when the image takes none now: it may have one.
    pub(crate) async fn open(api: &Api, image: &ImageId, size: u64) -> Result<Option<Self>, Failure> {
        let body = json!({"size": size, "checksum": KIND.name()});
        let opened = api.json(&Method::POST, &format!("/v2/images/{image}/uploads"), Some(&body)).await;
        let opened = match opened {
            Err(error) if error.status() == Some(StatusCode::CONFLICT) => return Ok(None),
            Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => {
                return Err(Failure::Run(format!(
                    "{} takes no upload sessions, or there is no image {image}: {}",
                    api.base(),
                    error.text()
                )));
            }
            opened => opened?,
        };
        read(opened)?.with_all_parts(api, image).await.map(Some)
    }

    /// The id of the one that an image has, if it has one.
    pub(crate) async fn of(api: &Api, image: &ImageId) -> Result<Option<String>, Failure> {
        let listed = api.json(&Method::GET, &format!("/v2/images/{image}/uploads"), None).await;
        match listed {
            // An earlier release has no list.
            Err(error) if error.status() == Some(StatusCode::METHOD_NOT_ALLOWED) => Ok(None),
            listed => Ok(listed?.pointer("/uploads/0/id").and_then(Value::as_str).map(str::to_owned)),
        }
    }

    /// How a part is summed, if it has to be.
    pub(crate) fn kind(&self) -> Result<Option<ChecksumKind>, Failure> {
        let unknown = |name: &String| {
            Failure::Run(format!("the session wants a checksum '{name}', which is not known here"))
        };
        self.checksum.as_ref().map(|name| ChecksumKind::parse(name).ok_or_else(|| unknown(name))).transpose()
    }

    /// The same with the parts of all pages.
    async fn with_all_parts(mut self, api: &Api, image: &ImageId) -> Result<Self, Failure> {
        let address = Address { image: image.clone(), session: self.id.clone() };
        while self.next.is_some() {
            let after = self.parts.last().map_or(0, |part| part.number);
            let page = address.page(api, after).await?;
            let is_further = page.parts.last().is_some_and(|part| part.number > after);
            if !is_further {
                break;
            }
            self.next = page.next;
            self.parts.extend(page.parts);
        }
        let told = self.parts.len();
        match self.part_count {
            Some(count) if self.status == "open" && told != count as usize => {
                Err(Failure::Run(format!("the service tells of {told} parts of {count}")))
            }
            _ => Ok(self),
        }
    }
}

impl Address {
    fn path(&self) -> String {
        format!("/v2/images/{}/uploads/{}", self.image, self.session)
    }

    /// The session with all of its parts; `None` when there is none any more.
    pub(crate) async fn show(&self, api: &Api) -> Result<Option<Session>, Failure> {
        match self.page(api, 0).await {
            Ok(first) => first.with_all_parts(api, &self.image).await.map(Some),
            Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The session without its parts.
    pub(crate) async fn status(&self, api: &Api) -> Result<Session, CloudError> {
        let shown = api.json(&Method::GET, &format!("{}?limit=1", self.path()), None).await?;
        read(shown).map_err(CloudError::Keys)
    }

    async fn page(&self, api: &Api, after: u32) -> Result<Session, CloudError> {
        let path = format!("{}?limit={PAGE}&marker={after}", self.path());
        read(api.json(&Method::GET, &path, None).await?).map_err(CloudError::Keys)
    }

    /// How a part is brought: signed now, so its URL is fresh.
    pub(crate) async fn sign(
        &self,
        api: &Api,
        number: u32,
        sum: Option<&Checksum>,
    ) -> Result<Part, CloudError> {
        let shown = if let Some(sum) = sum {
            let body = json!({"parts": [{"number": number, sum.kind.name(): sum.value()}]});
            api.json(&Method::POST, &format!("{}/parts", self.path()), Some(&body)).await?
        } else {
            let path = format!("{}?limit=1&marker={}", self.path(), number.saturating_sub(1));
            api.json(&Method::GET, &path, None).await?
        };
        let part: Option<Part> =
            shown.pointer("/parts/0").and_then(|part| serde_json::from_value(part.clone()).ok());
        let part = part.filter(|part: &Part| part.number == number);
        part.ok_or_else(|| {
            CloudError::Keys(Failure::Run(format!("the service signs no part {number}: {shown}")))
        })
    }

    /// Says that all parts were brought.
    pub(crate) async fn complete(&self, api: &Api) -> Result<Session, CloudError> {
        let shown = api.json(&Method::POST, &format!("{}/complete", self.path()), None).await?;
        read(shown).map_err(CloudError::Keys)
    }
}

fn read(shown: Value) -> Result<Session, Failure> {
    serde_json::from_value(shown)
        .map_err(|error| Failure::Run(format!("the service's answer is no upload session: {error}")))
}
