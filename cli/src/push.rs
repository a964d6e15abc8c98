//! `glint push`: a file becomes an image, its parts side by side, and on from where it stopped.
//!
//! The service is asked for an upload session (`POST /v2/images/{id}/uploads`); parts go where its URLs say, which may be a bucket.
//! Which parts have arrived is the service's to say; only image and session of a file are written down here ([`notes`]).

mod completing;
mod image;
mod notes;
mod parts;
mod run;
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

use self::notes::{Note, Notes};
use self::run::{Ready, Run};
use self::source::Source;
use crate::cloud::CloudOptions;
use crate::{Failure, quoted, run_until_signal, say};

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
                (Err(Failure::Run(text)), Some(note)) if !is_over(note) => {
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
            Ready::Active(image) => return push.conclude(&note, &image, &push.source.sha512().await?),
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

/// Whether a push that began can be gone on with no more: its note is gone.
fn is_over(note: &Note) -> bool {
    let notes = Notes::of_user();
    notes.is_kept() && notes.find(&note.endpoint, &note.file, Some(&note.image)).is_none()
}

fn image_id(text: &str) -> Result<ImageId, String> {
    text.parse().map_err(|_| "must be an image's id, which is a UUID".to_owned())
}

fn format(text: &str) -> Result<DiskFormat, String> {
    let names = || DiskFormat::ALL.iter().map(|format| format.name()).collect::<Vec<_>>().join(", ");
    DiskFormat::parse(text).ok_or_else(|| format!("must be one of {}", names()))
}
