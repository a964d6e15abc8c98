//! A caller as an API gateway hands one on: what its authorizer answered, in the context of each request.

use std::collections::{BTreeMap, BTreeSet};

use super::{Caller, Scope};

const USER: &str = "user";
const PROJECT: &str = "project";
const ROLES: &str = "roles";
const SERVICE_ROLES: &str = "service_roles";
const SCOPE: &str = "scope";
const LIMITS: &str = "limits";

/// What a context has, and nothing else, when the identity service could not be asked.
pub const UNAVAILABLE: &str = "unavailable";

impl Caller {
    /// The caller as flat texts, which every kind of API gateway carries. Roles are separated by commas; one with a comma
    /// in its name is left out, since it would come back as two. Limits are `resource=limit`, separated alike.
    pub fn to_context(&self) -> BTreeMap<&'static str, String> {
        let (project, scope) = match &self.scope {
            Scope::Project(project) => (Some(project.to_string()), None),
            Scope::Domain => (None, Some("domain".to_owned())),
            Scope::System => (None, Some("system".to_owned())),
            Scope::Unscoped => (None, None),
        };
        let service_roles = (!self.service_roles.is_empty()).then(|| joined(&self.service_roles));
        let texts = [
            (USER, self.user.clone()),
            (PROJECT, project),
            (SCOPE, scope),
            (ROLES, Some(joined(&self.roles))),
            (SERVICE_ROLES, service_roles),
            (LIMITS, self.limits.as_ref().map(assigned)),
        ];
        texts.into_iter().filter_map(|(key, text)| Some((key, text?))).collect()
    }

    /// The caller that a context describes; nobody, when it names neither a user nor a project, or a project, a scope or
    /// a limit that cannot be one.
    pub fn from_context<'a>(text: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        let user = text(USER).map(str::to_owned);
        let project = text(PROJECT).map(str::parse).transpose().ok()?;
        if user.is_none() && project.is_none() {
            return None;
        }
        let caller = Self::new(project, user, roles(text(ROLES))).through_service(roles(text(SERVICE_ROLES)));
        let caller = match text(LIMITS) {
            Some(limits) => caller.limited(limits_of(limits)?),
            None => caller,
        };
        match text(SCOPE) {
            None => Some(caller),
            Some("domain") => Some(caller.scoped(Scope::Domain)),
            Some("system") => Some(caller.scoped(Scope::System)),
            Some(_) => None,
        }
    }
}

fn joined(roles: &BTreeSet<String>) -> String {
    let roles: Vec<_> = roles.iter().map(String::as_str).filter(|role| !role.contains(',')).collect();
    roles.join(",")
}

fn assigned(limits: &BTreeMap<String, i64>) -> String {
    let named = limits.iter().filter(|(resource, _)| !resource.contains([',', '=']));
    named.map(|(resource, limit)| format!("{resource}={limit}")).collect::<Vec<_>>().join(",")
}

fn limits_of(text: &str) -> Option<BTreeMap<String, i64>> {
    let limits = text.split(',').filter(|limit| !limit.is_empty());
    let limits = limits.map(|limit| {
        let (resource, limit) = limit.split_once('=')?;
        Some((resource.to_owned(), limit.parse().ok()?))
    });
    limits.collect()
}

fn roles(text: Option<&str>) -> impl Iterator<Item = &str> {
    text.unwrap_or_default().split(',').filter(|role| !role.is_empty())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn back(context: &BTreeMap<&'static str, String>) -> Option<Caller> {
        Caller::from_context(|key| context.get(key).map(String::as_str))
    }

    #[test]
    fn an_empty_context_is_nobody() {
        assert_eq!(back(&BTreeMap::new()), None);
        assert_eq!(back(&BTreeMap::from([(ROLES, "admin".to_owned())])), None);
        assert_eq!(back(&BTreeMap::from([(USER, "u".to_owned()), (PROJECT, String::new())])), None);
    }

    #[test]
    fn a_role_cannot_pass_for_two() {
        let caller = Caller::new("p".parse().ok(), None, ["member,admin", "reader"]);
        let seen = back(&caller.to_context()).unwrap();
        assert!(seen.has_role("reader") && !seen.has_role("admin") && !seen.has_role("member"));
    }

    #[test]
    fn a_limit_that_is_none_is_nobodys() {
        let context = |limits: &str| BTreeMap::from([(USER, "u".to_owned()), (LIMITS, limits.to_owned())]);
        assert_eq!(back(&context("")).unwrap().limits(), Some(&BTreeMap::new()));
        for broken in ["image_count_total", "image_count_total=", "image_count_total=1,x=many"] {
            assert_eq!(back(&context(broken)), None, "{broken}");
        }
    }

    proptest! {
        #[test]
        fn a_caller_comes_back_as_it_went(
            project in proptest::option::of("[a-z0-9]{1,32}"),
            user in "[ -~]{0,20}",
            roles in proptest::collection::vec("[a-z_]{1,10}", 0..4),
            service_roles in proptest::collection::vec("[a-z_]{1,10}", 0..4),
            limits in proptest::option::of(proptest::collection::btree_map("[a-z_]{1,20}", any::<i64>(), 0..5)),
            scope in proptest::option::of(proptest::sample::select(vec![Scope::Domain, Scope::System])),
        ) {
            let project = project.map(|id| id.parse().unwrap());
            let caller = Caller::new(project, Some(user), roles).through_service(service_roles);
            let caller = match limits {
                Some(limits) => caller.limited(limits),
                None => caller,
            };
            let caller = match scope {
                Some(scope) => caller.scoped(scope),
                None => caller,
            };
            prop_assert_eq!(back(&caller.to_context()), Some(caller));
        }
    }
}
