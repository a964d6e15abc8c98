//! What is told of a cloud and its user, by the names of openstacksdk.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::clouds::Surroundings;
use super::yaml::Node;
use crate::Failure;

/// An account in a cloud. `Debug` shows no secret, for it is not there.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Account {
    /// What stands under `auth`.
    pub(super) auth: BTreeMap<String, String>,
    pub(super) auth_type: Option<String>,
    pub(super) region: Option<String>,
    /// `public`, `internal` or `admin`; public when nobody says.
    pub(super) interface: Option<String>,
    pub(super) ca_file: Option<PathBuf>,
    /// Where the Image service is, instead of what the catalogue says.
    pub(super) endpoint: Option<String>,
}

/// What may stand under `auth`, and in a variable of that name.
const AUTH: [&str; 20] = [
    "application_credential_id",
    "application_credential_name",
    "application_credential_secret",
    "auth_url",
    "default_domain_id",
    "default_domain_name",
    "domain_id",
    "domain_name",
    "endpoint",
    "password",
    "project_domain_id",
    "project_domain_name",
    "project_id",
    "project_name",
    "system_scope",
    "token",
    "user_domain_id",
    "user_domain_name",
    "user_id",
    "username",
];

/// What the same was called before there were projects.
const FORMER: [(&str, &str); 3] =
    [("tenant_id", "project_id"), ("tenant_name", "project_name"), ("user_name", "username")];

impl Account {
    /// The cloud that is named, by the command line or `OS_CLOUD`; else what the variables say; else the only cloud there is.
    pub(super) fn find(named: Option<&str>, around: &Surroundings) -> Result<Self, Failure> {
        let told = named.or_else(|| around.variable("CLOUD"));
        let variables = Self::of_variables(around);
        if let Some(name) = told.filter(|name| *name != "envvars") {
            return Self::of_cloud(name, around);
        }
        if variables.is_nobody()
            && variables.endpoint.is_none()
            && let Some(only) = around.only_cloud()?
        {
            return Self::of_cloud(&only, around);
        }
        Ok(variables)
    }

    /// Whether nothing is told by which one could authenticate.
    pub(super) fn is_nobody(&self) -> bool {
        self.auth.is_empty() && self.auth_type.is_none()
    }

    fn of_variables(around: &Surroundings) -> Self {
        let text = |name: &str| around.variable(&name.to_ascii_uppercase()).map(str::to_owned);
        Self {
            auth: auth(text),
            auth_type: text("auth_type"),
            region: text("region_name"),
            interface: text("interface").or_else(|| text("endpoint_type")),
            ca_file: text("cacert").map(PathBuf::from),
            endpoint: text("image_endpoint_override"),
        }
    }

    fn of_cloud(name: &str, around: &Surroundings) -> Result<Self, Failure> {
        let cloud = around.cloud(name)?;
        let text = |name: &str| cloud.get(name).and_then(Node::text).map(str::to_owned);
        let under = |name: &str| cloud.get("auth").and_then(|auth| auth.get(name)?.text()).map(str::to_owned);
        if text("verify")
            .is_some_and(|verify| ["false", "no", "off"].contains(&&*verify.to_ascii_lowercase()))
        {
            let why = "verify: false is not offered: name the authorities of the cloud with cacert";
            return Err(Failure::Usage(format!("cloud '{name}': {why}")));
        }
        let region = text("region_name").or_else(|| around.variable("REGION_NAME").map(str::to_owned));
        let ca_file = text("cacert").or_else(|| around.variable("CACERT").map(str::to_owned));
        let endpoint = text("image_endpoint_override");
        let account = Self {
            // Some write it beside `auth`; openstacksdk takes that too.
            auth: auth(|name| under(name).or_else(|| text(name))),
            auth_type: text("auth_type"),
            region: region.or_else(|| first_region(&cloud)),
            interface: text("interface").or_else(|| text("endpoint_type")),
            ca_file: ca_file.map(PathBuf::from),
            endpoint: endpoint.or_else(|| around.variable("IMAGE_ENDPOINT_OVERRIDE").map(str::to_owned)),
        };
        if account.is_nobody() && account.endpoint.is_none() {
            return Err(Failure::Usage(format!(
                "cloud '{name}' says neither who asks (auth) nor where images are"
            )));
        }
        Ok(account)
    }
}

