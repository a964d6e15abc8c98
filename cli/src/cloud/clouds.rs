//! Where credentials come from: the variables of the environment, and `clouds.yaml` with the files beside it.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::yaml::{self, Node};
use crate::Failure;

/// What is told outside the command line.
#[derive(Clone, Debug, Default)]
pub(super) struct Surroundings {
    variables: BTreeMap<String, String>,
    /// Where `clouds.yaml` is looked for, the first that is there.
    directories: Vec<PathBuf>,
}

impl Surroundings {
    /// Those of this process.
    #[expect(clippy::disallowed_methods, reason = "a user's credentials are no setting of the service")]
    pub(super) fn read() -> Self {
        let names = |name: &str| name.starts_with("OS_") || ["HOME", "XDG_CONFIG_HOME"].contains(&name);
        Self::over(std::env::vars().filter(|(name, value)| names(name) && !value.is_empty()).collect())
    }

    fn over(variables: BTreeMap<String, String>) -> Self {
        let home = variables.get("HOME").map(PathBuf::from);
        let config =
            variables.get("XDG_CONFIG_HOME").map(PathBuf::from).or_else(|| Some(home?.join(".config")));
        let user = config.map(|config| config.join("openstack"));
        let directories =
            [Some(PathBuf::from(".")), user, Some("/etc/openstack".into())].into_iter().flatten().collect();
        Self { variables, directories }
    }

    /// Variables, and no files.
    #[cfg(test)]
    pub(super) fn of(variables: &[(&str, &str)]) -> Self {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self { variables: variables.collect(), directories: Vec::new() }
    }

    /// The same with a directory of files.
    #[cfg(test)]
    pub(super) fn with(self, directory: &Path) -> Self {
        Self { directories: vec![directory.to_owned()], ..self }
    }

    /// A variable, without the `OS_` before it.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(&format!("OS_{name}")).map(String::as_str)
    }

    /// A cloud of `clouds.yaml`, over its profile, under what `secure.yaml` says of it.
    pub(super) fn cloud(&self, name: &str) -> Result<Node, Failure> {
        let Some((path, clouds)) = self.file("CLIENT_CONFIG_FILE", "clouds")? else {
            let looked: Vec<_> = self.directories.iter().map(|path| path.display().to_string()).collect();
            let looked = looked.join(", ");
            return Err(Failure::Usage(format!("cloud '{name}': there is no clouds.yaml in {looked}")));
        };
        let secure = self.file("CLIENT_SECURE_FILE", "secure")?;
        let cloud = |node: &Node| node.get("clouds").and_then(|clouds| clouds.get(name)).cloned();
        let Some(told) = cloud(&clouds) else {
            let names = match clouds.get("clouds") {
                Some(Node::Map(map)) => map.keys().cloned().collect::<Vec<_>>().join(", "),
                _ => "none".to_owned(),
            };
            return Err(Failure::Usage(format!(
                "cloud '{name}' is not in {}; there are: {names}",
                path.display()
            )));
        };
        let told = told.over(secure.and_then(|(_, secure)| cloud(&secure)).unwrap_or_default());
        let Some(profile) = told.get("profile").or_else(|| told.get("cloud")).and_then(Node::text) else {
            return Ok(told);
        };
        let public = self.file("CLIENT_VENDOR_FILE", "clouds-public")?.map(|(_, public)| public);
        let below = public.and_then(|public| public.get("public-clouds")?.get(profile).cloned());
        // A profile that is not there may be one that openstacksdk brings; what is missing then is named later.
        Ok(below.unwrap_or_default().over(told))
    }

    /// The one cloud there is, when there is one.
    pub(super) fn only_cloud(&self) -> Result<Option<String>, Failure> {
        let Some((_, clouds)) = self.file("CLIENT_CONFIG_FILE", "clouds")? else { return Ok(None) };
        Ok(match clouds.get("clouds") {
            Some(Node::Map(map)) if map.len() == 1 => map.keys().next().cloned(),
            Some(Node::Map(map)) if map.contains_key("openstack") => Some("openstack".to_owned()),
            _ => None,
        })
    }

    /// The file that a variable names, or the first of that name.
    fn file(&self, variable: &str, stem: &str) -> Result<Option<(PathBuf, Node)>, Failure> {
        if let Some(path) = self.variable(variable) {
            return load(Path::new(path));
        }
        for directory in &self.directories {
            for extension in ["yaml", "yml", "json"] {
                let found = load(&directory.join(format!("{stem}.{extension}")))?;
                if found.is_some() {
                    return Ok(found);
                }
            }
        }
        Ok(None)
    }
}

fn load(path: &Path) -> Result<Option<(PathBuf, Node)>, Failure> {
    let wrong = |why: &str| Failure::Usage(format!("{}: {why}", path.display()));
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if [ErrorKind::NotFound, ErrorKind::NotADirectory].contains(&error.kind()) => {
            return Ok(None);
        }
        Err(error) => return Err(wrong(&error.to_string())),
    };
    let node = yaml::read(&text).map_err(|why| wrong(&why))?;
    Ok(Some((path.to_owned(), node)))
}
