//! One push from beginning to end: the image, the session, the parts, and what came of it.

use serde_json::Value;
use shared::image::DiskFormat;

use super::completing::{self, Completed};
use super::notes::{Note, Notes};
use super::parts::Bringing;
use super::session::{Address, Session};
use super::source::Source;
use super::{Push, image};
use crate::cloud::Api;
use crate::progress::Bar;
use crate::{Failure, tell};

/// A push that is being done.
#[derive(Clone, Copy)]
pub(super) struct Run<'a> {
    pub(super) push: &'a Push,
    pub(super) api: &'a Api,
    pub(super) source: &'a Source,
    pub(super) notes: &'a Notes,
}

/// What there is to do.
pub(super) enum Ready {
    /// Parts have to come.
    Open(Session),
    /// Nothing: the image has its data.
    Active(Value),
}

impl Run<'_> {
    /// Finds the image and the session of a note, or makes them.
    pub(super) async fn prepare(&self, note: &mut Note) -> Result<Ready, Failure> {
        let id = note.image.clone();
        let found = image::show(self.api, &id).await?;
        let image = match found {
            Some(image) => image,
            None if self.push.image.is_some() => {
                return Err(Failure::Run(format!(
                    "there is no image {id} to push to, or it is not yours to see"
                )));
            }
            None => {
                self.notes.forget(&id)?;
                note.session = None;
                let told = &self.push.described;
                let format = match told.disk_format {
                    Some(format) => format,
                    None => image::detected(self.source)?,
                };
                self.check(format, &told.container_format)?;
                let body = image::body(&id, &self.push.name(), format, &self.push.described);
                self.notes.keep(note)?;
                match image::create(self.api, &id, &body).await {
                    Ok(image) => image,
                    Err(failure) => {
                        self.notes.forget(&id)?;
                        return Err(failure);
                    }
                }
            }
        };
        let status = image::text(&image, "status").unwrap_or_default();
        match (status, note.session.clone()) {
            ("active", Some(_)) => Ok(Ready::Active(image)),
            ("saving", Some(session)) => self.resume(note, session).await,
            ("queued", _) => {
                let format = image::text(&image, "disk_format").and_then(DiskFormat::parse);
                if let (Some(format), Some(container)) = (format, image::text(&image, "container_format")) {
                    self.check(format, container)?;
                }
                // An earlier session that ended leaves the image queued.
                let Some(session) = Session::open(self.api, &id, self.source.size()).await? else {
                    return self.find(note).await;
                };
                note.session = Some(session.id.clone());
                self.notes.keep(note)?;
                Ok(Ready::Open(session))
            }
            ("saving", None) => self.find(note).await,
            (other, _) => {
                Err(Failure::Run(format!("image {id} is {other}, and takes no data: leave --image out")))
            }
        }
    }

    /// Refuses what the service would, before any of it is sent.
    fn check(&self, format: DiskFormat, container: &str) -> Result<(), Failure> {
        if self.push.anyway || container != "bare" { Ok(()) } else { image::check(self.source, format) }
    }

    /// Goes on with the session that an image has and this push knows nothing of. It is this push's when the image is: it was opened,
    /// and the answer was lost. In an image that somebody named it may be anybody's.
    async fn find(&self, note: &mut Note) -> Result<Ready, Failure> {
        let found = Session::of(self.api, &note.image).await?;
        match found {
            Some(session) if self.push.image.is_none() => {
                note.session = Some(session.clone());
                self.resume(note, session).await
            }
            Some(session) => Err(Failure::Run(format!(
                "image {} is being uploaded to, and no push of this file that began here is: --session {session} goes on with its \
                 upload session, if that is of this file",
                note.image
            ))),
            None => Err(Failure::Run(format!(
                "image {} is being uploaded to, and not by an upload session: wait for it, or delete the image",
                note.image
            ))),
        }
    }

    async fn resume(&self, note: &Note, session: String) -> Result<Ready, Failure> {
        let address = Address { image: note.image.clone(), session };
        let Some(shown) = address.show(self.api).await? else {
            let (image, session) = (&note.image, &address.session);
            return Err(Failure::Run(format!(
                "image {image} is being uploaded to, but not by upload session {session}"
            )));
        };
        let size = self.source.size();
        match shown.size {
            Some(announced) if announced != size => Err(Failure::Run(format!(
                "upload session {} is of {announced} bytes, and {} has {size}: it is another file",
                shown.id,
                self.push.file.display()
            ))),
            _ => {
                self.notes.keep(note)?;
                Ok(Ready::Open(shown))
            }
        }
    }

    /// Brings what is missing until the image is active, and holds it to the file.
    pub(super) async fn bring(&self, note: &Note, mut session: Session) -> Result<Value, Failure> {
        let address = Address { image: note.image.clone(), session: session.id.clone() };
        let bar = Bar::new(self.source.size(), self.push.quiet);
        // Beside the transfer: the service has to do the same after it.
        let mut hashing = Box::pin(self.source.sha512());
        let mut sha512 = None;
        for _ in 0..ROUNDS {
            let missing: Vec<_> = session.parts.iter().filter(|part| !part.arrived).cloned().collect();
            let there = session.parts.iter().filter(|part| part.arrived);
            bar.begin("pushing", there.clone().map(|part| part.size).sum());
            let arrived = there.count();
            if arrived > 0 && session.status == "open" {
                tell(&format!(
                    "image {}: {arrived} of {} parts have arrived before",
                    note.image,
                    session.parts.len()
                ));
            }
            let kind = session.kind()?;
            let bringing =
                Bringing { api: self.api, source: self.source, address: &address, kind, bar: &bar };
            let mut brought = Box::pin(bringing.all(missing, self.push.parallel.into()));
            loop {
                tokio::select! {
                    done = &mut brought => break done?,
                    hashed = &mut hashing, if sha512.is_none() => sha512 = Some(hashed?),
                }
            }
            drop(brought);
            self.source.check()?;
            bar.begin("checking", 0);
            match completing::complete(self.api, &address, &bar).await? {
                Completed::Active => {
                    let sha512 = match sha512 {
                        Some(sha512) => sha512,
                        None => hashing.await?,
                    };
                    bar.end();
                    let image = image::show(self.api, &note.image).await?;
                    let gone = || Failure::Run(format!("image {} was deleted meanwhile", note.image));
                    return self.conclude(note, &image.ok_or_else(gone)?, &sha512);
                }
                Completed::Refused(reason) => {
                    bar.end();
                    self.notes.forget(&note.image)?;
                    let id = &note.image;
                    return Err(Failure::Run(format!(
                        "the service does not take the data: {reason} Image {id} is queued again: push another file \
                         with --image {id}, or delete it"
                    )));
                }
                Completed::Missing(reason) => {
                    tell(&format!("parts are missing all the same: {reason}"));
                    let again = address.show(self.api).await?;
                    session = again.ok_or_else(|| Failure::Run("the upload session has ended".to_owned()))?;
                }
            }
        }
        Err(Failure::Run("parts that had arrived are missing again and again".to_owned()))
    }

    /// Holds an image that is active to the file.
    pub(super) fn conclude(&self, note: &Note, image: &Value, sha512: &str) -> Result<Value, Failure> {
        self.notes.forget(&note.image)?;
        let (id, path) = (&note.image, self.push.file.display());
        let size = image.get("size").and_then(Value::as_u64);
        if size != Some(self.source.size()) {
            let size = size.unwrap_or_default();
            return Err(Failure::Run(format!(
                "image {id} has {size} bytes, and {path} {}: delete it",
                self.source.size()
            )));
        }
        let (algorithm, hash) = (image::text(image, "os_hash_algo"), image::text(image, "os_hash_value"));
        if algorithm == Some("sha512") && hash != Some(sha512) {
            let hash = hash.unwrap_or("nothing");
            return Err(Failure::Run(format!(
                "image {id} hashes to {hash}, and {path} to {sha512}: delete it"
            )));
        }
        Ok(image.clone())
    }
}

/// How often parts may be found missing after all were brought.
const ROUNDS: usize = 3;