fn auth(text: impl Fn(&str) -> Option<String>) -> BTreeMap<String, String> {
    let former = FORMER.iter().filter_map(|(old, new)| Some(((*new).to_owned(), text(old)?)));
    let mut auth: BTreeMap<_, _> = former.collect();
    auth.extend(AUTH.iter().filter_map(|name| Some(((*name).to_owned(), text(name)?))));
    auth
}

/// A cloud may list its regions, by name or with more said of each.
fn first_region(cloud: &Node) -> Option<String> {
    let Some(Node::List(regions)) = cloud.get("regions") else { return None };
    let first = regions.first()?;
    first.text().or_else(|| first.get("name")?.text()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(files: &[(&str, &str)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(directory.path().join(name), text).unwrap();
        }
        directory
    }

    fn auth_of(account: &Account) -> Vec<(&str, &str)> {
        account.auth.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    fn refusal(found: Result<Account, Failure>) -> String {
        match found {
            Err(Failure::Usage(text)) => text,
            _ => panic!("it was taken"),
        }
    }

    #[test]
    fn a_cloud_is_read_with_its_secrets_and_its_profile() {
        let clouds = "clouds:\n  one:\n    profile: shop\n    auth: {username: ann, project_name: demo}\n    \
                      interface: internal\n    image_endpoint_override: http://images\n    cacert: /ca.pem\n";
        let secure = "clouds: {one: {auth: {password: '0123'}}}";
        let public = "public-clouds:\n  shop:\n    auth: {auth_url: 'http://keystone', username: bob}\n    regions: [r1, r2]\n";
        let directory =
            files(&[("clouds.yaml", clouds), ("secure.yaml", secure), ("clouds-public.yaml", public)]);
        let around =
            Surroundings::of(&[("OS_CLOUD", "one"), ("OS_PASSWORD", "other")]).with(directory.path());
        let account = Account::find(None, &around).unwrap();
        let expected = [
            ("auth_url", "http://keystone"),
            ("password", "0123"),
            ("project_name", "demo"),
            ("username", "ann"),
        ];
        assert_eq!(auth_of(&account), expected, "variables do not mix with a cloud that is named");
        assert_eq!(account.interface.as_deref(), Some("internal"));
        assert_eq!(account.region.as_deref(), Some("r1"));
        assert_eq!(account.endpoint.as_deref(), Some("http://images"));
        assert_eq!(account.ca_file, Some("/ca.pem".into()));
    }

    #[test]
    fn variables_are_a_cloud_of_their_own() {
        let variables = [
            ("OS_AUTH_URL", "http://k"),
            ("OS_TENANT_NAME", "demo"),
            ("OS_TOKEN", "t"),
            ("OS_INTERFACE", "admin"),
        ];
        let account = Account::find(None, &Surroundings::of(&variables)).unwrap();
        assert_eq!(auth_of(&account), [("auth_url", "http://k"), ("project_name", "demo"), ("token", "t")]);
        assert_eq!(account.interface.as_deref(), Some("admin"));
        let none = Surroundings::of(&[("OS_AUTH_TYPE", "none"), ("OS_ENDPOINT", "http://here")]);
        assert!(!Account::find(None, &none).unwrap().is_nobody());
        assert!(Account::find(None, &Surroundings::default()).unwrap().is_nobody());
    }

    #[test]
    fn a_file_with_one_cloud_needs_no_name() {
        let directory = files(&[("clouds.yml", "clouds: {only: {auth: {auth_url: 'http://k'}}}")]);
        let around = Surroundings::default().with(directory.path());
        assert_eq!(auth_of(&Account::find(None, &around).unwrap()), [("auth_url", "http://k")]);
        let text = refusal(Account::find(Some("two"), &around));
        assert!(text.ends_with("clouds.yml; there are: only"), "{text}");
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let text = refusal(Account::find(Some("one"), &Surroundings::default()));
        assert!(text.starts_with("cloud 'one': there is no clouds.yaml in "), "{text}");
        let directory = files(&[("clouds.yaml", "clouds: {one: {verify: false}}")]);
        let text = refusal(Account::find(Some("one"), &Surroundings::default().with(directory.path())));
        assert_eq!(
            text,
            "cloud 'one': verify: false is not offered: name the authorities of the cloud with cacert"
        );
        let broken = files(&[("clouds.yaml", "clouds: [")]);
        let text = refusal(Account::find(Some("one"), &Surroundings::default().with(broken.path())));
        assert!(text.contains("clouds.yaml: line "), "{text}");
    }
}
