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
    pub(super) fn of(caller: &Caller, filter: &Filter) -> Self {
        let owner = filter.owner();
        if caller.is_admin() {
            let scope = match (filter.visibility, owner) {
                (_, Some(owner)) => Scope::Owner(owner),
                (Some(VisibilityFilter::Only(Visibility::Public)), _) => Scope::Public,
                (Some(VisibilityFilter::Only(Visibility::Community)), _) => Scope::Community,
                _ => Scope::All,
            };
            return Self { scopes: vec![scope], shared_with: None };
        }
        let project = caller.project().cloned();
        let own = match (&owner, &project) {
            (Some(owner), Some(project)) if owner == project => {
                return Self { scopes: vec![Scope::Owner(project.clone())], shared_with: None };
            }
            // Another's images are not among the caller's own.
            (Some(_), _) => None,
            (None, project) => project.clone(),
        };
        let own = own.map(Scope::Owner);
        let (own, others, shared): (_, &[Scope], _) = match filter.visibility {
            None => (own, &[Scope::Public], true),
            Some(VisibilityFilter::All) => (own, &[Scope::Public, Scope::Community], true),
            Some(VisibilityFilter::Only(Visibility::Shared)) => (own, &[], true),
            Some(VisibilityFilter::Only(Visibility::Private)) => (own, &[], false),
            Some(VisibilityFilter::Only(Visibility::Public)) => (None, &[Scope::Public], false),
            Some(VisibilityFilter::Only(Visibility::Community)) => (None, &[Scope::Community], false),
        };
        Self {
            scopes: own.into_iter().chain(others.iter().cloned()).collect(),
            shared_with: project.filter(|_| shared),
        }
    }
}
