//! `glint pull`: an image's data into a file, its ranges side by side, on from where it stopped, and held to its hash.

mod digest;
mod fetch;
mod find;
mod target;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::Value;

use self::digest::{Digest, Summing};
use self::fetch::Fetch;
use self::target::Target;
use crate::cloud::CloudOptions;
use crate::progress::Bar;
use crate::{Failure, quoted, run_until_signal, say, tell};

/// Pulls an image into `FILE.part`, which becomes `FILE` once its hash is the image's. The same command line goes on with what is there.
#[derive(Debug, Args)]
pub(crate) struct Pull {
    /// The image's id, or its name when there is one of that name
    #[arg(value_name = "IMAGE")]
    image: String,
    /// Where it goes; - is standard output [default: the image's name and format]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Ranges on their way at once
    #[arg(long, value_name = "RANGES", default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=64))]
    parallel: u8,
    /// Replace the file when there is one
    #[arg(long)]
    force: bool,
    /// Show no progress
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    cloud: CloudOptions,
}

impl Pull {
    /// Pulls, and tells what was pulled.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let pulled = run_until_signal(self.pull(), || {
            let file = self.file.as_ref().map(|file| format!(" {}", quoted(&file.display().to_string())));
            let (image, file) = (quoted(&self.image), file.unwrap_or_default());
            format!("stopped; go on with: glint pull {image}{file}{}", self.cloud.flags())
        })?;
        say(&pulled)
    }

    async fn pull(&self) -> Result<String, Failure> {
        let to_file = self.file.as_deref().filter(|file| *file != Path::new("-"));
        if let Some(file) = to_file {
            self.is_free(file)?;
        }
        let api = self.cloud.open().await?;
        let image = find::image(&api, &self.image).await?;
        let fetch = Fetch::of(&api, &image)?;
        let digest = Digest::of(&image.record);
        if digest.is_none() {
            tell("the image has no hash, so nothing says whether the data is whole");
        }
        let bar = Bar::new(fetch.size(), self.quiet);
        if self.file.is_some() && to_file.is_none() {
            bar.begin("pulling", 0);
            let pulled = to_standard_output(&fetch, digest.as_ref(), &bar).await;
            bar.end();
            return pulled.map(|()| String::new());
        }
        let file = match to_file {
            Some(file) => file.to_owned(),
            None => PathBuf::from(find::file_name(&image)),
        };
        self.is_free(&file)?;
        let target = Target::open(&file, &image.id, &fetch, digest.clone(), self.parallel)?;
        target.fill(&fetch, self.parallel.into(), &bar).await?;
        bar.end();
        target.finish(&file)?;
        Ok(lines(&image.record, &file, digest.as_ref()))
    }

    fn is_free(&self, file: &Path) -> Result<(), Failure> {
        if self.force || !file.exists() {
            return Ok(());
        }
        let text =
            format!("{} is there already: name another file, or replace it with --force", file.display());
        Err(Failure::Usage(text))
    }
}

/// Writes the data in order, from one range after the other when the line breaks. What was written stays written, also when the hash at
/// the end is not the image's.
async fn to_standard_output(fetch: &Fetch<'_>, digest: Option<&Digest>, bar: &Bar) -> Result<(), Failure> {
    let mut summing = digest.map(Summing::new);
    let mut output = io::stdout().lock();
    let written = fetch.range(0..fetch.size(), |_, piece| {
        if let Some(summing) = &mut summing {
            summing.update(piece);
        }
        bar.add(piece.len() as u64);
        tokio::task::block_in_place(|| output.write_all(piece))
    });
    written.await?;
    output.flush().map_err(|error| Failure::run(&error))?;
    match (summing, digest) {
        (Some(summing), Some(digest)) => digest
            .hold(&summing.finish())
            .map_err(|why| Failure::Run(format!("what was written is not the image: {why}"))),
        _ => Ok(()),
    }
}

fn lines(image: &Value, file: &Path, digest: Option<&Digest>) -> String {
    let text = |name: &str| image.get(name).and_then(Value::as_str).unwrap_or_default();
    let size = image.get("size").and_then(Value::as_u64).unwrap_or_default();
    let hash =
        digest.map_or_else(String::new, |digest| format!("{}: {}\n", digest.name(), digest.expected()));
    format!("id: {}\nname: {}\nsize: {size}\n{hash}file: {}\n", text("id"), text("name"), file.display())
}
