//! Images of other regions: found by the token of who asked for the import, asked what they are, and read through the gate.
//!
//! The token is kept with the session, sealed, and goes with it. It is shown to Keystone and to the server that the region's endpoint names.

use std::sync::Arc;

use futures_util::TryStreamExt as _;
use serde_json::Value;

use super::settings::{AbroadPorts, ImporterPorts, ImporterSettings};
use super::source::Source;
use super::trouble::Trouble;
use crate::error::Error;
use crate::identity::Token;
use crate::image::{Abroad, Course, Image, ImportSource, Remote, RemoteSource};
use crate::ports::{FetchError, FetchRequest, RegionsError, Validator};
use crate::store::Expected;
use crate::time::Timestamp;
use crate::transfer::fetch_patiently;

/// The longest record of an image that is read, in bytes: as long as one may be in a table.
const MAX_RECORD_BYTES: u64 = 1 << 20;

/// Asks other regions, and reads from them.
#[derive(Clone, Debug)]
pub(super) struct Regional {
    ports: ImporterPorts,
    settings: ImporterSettings,
}

impl Regional {
    pub(super) fn new(ports: ImporterPorts, settings: &ImporterSettings) -> Self {
        Self { ports, settings: settings.clone() }
    }

    /// Asks another region what its image is. Cost: one call of Keystone and one of the region.
    pub(super) async fn ask(
        &self,
        abroad: &Abroad,
        image: &Image,
        sealed: Option<&str>,
    ) -> Result<Remote, Trouble> {
        let token = self.token(image, sealed)?;
        let Abroad { region, interface, image: id } = abroad;
        let ports = self.abroad()?;
        let found = ports.regions.images(&token, region, interface).await.map_err(|error| match error {
            RegionsError::Expired => Trouble::Source(error.to_string()),
            RegionsError::NotFound => Trouble::Source(format!(
                "region '{region}' has no {interface} endpoint of its image service in the catalogue of the token"
            )),
            RegionsError::Unavailable(cause) => Trouble::Other(Error::Unavailable(cause)),
        })?;
        let of_image = |error: &dyn std::fmt::Display| {
            Trouble::Source(format!("image {id} of region '{region}': {error}"))
        };
        let record = format!("{}/v2/images/{id}", found.url);
        let fetch = Arc::clone(&self.ports.fetch);
        let url = fetch.check(&record).map_err(|refusal| of_image(&FetchError::from(refusal)))?;
        let request =
            FetchRequest { token: Some(token), max_bytes: MAX_RECORD_BYTES, ..FetchRequest::whole(url) };
        let read = async {
            let fetched = fetch_patiently(fetch, request, self.settings.patience).await?;
            fetched.body.try_collect::<Vec<_>>().await
        };
        let body = read.await.map_err(|error| match error {
            FetchError::NotThere(401) => denied(region, found.token_ends, self.ports.clock.now()),
            FetchError::NotThere(404) => of_image(&"it is not there, or not for who asks"),
            error => of_image(&error),
        })?;
        let told: Value = serde_json::from_slice(&body.concat())
            .map_err(|_| of_image(&"what the region says of it is no JSON"))?;
        let source = RemoteSource {
            url: format!("{record}/file"),
            token_ends: found.token_ends,
            prefixes: &self.settings.extra_properties,
            accepted: &self.settings.accepted,
        };
        let mut remote = Remote::read(&told, source).map_err(|error| of_image(&error))?;
        // What the operator gives images comes after what they bring along.
        remote.properties.retain(|name, _| !self.settings.plugins.has_given(image, name));
        Ok(remote)
    }

    /// Opens the data of an image of another region.
    pub(super) async fn source(
        &self,
        image: &Image,
        course: &Course,
        known: Option<Validator>,
        sealed: Option<&str>,
    ) -> Result<Source, Trouble> {
        let remote =
            course.remote.as_ref().ok_or_else(|| Error::internal("nobody asked the other region"))?;
        let url = self.ports.fetch.check(&remote.url).map_err(FetchError::from)?;
        let max_bytes = self.settings.intake.max_bytes;
        let remake = self.settings.plugins.remake(image, max_bytes).filter(|_| remote.size > 0);
        let request = FetchRequest {
            max_bytes,
            validator: known,
            token: Some(self.token(image, sealed)?),
            // The data of an image that is active is never another.
            is_lasting: true,
            ..FetchRequest::whole(url)
        };
        let (fetch, patience) = (Arc::clone(&self.ports.fetch), self.settings.patience);
        match remake {
            None => Source::url(fetch, request, patience).await?.of_size(remote.size),
            Some(remake) => {
                let told = Some(remote.size);
                Ok(Source::remade_url(fetch, request, patience, (&remake, told)).await?)
            }
        }
    }

    fn token(&self, image: &Image, sealed: Option<&str>) -> Result<Token, Trouble> {
        let gone =
            || Trouble::Source("the token by which the import was asked for is not kept any more".to_owned());
        self.abroad()?.seals.open(sealed.ok_or_else(gone)?, &image.id).ok_or_else(|| {
            let why =
                "the token by which the import was asked for was sealed by another key than this process has";
            Trouble::Source(why.to_owned())
        })
    }

    fn abroad(&self) -> Result<&AbroadPorts, Trouble> {
        let missing =
            || Trouble::Source("glance-download is not enabled where imports are worked on".to_owned());
        self.ports.abroad.as_ref().ok_or_else(missing)
    }
}

/// What the data has to hash to, as the other region says; nothing of what is made of it.
pub(super) fn expected(course: &Course, source: &Source) -> Option<Expected> {
    let remote = course.remote.as_ref().filter(|_| !source.is_remade() && course.first_there().is_none())?;
    Some(Expected { md5: remote.md5.clone(), sha512: remote.sha512.clone() })
}

/// The same trouble, with what a refused token means.
pub(super) fn explained(trouble: Trouble, course: &Course, now: Timestamp) -> Trouble {
    match (trouble, &course.source, &course.remote) {
        (Trouble::Denied, ImportSource::GlanceDownload(abroad), Some(remote)) => {
            denied(&abroad.region, remote.token_ends, now)
        }
        (trouble, ..) => trouble,
    }
}

fn denied(region: &str, token_ends: Timestamp, now: Timestamp) -> Trouble {
    Trouble::Source(if now >= token_ends {
        format!("the token has expired: it was good until {token_ends}, and region '{region}' answered 401")
    } else {
        format!("region '{region}' does not take the token of who asked for the import: it answered 401")
    })
}
