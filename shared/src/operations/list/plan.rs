//! How a list is read: which sets of images, by which order, how much of it.

use crate::catalog::Scope;
use crate::id::{ImageId, ProjectId};
use crate::identity::Caller;
use crate::image::{Bounds, Filter, ListRequest, SortKey, Status, Visibility, VisibilityFilter};

/// How many values of a filter are read each by itself.
const MAX_VALUES: usize = 8;

/// The way to read a list.
#[derive(Debug, PartialEq)]
pub(super) enum Plan {
    /// These images, and sort them.
    Ids(Vec<ImageId>),
    /// What is within bounds of a key, if it is not much, and sort it; else in order.
    Few(SortKey, Bounds),
    /// In order: all of it, or what is within bounds of a key.
    Walk(Option<(SortKey, Bounds)>),
}

/// The sets of images that a caller may list.
#[derive(Debug, PartialEq)]
pub(super) struct Sets {
    pub(super) scopes: Vec<Scope>,
    pub(super) shared_with: Option<ProjectId>,
    /// What holds all that is asked for too, and may be smaller: the images of the one owner asked for.
    pub(super) of_owner: Option<Scope>,
    /// Whether much of what the sets hold may not be asked for.
    pub(super) are_wide: bool,
}

/// Chooses the way that reads least.
pub(super) fn of(request: &ListRequest) -> Plan {
    let ListRequest { filter, sort, .. } = request;
    if let Some(ids) = filter.ids() {
        return Plan::Ids(ids);
    }
    let order = sort.first().key;
    let within = |key: SortKey| Some((key, filter.bounds(key).filter(is_short)?));
    let by_name = within(SortKey::Name);
    if (by_name.is_none() || order == SortKey::Name)
        && let Some(within) = within(order)
    {
        return Plan::Walk(Some(within));
    }
    // Within one value an index is in the default order, so several values are merged as sets are.
    let in_default_order = order == SortKey::CreatedAt && sort.is_indexed();
    let by_value = [SortKey::Name, SortKey::Status, SortKey::DiskFormat, SortKey::ContainerFormat];
    if in_default_order && let Some(within) = by_value.into_iter().find_map(within) {
        return Plan::Walk(Some(within));
    }
    let few = [SortKey::Name, SortKey::UpdatedAt, SortKey::Size, SortKey::CreatedAt, SortKey::Status];
    let few = few.into_iter().filter_map(within).find(|(key, bounds)| *key != order && is_rare(bounds));
    few.map_or(Plan::Walk(None), |(key, bounds)| Plan::Few(key, bounds))
}

/// Whether the values are few enough to be read one by one.
fn is_short(bounds: &Bounds) -> bool {
    !matches!(bounds, Bounds::Texts(texts) if texts.len() > MAX_VALUES)
}

/// Whether there may be few images within bounds: most images are active.
fn is_rare(bounds: &Bounds) -> bool {
    !matches!(bounds, Bounds::Texts(texts) if texts.iter().any(|text| text == Status::Active.name()))
}

impl Sets {
    /// The sets to read for a caller.
    pub(super) fn of(caller: &Caller, is_admin: bool, filter: &Filter) -> Self {
        if is_admin { Self::of_admin(filter) } else { Self::of_project(caller.project(), filter) }
    }

    fn of_admin(filter: &Filter) -> Self {
        let only = match filter.visibility {
            Some(VisibilityFilter::Only(only)) => Some(only),
            Some(VisibilityFilter::All) | None => None,
        };
        let (scope, are_wide) = match (filter.owner(), only) {
            (Some(owner), _) => (Scope::Owner(owner), only.is_some()),
            (None, Some(Visibility::Public)) => (Scope::Public, false),
            (None, Some(Visibility::Community)) => (Scope::Community, false),
            (None, _) => (Scope::All, only.is_some()),
        };
        Self { scopes: vec![scope], shared_with: None, of_owner: None, are_wide }
    }

