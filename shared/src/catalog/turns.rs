//! Whose turn it is to change an image, among the requests of this process: they queue instead of overtaking one another, so
//! none starts again for ever. Requests of other processes are held off by the record's revision alone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::OwnedMutexGuard;
use tokio::time::{Instant, timeout_at};

use super::Catalog;
use crate::id::ImageId;

/// The images that are being changed, each with its queue. Empty while nothing is.
#[derive(Clone, Debug, Default)]
pub(super) struct Turns(Arc<Mutex<HashMap<ImageId, Weak<tokio::sync::Mutex<()>>>>>);

/// The right to change an image before anybody else in this process; dropping it passes it on.
#[derive(Debug)]
pub struct Turn {
    image: ImageId,
    turns: Turns,
    held: Option<OwnedMutexGuard<()>>,
    /// Whether somebody else had it first: what was read before may no longer be so.
    pub waited: bool,
}

impl Catalog {
    /// Takes the turn to change an image, after all who asked before, in their order. `None` when it has not come by
    /// `deadline`.
    pub async fn turn(&self, image: &ImageId, deadline: Instant) -> Option<Turn> {
        let queue = self.turns.queue(image);
        // Made first, so that whoever stops waiting tidies up as well.
        let mut turn = Turn { image: image.clone(), turns: self.turns.clone(), held: None, waited: false };
        let held = if let Ok(held) = Arc::clone(&queue).try_lock_owned() {
            held
        } else {
            turn.waited = true;
            timeout_at(deadline, queue.lock_owned()).await.ok()?
        };
        turn.held = Some(held);
        Some(turn)
    }
}

impl Turns {
    fn images(&self) -> MutexGuard<'_, HashMap<ImageId, Weak<tokio::sync::Mutex<()>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn queue(&self, image: &ImageId) -> Arc<tokio::sync::Mutex<()>> {
        let mut images = self.images();
        if let Some(queue) = images.get(image).and_then(Weak::upgrade) {
            return queue;
        }
        let queue = Arc::default();
        images.insert(image.clone(), Arc::downgrade(&queue));
        queue
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.held = None;
        let mut images = self.turns.images();
        if images.get(&self.image).is_some_and(|queue| queue.strong_count() == 0) {
            images.remove(&self.image);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::adapters::memory::MemoryTable;

    fn image() -> ImageId {
        ImageId::from_random(1)
    }

    fn one_day() -> Instant {
        Instant::now() + Duration::from_hours(24)
    }

    #[tokio::test]
    async fn turns_come_in_the_order_they_were_asked_for() {
        let catalog = Catalog::new(Arc::new(MemoryTable::new()), 1);
        let first = catalog.turn(&image(), one_day()).await.unwrap();
        assert!(!first.waited);
        let order = Mutex::new(Vec::new());
        let others = (0..5).map(async |number| {
            let turn = catalog.turn(&image(), one_day()).await.unwrap();
            assert!(turn.waited);
            order.lock().unwrap().push(number);
        });
        let release = async {
            tokio::task::yield_now().await;
            drop(first);
        };
        tokio::join!(futures_util::future::join_all(others), release);
        assert_eq!(order.into_inner().unwrap(), [0, 1, 2, 3, 4]);
    }

    #[tokio::test]
    async fn a_turn_that_does_not_come_is_not_waited_for_for_ever() {
        let catalog = Catalog::new(Arc::new(MemoryTable::new()), 1);
        let first = catalog.turn(&image(), one_day()).await.unwrap();
        assert!(catalog.turn(&image(), Instant::now()).await.is_none());
        assert!(
            catalog.turn(&ImageId::from_random(2), Instant::now()).await.is_some(),
            "another image has its own"
        );
        drop(first);
        assert!(catalog.turn(&image(), Instant::now()).await.is_some_and(|turn| !turn.waited));
        assert!(catalog.turns.images().is_empty(), "nothing is kept of images nobody changes");
    }
}
