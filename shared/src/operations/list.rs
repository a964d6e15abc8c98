//! Lists of images.

mod page;
mod plan;

use std::collections::HashMap;

use super::{Context, Images};
use crate::catalog::{Listed, Scope, Start, Walk};
use crate::error::{Error, Result};
use crate::id::ImageId;
use crate::identity::Caller;
use crate::image::{Bounds, Image, ListRequest, MemberStatus, Order, SortKey, Visibility};
use crate::policy::{self, Operation, Target};

use page::Filling;
pub use page::ImagePage;
use plan::{Plan, Sets};

/// How many rows one request looks at, at the most. A filter that matches almost nothing answers a short page with a
/// `next` link instead of walking the catalogue.
const MAX_ROWS: usize = 10_000;

/// How many rows the first query reads when many of them may fail the filter.
const FILTERED_STEP: usize = 100;

/// How many rows another order may have within the bounds of a filter, or an owner's images, so that they are read instead and
/// sorted here.
const MAX_FEW: usize = 250;

/// A list as it is asked for.
#[derive(Clone, Copy)]
struct Asked<'a> {
    caller: &'a Caller,
    is_admin: bool,
    request: &'a ListRequest,
    marker: Option<&'a Image>,
}

impl Images {
    /// Lists the images the caller may see (`GET /v2/images`). Cost: one query a set of images the caller sees (their
    /// project's, public ones, what is shared with the project), plus one read when there is a marker, and one batch of
    /// reads where rows only name images. A filter that no order serves may cost a query for each 100 to 250 rows
    /// it passes over, at most 10,000 rows; a sort by several keys reads all images that tie with the page's in the first.
    ///
    /// # Errors
    /// `Forbidden` without role `reader`; `Invalid` when the marker is no image the caller could see, or more than 10,000
    /// images tie in the first of several sort keys.
    pub async fn list(&self, caller: &Caller, request: &ListRequest) -> Result<ImagePage> {
        self.context.policy.check_list(caller)?;
        let marker = match &request.marker {
            Some(id) => Some(marker(&self.context, caller, request, id).await?),
            None => None,
        };
        if request.limit == 0 || request.filter.is_empty() {
            return Ok(ImagePage::default());
        }
        let is_admin = self.context.policy.is_admin(caller);
        let asked = Asked { caller, is_admin, request, marker: marker.as_ref() };
        let sets = Sets::of(caller, is_admin, &request.filter);
        match plan::of(request) {
            Plan::Ids(ids) => Ok(self.sorted(asked, self.named(caller, &ids).await?)),
            Plan::Few(key, bounds) => {
                match self.few(asked, &sets, &sets.scopes, Some((key, bounds))).await? {
                    Some(found) => Ok(self.sorted(asked, found)),
                    None => self.walked(asked, &sets, None).await,
                }
            }
            Plan::Walk(within) => match self.of_owner(asked, &sets).await? {
                Some(found) => Ok(self.sorted(asked, found)),
                None => self.walked(asked, &sets, within).await,
            },
        }
    }

    /// All images of the owner asked for, when it is another and has few.
    async fn of_owner(&self, asked: Asked<'_>, sets: &Sets) -> Result<Option<Vec<Listed>>> {
        match &sets.of_owner {
            Some(owner) => self.few(asked, sets, std::slice::from_ref(owner), None).await,
            None => Ok(None),
        }
    }

    /// Some images by their ids, and what the caller's project makes of those that are shared with it.
    async fn named(&self, caller: &Caller, ids: &[ImageId]) -> Result<Vec<Listed>> {
        let catalog = &self.context.catalog;
        let images = catalog.find_all(ids).await?;
        let shared =
            images.iter().filter(|image| matters(&self.context, caller, image)).map(|image| image.id.clone());
        let shared: Vec<_> = shared.collect();
        let mut members: HashMap<ImageId, MemberStatus> = match caller.project() {
            Some(project) => catalog.memberships(&shared, project).await?.into_iter().collect(),
            None => HashMap::new(),
        };
        let listed = images.into_iter().map(|image| Listed { member: members.remove(&image.id), image });
        Ok(listed.collect())
    }

