//! `glint push`: a file becomes an image, its parts side by side, and on from where it stopped.
//!
//! The service is asked for an upload session (`POST /v2/images/{id}/uploads`); parts go where its URLs say, which may be a bucket.
//! Which parts have arrived is the service's to say; only image and session of a file are written down here ([`notes`]).

mod completing;
mod image;
mod notes;
mod parts;
mod session;
mod source;

use std::path::PathBuf;
use std::sync::OnceLock;

use clap::Args;
use serde_json::Value;
use shared::adapters::system::RandomIds;
use shared::id::ImageId;
use shared::image::DiskFormat;
use shared::ports::Ids as _;

use self::completing::Completed;
use self::notes::{Note, Notes};
use self::parts::Bringing;
use self::session::{Address, Session};
use self::source::Source;
use crate::cloud::{Api, CloudOptions};
use crate::progress::Bar;
use crate::{Failure, quoted, run_until_signal, say, tell};

/// Pushes a file: what has arrived of it when it is stopped needs not be sent again. The same command line goes on.
#[derive(Debug, Args)]
pub(crate) struct Push {
    /// The file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Image that waits for its data, instead of a new one
    #[arg(long, value_name = "ID", value_parser = image_id, conflicts_with_all = ["name", "Described"])]
    image: Option<ImageId>,
    /// Upload session to go on with, when it was begun on another machine
    #[arg(long, value_name = "ID", requires = "image")]
    session: Option<String>,
    /// The image's name [default: the file's, without its extension]
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    described: Described,
    /// Push also what the service by default refuses: unsafe data, or data of another format than is said
    #[arg(long)]
    anyway: bool,
    /// Begin anew, also when a push of the file has begun
    #[arg(long, conflicts_with_all = ["image", "session"])]
    new: bool,
    /// Parts on their way at once
    #[arg(long, value_name = "PARTS", default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=64))]
    parallel: u8,
    /// Show no progress
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    cloud: CloudOptions,
}

/// What is said of a new image.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Described {
    /// Format of the file [default: what its bytes tell, or raw]
    #[arg(long, value_name = "FORMAT", value_parser = format)]
    disk_format: Option<DiskFormat>,
    /// What the data is wrapped in
    #[arg(long, value_name = "FORMAT", default_value = "bare")]
    container_format: String,
    /// Property of the image; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = crate::told::assignment)]
    property: Vec<(String, String)>,
    /// Tag of the image; may be repeated
    #[arg(long)]
    tag: Vec<String>,
    /// Who sees it: private, shared, community or public
    #[arg(long)]
    visibility: Option<String>,
    /// Least disk that it boots from, in GiB
    #[arg(long, value_name = "GIB")]
    min_disk: Option<u32>,
    /// Least memory that it boots with, in MiB
    #[arg(long, value_name = "MIB")]
    min_ram: Option<u32>,
    /// Keep it from being deleted
    #[arg(long)]
    protected: bool,
}

