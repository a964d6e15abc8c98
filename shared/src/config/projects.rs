//! What some projects may have, where it is not what every project may.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::id::ProjectId;
use crate::usage::Resource;

/// Limits of projects by resource, each in the resource's unit; -1 is none. Written as
/// `<project>: image_count_total=10, image_size_total=2048; <project>: …`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProjectOverrides(BTreeMap<ProjectId, BTreeMap<String, i64>>);

impl ProjectOverrides {
    /// The limits, by project and resource.
    pub const fn limits(&self) -> &BTreeMap<ProjectId, BTreeMap<String, i64>> {
        &self.0
    }
}

impl FromStr for ProjectOverrides {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut projects = BTreeMap::new();
        for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            let (project, limits) = part
                .rsplit_once(':')
                .ok_or_else(|| format!("'{part}' must be <project>: <resource>=<limit>"))?;
            let project: ProjectId =
                project.trim().parse().map_err(|_| format!("'{}' is no project id", project.trim()))?;
            let mut own = BTreeMap::new();
            for pair in limits.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
                let (resource, limit) = limit_of(pair)?;
                if own.insert(resource.name().to_owned(), limit).is_some() {
                    return Err(format!("project '{project}' has two limits of {}", resource.name()));
                }
            }
            if projects.insert(project.clone(), own).is_some() {
                return Err(format!("project '{project}' is named twice"));
            }
        }
        Ok(Self(projects))
    }
}

fn limit_of(pair: &str) -> Result<(Resource, i64), String> {
    let (name, limit) = pair.split_once('=').ok_or_else(|| format!("'{pair}' must be <resource>=<limit>"))?;
    let names = || Resource::ALL.map(Resource::name).join(", ");
    let resource = Resource::parse(name.trim())
        .ok_or_else(|| format!("'{}' must be one of {}", name.trim(), names()))?;
    let limit = limit.trim();
    let parsed = limit.parse().ok().filter(|limit| *limit >= -1);
    let parsed = parsed.ok_or_else(|| {
        format!("{} must be a whole number, or -1 for no limit, not '{limit}'", resource.name())
    })?;
    Ok((resource, parsed))
}

impl fmt::Display for ProjectOverrides {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let projects = self.0.iter().map(|(project, own)| {
            let limits: Vec<_> = own.iter().map(|(resource, limit)| format!("{resource}={limit}")).collect();
            format!("{project}: {}", limits.join(", "))
        });
        f.write_str(&projects.collect::<Vec<_>>().join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for text in [
            "",
            "p1: image_count_total=5",
            "a:1: image_count_total=5, image_size_total=-1; p2: image_stage_total=0",
        ] {
            assert_eq!(text.parse::<ProjectOverrides>().unwrap().to_string(), text);
        }
        let loose: ProjectOverrides =
            " p1:image_count_total = 5 ,; ;p2:image_size_total=1; ".parse().unwrap();
        assert_eq!(loose.to_string(), "p1: image_count_total=5; p2: image_size_total=1");
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (text, word) in [
            ("p1", "'p1' must be"),
            (": image_count_total=5", "'' is no project id"),
            ("p1: image_count_total", "must be <resource>=<limit>"),
            ("p1: images=5", "'images' must be one of image_size_total"),
            ("p1: image_count_total=many", "not 'many'"),
            ("p1: image_count_total=-2", "not '-2'"),
            ("p1: image_count_total=1, image_count_total=2", "two limits of image_count_total"),
            ("p1: image_count_total=1; p1: image_size_total=2", "project 'p1' is named twice"),
        ] {
            let error = text.parse::<ProjectOverrides>().unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}