    /// All images of some scopes within bounds of a key, and all that is shared, in any order, when the former are few.
    async fn few(
        &self,
        asked: Asked<'_>,
        sets: &Sets,
        scopes: &[Scope],
        within: Option<(SortKey, Bounds)>,
    ) -> Result<Option<Vec<Listed>>> {
        let key = within.as_ref().map_or(SortKey::CreatedAt, |(key, _)| *key);
        let walk = Walk { within, ..Walk::new(scopes, Order { key, descending: false }, MAX_FEW) };
        let mut listing = self.context.catalog.list(walk);
        let mut few = Vec::new();
        while let Some(listed) = listing.next().await? {
            if listing.rows() > MAX_FEW {
                return Ok(None);
            }
            few.push(listed);
        }
        // What was found as shared comes first: of two finds of one image, it tells more.
        let shared = self.shared(asked, sets).await?;
        Ok(shared.map(|shared| shared.into_iter().chain(few).collect()))
    }

    /// What is shared with the caller's project, where it has to be read whole; `None` when it is too much for that.
    async fn shared(&self, asked: Asked<'_>, sets: &Sets) -> Result<Option<Vec<Listed>>> {
        let Some(project) = &sets.shared_with else { return Ok(Some(Vec::new())) };
        let status = asked.request.filter.member_status();
        self.context.catalog.shared_with(project, status, MAX_ROWS).await
    }

    /// A page of images that were all read.
    fn sorted(&self, asked: Asked<'_>, mut found: Vec<Listed>) -> ImagePage {
        let sort = &asked.request.sort;
        found.retain(|listed| asked.marker.is_none_or(|marker| sort.compare(&listed.image, marker).is_gt()));
        found.sort_by(|a, b| sort.compare(&a.image, &b.image));
        found.dedup_by(|a, b| a.image.id == b.image.id);
        let mut page = Filling::new(asked.request.limit);
        for listed in found {
            if page.is_full() {
                break;
            }
            self.add(asked, &mut page, listed);
        }
        page.finish(false)
    }

    /// A page read in the order of the first sort key.
    async fn walked(
        &self,
        asked: Asked<'_>,
        sets: &Sets,
        within: Option<(SortKey, Bounds)>,
    ) -> Result<ImagePage> {
        let Asked { request, marker, .. } = asked;
        let ListRequest { sort, filter, limit, .. } = request;
        let order = sort.first();
        let by_time = order.key == SortKey::CreatedAt;
        let read = within.as_ref().map(|(key, _)| *key);
        let selective = sets.are_wide || filter.is_selective(read) || !sort.is_indexed();
        let step = if selective { (*limit).max(FILTERED_STEP) } else { *limit };
        let shared = sets.shared_with.as_ref().filter(|_| by_time);
        let walk = Walk {
            found: if by_time {
                Vec::new()
            } else {
                self.shared(asked, sets).await?.ok_or_else(too_many_shared)?
            },
            shared: shared.map(|project| (project, filter.member_status())),
            within,
            from: match marker {
                None => Start::First,
                Some(marker) if sort.is_indexed() => Start::Behind(marker),
                Some(marker) => Start::Tied(marker),
            },
            wanted: *limit,
            ..Walk::new(&sets.scopes, order, step)
        };
        let mut listing = self.context.catalog.list(walk);
        let mut page = Filling::new(*limit);
        let mut tied: Vec<Listed> = Vec::new();
        loop {
            let next = listing.next().await?;
            let more = next.is_some();
            let goes_on = match (&next, tied.first()) {
                (Some(next), Some(first)) => !sort.is_indexed() && sort.ties(&first.image, &next.image),
                _ => false,
            };
            if goes_on && tied.len() >= MAX_ROWS {
                return Err(too_many_ties(order));
            }
            if !goes_on {
                self.take(asked, &mut page, std::mem::take(&mut tied));
            }
            tied.extend(next);
            if sort.is_indexed() {
                // Nothing that follows can come before it.
                self.take(asked, &mut page, std::mem::take(&mut tied));
            }
            if !more || page.is_full() || (!goes_on && page.can_end() && listing.rows() >= MAX_ROWS) {
                return Ok(page.finish(more));
            }
        }
    }

