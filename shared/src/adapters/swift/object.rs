//! Whole objects: written, looked at, listed and removed.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use http::header::{CONTENT_LENGTH, HeaderName};
use http::{Method, StatusCode};
use serde::Deserialize;

use super::Inner;
use super::account::Asked;
use super::failure::refused;
use crate::adapters::objects::failure::nonsense;
use crate::ports::{Chunks, StoreError};
use crate::store::ObjectKey;
use crate::text::escaped;

/// Names on a page of a listing.
const PAGE: usize = 1000;

/// Segments that are removed side by side.
const AT_ONCE: usize = 16;

const IS_MANIFEST: HeaderName = HeaderName::from_static("x-static-large-object");

/// What a listing says of an object.
#[derive(Debug, Deserialize)]
pub(super) struct Listed {
    pub(super) name: String,
    #[serde(default)]
    pub(super) bytes: u64,
    /// MD5.
    #[serde(default)]
    pub(super) hash: String,
    /// As the server writes it: the later the greater.
    #[serde(default)]
    pub(super) last_modified: String,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
}

impl Inner {
    /// Writes an object in one request.
    pub(super) async fn put(&self, key: &ObjectKey, bytes: &Chunks) -> Result<(), StoreError> {
        self.write(&self.names.object(key), "put", bytes).await.map(drop)
    }

    /// Writes what lies at a path of the account, and answers its MD5.
    pub(super) async fn write(
        &self,
        path: &str,
        action: &'static str,
        bytes: &Chunks,
    ) -> Result<String, StoreError> {
        let asked = Asked { body: bytes.clone(), ..Asked::new(action, Method::PUT, path) };
        let answer = self.account.answer(&asked).await?;
        if !answer.status.is_success() {
            return Err(refused(action, path, answer.status));
        }
        let etag = answer.told(&http::header::ETAG).map(|etag| etag.trim_matches('"').to_owned());
        etag.ok_or_else(|| nonsense(path, "an object without an ETag"))
    }

    /// Begins what comes in parts.
    pub(super) async fn mark(&self, key: &ObjectKey) -> Result<(), StoreError> {
        let path = self.names.url(&self.names.mark(key));
        self.write(&path, "begin", &Chunks::default()).await.map(drop)
    }

    /// Whether parts may come.
    pub(super) async fn is_marked(&self, key: &ObjectKey) -> Result<bool, StoreError> {
        let path = self.names.url(&self.names.mark(key));
        match self.account.answer(&Asked::new("look at", Method::HEAD, &path)).await?.status {
            status if status.is_success() => Ok(true),
            StatusCode::NOT_FOUND => Ok(false),
            status => Err(refused("look at", &path, status)),
        }
    }

    /// Has no more parts come.
    pub(super) async fn unmark(&self, key: &ObjectKey) -> Result<(), StoreError> {
        self.delete(&self.names.url(&self.names.mark(key))).await
    }

    /// Removes what lies at a path of the account, if it does.
    pub(super) async fn delete(&self, path: &str) -> Result<(), StoreError> {
        match self.account.answer(&Asked::new("remove", Method::DELETE, path)).await?.status {
            status if status.is_success() || status == StatusCode::NOT_FOUND => Ok(()),
            status => Err(refused("remove", path, status)),
        }
    }

    /// How many bytes an object has, and whether it is a manifest.
    async fn look(&self, key: &ObjectKey) -> Result<(u64, bool), StoreError> {
        let path = self.names.object(key);
        let answer = self.account.answer(&Asked::new("look at", Method::HEAD, &path)).await?;
        match answer.status {
            status if status.is_success() => {}
            StatusCode::NOT_FOUND => return Err(StoreError::NotFound),
            status => return Err(refused("look at", &path, status)),
        }
        let len = answer.told(&CONTENT_LENGTH).and_then(|len| len.parse().ok());
        let is_manifest = answer.told(&IS_MANIFEST).is_some_and(|told| told.eq_ignore_ascii_case("true"));
        Ok((len.ok_or_else(|| nonsense(&path, "an object without a length"))?, is_manifest))
    }

    pub(super) async fn size(&self, key: &ObjectKey) -> Result<u64, StoreError> {
        Ok(self.look(key).await?.0)
    }

    /// Removes an object and all that was begun of it. In this order: without its mark nothing is written any more that stays, and
    /// a manifest can be had again for as long as there may be segments.
    pub(super) async fn remove(&self, key: &ObjectKey) -> Result<(), StoreError> {
        self.unmark(key).await?;
        let segments = match self.look(key).await {
            Ok((_, true)) => self.segments_of(self.names.object(key)).await?,
            Ok((_, false)) | Err(StoreError::NotFound) => Vec::new(),
            Err(error) => return Err(error),
        };
        self.delete_all(segments).await?;
        let folder = self.names.folder(key);
        let mut behind = String::new();
        loop {
            let page = self.list(&folder, &behind).await?;
            let last = page.last().filter(|_| Self::goes_on(&page)).map(|last| last.name.clone());
            self.delete_all(page.into_iter().map(|listed| listed.name).collect()).await?;
            match last {
                Some(last) => behind = last,
                None => break,
            }
        }
        self.delete(&self.names.object(key)).await
    }

    async fn delete_all(&self, names: Vec<String>) -> Result<(), StoreError> {
        let delete = |name: String| async move { self.delete(&self.names.url(&name)).await };
        stream::iter(names).map(delete).buffer_unordered(AT_ONCE).try_collect().await
    }

    /// What a manifest names. Of one of manifests, those: what they name is listed. So is everything where the server does not tell
    /// (Ceph, whose listings do not lag).
    async fn segments_of(&self, path: String) -> Result<Vec<String>, StoreError> {
        let asked = Asked {
            query: "multipart-manifest=get",
            ..Asked::new("read the manifest of", Method::GET, &path)
        };
        let answer = self.account.answer(&asked).await?;
        if !answer.status.is_success() {
            return Err(refused("read the manifest of", &path, answer.status));
        }
        if answer.body.is_empty() {
            return Ok(Vec::new());
        }
        let entries: Vec<Entry> = serde_json::from_slice(&answer.body)
            .map_err(|error| nonsense(&path, format!("no manifest: {:?}", error.classify())))?;
        let name = |entry: &Entry| self.names.of_manifest(&entry.name).map(str::to_owned);
        Ok(entries.iter().filter_map(name).collect())
    }

    /// A page of the names with a prefix, in their order, behind a name.
    pub(super) async fn list(&self, prefix: &str, behind: &str) -> Result<Vec<Listed>, StoreError> {
        let path = self.names.container();
        let (prefix, behind) = (escaped(prefix, b"-._~/"), escaped(behind, b"-._~/"));
        let query = format!("format=json&limit={PAGE}&prefix={prefix}&marker={behind}");
        let asked = Asked { query: &query, ..Asked::new("list", Method::GET, &path) };
        let answer = self.account.answer(&asked).await?;
        match answer.status {
            StatusCode::NO_CONTENT => Ok(Vec::new()),
            status if status.is_success() => serde_json::from_slice(&answer.body)
                .map_err(|error| nonsense(&path, format!("no listing: {:?}", error.classify()))),
            status => Err(refused("list", &path, status)),
        }
    }

    /// Whether a page is not the last.
    pub(super) fn goes_on(page: &[Listed]) -> bool {
        page.len() >= PAGE
    }
}