impl Push {
    /// Pushes, and tells what the image is.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let begun = OnceLock::new();
        let pushed = async {
            let pushed = self.push(&begun).await;
            // What did not work may work later, unless the session has ended.
            match (pushed, begun.get()) {
                (Err(Failure::Run(text)), Some(note)) if !self.is_over(note) => {
                    Err(Failure::Run(format!("{text}; go on with: {}", self.again(note))))
                }
                (pushed, _) => pushed,
            }
        };
        let image = run_until_signal(pushed, || match begun.get() {
            Some(note) => format!("stopped; go on with: {}", self.again(note)),
            None => "stopped before the upload began".to_owned(),
        })?;
        say(&image::lines(&image))
    }

    /// What a shell goes on with, on any machine that has the file.
    fn again(&self, note: &Note) -> String {
        let session =
            note.session.as_deref().map_or_else(String::new, |session| format!(" --session {session}"));
        let file = quoted(&self.file.display().to_string());
        format!("glint push {file} --image {}{session}{}", note.image, self.cloud.flags())
    }

    /// Whether a push that began can be gone on with no more: its note is gone.
    fn is_over(&self, note: &Note) -> bool {
        let notes = Notes::of_user();
        notes.is_kept() && notes.find(&note.endpoint, &note.file, Some(&note.image)).is_none()
    }

    async fn push(&self, begun: &OnceLock<Note>) -> Result<Value, Failure> {
        let source = Source::open(&self.file)?;
        let api = self.cloud.open().await?;
        let notes = Notes::of_user();
        let file = source.path().to_string_lossy().into_owned();
        let known = notes.find(api.base(), &file, self.image.as_ref()).filter(|_| !self.new);
        let fresh =
            |image| Note { endpoint: api.base().to_owned(), file, seen: source.seen(), image, session: None };
        let mut note = match (known, &self.image) {
            (Some(known), _) if known.seen == source.seen() => known,
            (Some(known), _) if known.session.is_some() => return Err(self.changed(&known)),
            (_, Some(image)) => fresh(image.clone()),
            (_, None) => fresh(RandomIds.image_id()),
        };
        if self.session.is_some() {
            note.session.clone_from(&self.session);
        }
        let push = Run { push: self, api: &api, source: &source, notes: &notes };
        let session = match push.prepare(&mut note).await? {
            Ready::Open(session) => session,
            Ready::Active(image) => return push.conclude(&note, &image, push.source.sha512().await?),
        };
        // Nobody else sets it.
        let _ = begun.set(note.clone());
        push.bring(&note, session).await
    }

    fn changed(&self, known: &Note) -> Failure {
        let (file, image) = (self.file.display(), &known.image);
        Failure::Run(format!(
            "{file} has changed since its push to image {image} began (its size or time is another): --new pushes it \
             as another image, and 'openstack image delete {image}' gives the first one up"
        ))
    }

    /// The name of a new image.
    fn name(&self) -> String {
        let stem = || self.file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        self.name.clone().or_else(stem).unwrap_or_default()
    }
}

/// A push that is being done.
struct Run<'a> {
    push: &'a Push,
    api: &'a Api,
    source: &'a Source,
    notes: &'a Notes,
}

/// What there is to do.
enum Ready {
    /// Parts have to come.
    Open(Session),
    /// Nothing: the image has its data.
    Active(Value),
}

impl Run<'_> {
    /// Finds the image and the session of a note, or makes them.
    async fn prepare(&self, note: &mut Note) -> Result<Ready, Failure> {
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
                let session = Session::open(self.api, &id, self.source.size()).await?;
                note.session = Some(session.id.clone());
                self.notes.keep(note)?;
                Ok(Ready::Open(session))
            }
            ("saving", None) => Err(Failure::Run(format!(
                "image {id} is being uploaded to, and no push of this file that began here is: name its upload session \
                 with --session, or delete the image"
            ))),
            (other, _) => {
                Err(Failure::Run(format!("image {id} is {other}, and takes no data: leave --image out")))
            }
        }
    }

    /// Refuses what the service would, before any of it is sent.
    fn check(&self, format: DiskFormat, container: &str) -> Result<(), Failure> {
        if self.push.anyway || container != "bare" { Ok(()) } else { image::check(self.source, format) }
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
    async fn bring(&self, note: &Note, mut session: Session) -> Result<Value, Failure> {
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
                    return self.conclude(note, &image.ok_or_else(gone)?, sha512);
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
    fn conclude(&self, note: &Note, image: &Value, sha512: String) -> Result<Value, Failure> {
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
        if algorithm == Some("sha512") && hash != Some(&sha512) {
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

fn image_id(text: &str) -> Result<ImageId, String> {
    text.parse().map_err(|_| "must be an image's id, which is a UUID".to_owned())
}

fn format(text: &str) -> Result<DiskFormat, String> {
    let names = || DiskFormat::ALL.iter().map(|format| format.name()).collect::<Vec<_>>().join(", ");
    DiskFormat::parse(text).ok_or_else(|| format!("must be one of {}", names()))
}
