//! A page while it fills.

use std::collections::HashSet;

use super::Wanted;
use crate::id::ImageId;
use crate::image::Image;

/// A page of a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImagePage {
    /// The images, in order.
    pub images: Vec<Image>,
    /// The marker of the page that follows, unless this is known to be the last.
    pub next: Option<ImageId>,
}

/// A page that is not full yet.
#[derive(Debug)]
pub(super) struct Filling {
    limit: usize,
    images: Vec<Image>,
    ids: HashSet<ImageId>,
    /// The last image that was looked at and may be told of.
    last: Option<ImageId>,
}

impl Filling {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, images: Vec::new(), ids: HashSet::new(), last: None }
    }

    pub(super) fn is_full(&self) -> bool {
        self.images.len() >= self.limit
    }

    /// Whether a page that ends here can say where the next one begins.
    pub(super) fn can_end(&self) -> bool {
        self.last.is_some()
    }

    /// Adds the next image in order, if it is wanted. One that moved while the list was read is there but once.
    pub(super) fn add(&mut self, image: Image, wanted: Wanted) {
        if wanted != Wanted::Hidden {
            self.last = Some(image.id.clone());
        }
        if wanted == Wanted::Listed && self.ids.insert(image.id.clone()) {
            self.images.push(image);
        }
    }

    /// The page. A full one always has a next, as in Glance; another has one when `more` was left.
    pub(super) fn finish(self, more: bool) -> ImagePage {
        let next = if self.is_full() || more { self.last } else { None };
        ImagePage { images: self.images, next }
    }
}
