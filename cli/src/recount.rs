//! `glint recount`: counters that no longer say what a project has, set right.

use clap::Args;
use shared::config::Sources;
use shared::id::ProjectId;
use shared::usage::{Resource, Usage};

use crate::told::Told;
use crate::{Failure, say};

/// Settings come from where `glint serve` has them. A table in the data directory is one process's at a time: stop the
/// service first. One in DynamoDB can be counted while it is used.
#[derive(Debug, Args)]
pub(crate) struct Recount {
    /// The project's id
    #[arg(value_name = "PROJECT", value_parser = project)]
    project: ProjectId,
    /// Directory the data lies in [default: ./glint-data]
    #[arg(long, value_name = "DIRECTORY")]
    data: Option<String>,
    #[command(flatten)]
    told: Told,
}

impl Recount {
    /// Counts, and tells what the counters said and what they say now.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let file = Sources::file_from_environment();
        let config = self.told.configuration([("data", self.data)], file).map_err(Failure::usage)?;
        shared::log::start(&config.log).map_err(Failure::usage)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::run(&error))?;
        let recounted = runtime.block_on(gateway::recount(config, &self.project));
        let (said, counted) = recounted.map_err(|error| Failure::run(&error))?;
        say(&report(&said, &counted))
    }
}

fn project(text: &str) -> Result<ProjectId, String> {
    text.parse().map_err(|_| "must be a project id of 1 to 255 characters".to_owned())
}

/// A line for each resource, in bytes or images.
fn report(said: &Usage, counted: &Usage) -> String {
    let line = |resource: Resource| match (said.of(resource), counted.of(resource)) {
        (said, counted) if said == counted => format!("{}: {counted}\n", resource.name()),
        (said, counted) => format!("{}: {counted}, was {said}\n", resource.name()),
    };
    Resource::ALL.map(line).concat()
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::{Arguments, Command};

    #[test]
    fn what_was_wrong_is_told() {
        let said = Usage { images: 3, bytes: 5, ..Usage::default() };
        let counted = Usage { images: 2, ..said };
        assert_eq!(
            report(&said, &counted),
            "image_size_total: 5\nimage_stage_total: 0\nimage_count_total: 2, was 3\nimage_count_uploading: 0\n"
        );
    }

    #[test]
    fn a_project_is_counted_in_the_data_directory() {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().to_str().unwrap();
        let command = Arguments::try_parse_from(["glint", "recount", "p1", "--data", data]).unwrap().command;
        let Command::Recount(recount) = command else { panic!("not what was asked for") };
        recount.run().unwrap();
        assert!(directory.path().join("table.sqlite").exists());
        assert!(Arguments::try_parse_from(["glint", "recount", ""]).is_err());
    }
}
