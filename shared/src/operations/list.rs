//! Lists of images.

use super::Images;
use crate::catalog::Scope;
use crate::error::{Error, Result};
use crate::id::ImageId;
use crate::identity::Caller;
use crate::image::{Filter, Image, ListRequest, SortKey, Visibility, VisibilityFilter};
use crate::policy::{self, Target};

/// How many rows one request looks at, at the most. A filter that matches almost nothing answers a short page with a
/// `next` link instead of walking the catalogue.
const MAX_ROWS: usize = 10_000;

/// How many rows a query reads when many of them may fail the filter.
const FILTERED_STEP: usize = 250;

/// A page of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct ImagePage {
    /// The images, in order.
    pub images: Vec<Image>,
    /// The marker of the page that follows, unless this is known to be the last.
    pub next: Option<ImageId>,
}

impl Images {
    /// Lists the images the caller may see (`GET /v2/images`). Cost: one query a scope the caller sees, plus one read
    /// when there is a marker; a filter may cost a query for each 250 rows it passes over, at most 10,000 rows.
    ///
    /// # Errors
    /// `Forbidden` without role `reader`; `Invalid` when the marker is no image the caller could see.
    pub async fn list(&self, caller: &Caller, request: &ListRequest) -> Result<ImagePage> {
        self.context.policy.check_list(caller)?;
        let marker = match &request.marker {
            Some(id) => Some(self.marker(caller, id, request.sort.key).await?),
            None => None,
        };
        let mut page = ImagePage { images: Vec::new(), next: None };
        if request.limit == 0 {
            return Ok(page);
        }
        let filter = &request.filter;
        let step = if filter.is_selective() { request.limit.max(FILTERED_STEP) } else { request.limit };
        let scopes = scopes(caller, filter);
        let mut listing =
            self.context.catalog.list(&scopes, request.sort, filter.name.as_deref(), marker.as_ref(), step);
        let mut rows = 0;
        while let Some(image) = listing.next().await? {
            rows += 1;
            let id = image.id.clone();
            if filter.matches(&image) && listed(caller, filter, &image) {
                page.images.push(image);
            }
            if page.images.len() == request.limit || rows == MAX_ROWS {
                page.next = Some(id);
                break;
            }
        }
        Ok(page)
    }

    /// The image a page starts behind. One that was deleted since still has its place, unless the deletion itself moved it.
    async fn marker(&self, caller: &Caller, id: &ImageId, order: SortKey) -> Result<Image> {
        let found = self.context.catalog.find(id).await?.map(|stored| stored.image);
        let moved = matches!(order, SortKey::Status | SortKey::UpdatedAt);
        found
            .filter(|image| policy::sees(caller, Target::image(image)) && (image.status.is_live() || !moved))
            .ok_or_else(|| {
                Error::Invalid(format!("marker: must be the id of an image you can see, and {id} is not"))
            })
    }
}

/// The sets of images to read.
fn scopes(caller: &Caller, filter: &Filter) -> Vec<Scope> {
    match filter.visibility {
        Some(VisibilityFilter::Only(Visibility::Public)) => return vec![Scope::Public],
        Some(VisibilityFilter::Only(Visibility::Community)) => return vec![Scope::Community],
        _ if caller.is_admin() => return vec![Scope::All],
        _ => {}
    }
    let own = caller.project().cloned().map(Scope::Owner);
    let others: &[Scope] = match filter.visibility {
        None => &[Scope::Public],
        Some(VisibilityFilter::All) => &[Scope::Public, Scope::Community],
        Some(VisibilityFilter::Only(_)) => &[],
    };
    own.into_iter().chain(others.iter().cloned()).collect()
}

/// Others' community images are listed only when they are asked for.
fn listed(caller: &Caller, filter: &Filter, image: &Image) -> bool {
    filter.visibility.is_some() || image.visibility != Visibility::Community || policy::owns(caller, image)
}