    /// Adds images that tie in the first key, in the order of the others.
    fn take(&self, asked: Asked<'_>, page: &mut Filling, mut tied: Vec<Listed>) {
        let sort = &asked.request.sort;
        if !sort.is_indexed() {
            tied.retain(|listed| {
                asked.marker.is_none_or(|marker| sort.compare(&listed.image, marker).is_gt())
            });
            tied.sort_by(|a, b| sort.compare(&a.image, &b.image));
        }
        for listed in tied {
            if page.is_full() {
                break;
            }
            self.add(asked, page, listed);
        }
    }

    /// Adds an image, if it is wanted, as the caller may see it.
    fn add(&self, asked: Asked<'_>, page: &mut Filling, listed: Listed) {
        let wanted = self.wanted(asked, &listed);
        let image = self.context.policy.readable(asked.caller, listed.image);
        // What the caller may not read is not there for a filter either, or it would tell.
        let found = wanted != Wanted::Listed || asked.request.filter.matches(&image);
        page.add(image, if found { wanted } else { Wanted::Passed });
    }

    /// What an image is to a list: the one place that decides it.
    fn wanted(&self, asked: Asked<'_>, listed: &Listed) -> Wanted {
        let Asked { caller, request, .. } = asked;
        let image = &listed.image;
        let target = Target::image(image).shared(listed.member.is_some());
        if !image.status.is_live() || !self.context.policy.sees(caller, target) {
            return Wanted::Hidden;
        }
        let filter = &request.filter;
        let own = policy::owns(caller, image);
        let asked_for = filter.visibility.is_some();
        let listed = match image.visibility {
            Visibility::Public => true,
            // Others' community images are listed only when they are asked for.
            Visibility::Community => own || asked_for,
            _ if asked.is_admin => true,
            Visibility::Shared if own => true,
            Visibility::Shared => listed
                .member
                .is_some_and(|member| filter.member_status().is_none_or(|status| status == member)),
            Visibility::Private => own,
        };
        let allowed = || self.context.policy.allows(Operation::GetImage, caller, target);
        if listed && filter.matches(image) && allowed() { Wanted::Listed } else { Wanted::Passed }
    }
}

/// What an image is to a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    /// One to answer.
    Listed,
    /// None to answer, but one that the caller may know of.
    Passed,
    /// None that the caller may know of.
    Hidden,
}

fn too_many_shared() -> Error {
    Error::Invalid(format!(
        "sort: more than {MAX_ROWS} images are shared with the project: list them by created_at, or others by visibility"
    ))
}

fn too_many_ties(order: Order) -> Error {
    let key = order.key.name();
    Error::Invalid(format!(
        "sort: more than {MAX_ROWS} images have one {key}: put the key that tells more images apart first"
    ))
}

/// The image a page starts behind. One that was deleted since still has its place, unless the deletion itself moved it.
async fn marker(context: &Context, caller: &Caller, request: &ListRequest, id: &ImageId) -> Result<Image> {
    let refused =
        || Error::Invalid(format!("marker: must be the id of an image you can see, and {id} is not"));
    let image = context.catalog.find(id).await?.ok_or_else(refused)?.image;
    let is_member = match caller.project() {
        Some(project) if matters(context, caller, &image) => {
            context.catalog.member(id, project).await?.is_some()
        }
        _ => false,
    };
    let has_place = image.status.is_live() || request.sort.outlives();
    let seen = context.policy.sees(caller, Target::image(&image).shared(is_member));
    if seen && has_place { Ok(image) } else { Err(refused()) }
}

/// Whether it decides anything that an image is shared with the caller's project.
fn matters(context: &Context, caller: &Caller, image: &Image) -> bool {
    image.visibility == Visibility::Shared
        && image.members > 0
        && !context.policy.is_admin(caller)
        && !policy::owns(caller, image)
}