    fn of_project(project: Option<&ProjectId>, filter: &Filter) -> Self {
        let (own, others, shared, are_wide): (bool, &[Scope], bool, bool) = match filter.visibility {
            None => (true, &[Scope::Public], true, false),
            Some(VisibilityFilter::All) => (true, &[Scope::Public, Scope::Community], true, false),
            Some(VisibilityFilter::Only(Visibility::Shared)) => (true, &[], true, true),
            Some(VisibilityFilter::Only(Visibility::Private)) => (true, &[], false, true),
            Some(VisibilityFilter::Only(Visibility::Public)) => (false, &[Scope::Public], false, false),
            Some(VisibilityFilter::Only(Visibility::Community)) => (false, &[Scope::Community], false, false),
        };
        let shared_with = project.filter(|_| shared).cloned();
        match filter.owner() {
            // All that is the caller's own lies together.
            Some(owner) if Some(&owner) == project => {
                let are_wide = matches!(filter.visibility, Some(VisibilityFilter::Only(_)));
                Self { scopes: vec![Scope::Owner(owner)], shared_with: None, of_owner: None, are_wide }
            }
            // Another's images are not among the caller's own.
            Some(owner) => {
                let of_owner = Some(Scope::Owner(owner));
                Self { scopes: others.to_vec(), shared_with, of_owner, are_wide: true }
            }
            None => {
                let own = project.filter(|_| own).cloned().map(Scope::Owner);
                let scopes = own.into_iter().chain(others.iter().cloned()).collect();
                Self { scopes, shared_with, of_owner: None, are_wide }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::PageLimits;

    fn request(query: &str) -> ListRequest {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let pairs: Vec<_> = pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        ListRequest::parse(&pairs, PageLimits { default: 25, max: 1000 }).unwrap()
    }

    #[test]
    fn a_list_is_read_by_what_bounds_it_most() {
        for (query, expected) in [
            ("", "all"),
            ("sort=size:asc", "all"),
            ("tag=lts&os_distro=debian", "all"),
            ("name=web", "walk name"),
            ("name=web&status=active", "walk name"),
            ("name=web&sort=name:asc", "walk name"),
            ("name=web&sort=size:asc", "few name"),
            ("name=web&created_at=gte:2026-10-01", "walk name"),
            ("name=in:1,2,3,4,5,6,7,8,9", "all"),
            ("status=active", "walk status"),
            ("status=active&sort=name:asc", "all"),
            ("status=queued&sort=name:asc", "few status"),
            ("disk_format=raw", "walk disk_format"),
            ("disk_format=raw&sort=disk_format:desc", "walk disk_format"),
            ("created_at=lt:2026-10-01&status=active", "walk created_at"),
            ("created_at=neq:2026-10-01", "all"),
            ("size_min=5", "few size"),
            ("size_min=5&sort=size:asc", "walk size"),
            ("size_min=5&sort=size:asc,name:asc", "walk size"),
            ("status=active&sort=created_at:asc,name:asc", "all"),
            ("updated_at=gte:2026-10-01", "few updated_at"),
            ("id=00000000-0000-4000-8000-000000000001&name=web", "1 ids"),
            ("id=in:web,db", "0 ids"),
        ] {
            let chosen = match of(&request(query)) {
                Plan::Ids(ids) => format!("{} ids", ids.len()),
                Plan::Few(key, _) => format!("few {}", key.name()),
                Plan::Walk(Some((key, _))) => format!("walk {}", key.name()),
                Plan::Walk(None) => "all".to_owned(),
            };
            assert_eq!(chosen, expected, "{query}");
        }
    }

    #[test]
    fn sets_hold_what_the_caller_may_list_and_little_else() {
        let (own, other) = (|| Scope::Owner("p1".parse().unwrap()), || Scope::Owner("p2".parse().unwrap()));
        let member = Caller::new(Some("p1".parse().unwrap()), None, ["reader"]);
        let admin = Caller::new(Some("p1".parse().unwrap()), None, ["admin"]);
        for (caller, query, scopes, shared, wide) in [
            (&member, "", vec![own(), Scope::Public], true, false),
            (&member, "visibility=all", vec![own(), Scope::Public, Scope::Community], true, false),
            (&member, "visibility=shared", vec![own()], true, true),
            (&member, "visibility=private", vec![own()], false, true),
            (&member, "visibility=public", vec![Scope::Public], false, false),
            (&member, "visibility=community", vec![Scope::Community], false, false),
            (&member, "owner=p1", vec![own()], false, false),
            (&member, "owner=p1&visibility=public", vec![own()], false, true),
            (&member, "owner=p2", vec![Scope::Public], true, true),
            (&admin, "", vec![Scope::All], false, false),
            (&admin, "visibility=public", vec![Scope::Public], false, false),
            (&admin, "visibility=private", vec![Scope::All], false, true),
            (&admin, "owner=p2", vec![other()], false, false),
        ] {
            let sets = Sets::of(caller, caller.has_role("admin"), &request(query).filter);
            let found = (sets.scopes, sets.shared_with.is_some(), sets.are_wide);
            assert_eq!(found, (scopes, shared, wide), "{query}");
        }
        assert_eq!(Sets::of(&member, false, &request("owner=p2").filter).of_owner, Some(other()));
    }
}
