//! A caller as an API gateway hands one on: what its authorizer answered, in the context of each request.

use std::collections::BTreeMap;

use super::Caller;

const USER: &str = "user";
const PROJECT: &str = "project";
const ROLES: &str = "roles";

impl Caller {
    /// The caller as flat texts, which every kind of API gateway carries. Roles are separated by commas; one with a comma
    /// in its name is left out, since it would come back as two.
    pub fn to_context(&self) -> BTreeMap<&'static str, String> {
        let roles: Vec<_> =
            self.roles.iter().map(String::as_str).filter(|role| !role.contains(',')).collect();
        let texts = [
            (USER, self.user.clone()),
            (PROJECT, self.project.as_ref().map(ToString::to_string)),
            (ROLES, Some(roles.join(","))),
        ];
        texts.into_iter().filter_map(|(key, text)| Some((key, text?))).collect()
    }

    /// The caller that a context describes; nobody, when it names neither a user nor a project, or a project that
    /// cannot be one.
    pub fn from_context<'a>(text: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        let user = text(USER).map(str::to_owned);
        let project = text(PROJECT).map(str::parse).transpose().ok()?;
        if user.is_none() && project.is_none() {
            return None;
        }
        let roles = text(ROLES).unwrap_or_default().split(',').filter(|role| !role.is_empty());
        Some(Self::new(project, user, roles))
    }
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
        assert!(seen.has_role("reader") && !seen.is_admin() && !seen.has_role("member"));
    }

    proptest! {
        #[test]
        fn a_caller_comes_back_as_it_went(
            project in proptest::option::of("[a-z0-9]{1,32}"),
            user in "[ -~]{0,20}",
            roles in proptest::collection::vec("[a-z_]{1,10}", 0..4),
        ) {
            let project = project.map(|id| id.parse().unwrap());
            let caller = Caller::new(project, Some(user), roles);
            prop_assert_eq!(back(&caller.to_context()), Some(caller));
        }
    }
}
