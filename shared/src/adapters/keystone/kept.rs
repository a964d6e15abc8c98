//! Answers that are kept for a while, and questions that many ask at once and that are sent once.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::future::{BoxFuture, FutureExt as _, Shared, WeakShared};

use crate::time::Timestamp;

/// Answers by what was asked, each until a time, so many at most: the oldest goes first.
pub(super) struct Kept<K, V> {
    at_most: usize,
    entries: Mutex<Entries<K, V>>,
}

struct Entries<K, V> {
    by_key: HashMap<K, (V, Timestamp)>,
    /// In the order they were kept. One that was kept again is here twice, and counts only the second time.
    order: VecDeque<(K, Timestamp)>,
}

impl<K: Eq + Hash + Clone, V: Clone> Kept<K, V> {
    pub(super) fn new(at_most: usize) -> Self {
        Self { at_most, entries: Mutex::new(Entries { by_key: HashMap::new(), order: VecDeque::new() }) }
    }

    /// What is kept, if it still counts.
    pub(super) fn get(&self, key: &K, now: Timestamp) -> Option<V> {
        let entries = locked(&self.entries);
        let (value, until) = entries.by_key.get(key)?;
        (now < *until).then(|| value.clone())
    }

    /// Keeps an answer.
    pub(super) fn keep(&self, key: K, value: V, until: Timestamp, now: Timestamp) {
        let mut entries = locked(&self.entries);
        while let Some((oldest, ends)) = entries.order.front().cloned() {
            if now < ends && entries.order.len() < self.at_most {
                break;
            }
            entries.order.pop_front();
            if entries.by_key.get(&oldest).is_some_and(|(_, until)| *until == ends) {
                entries.by_key.remove(&oldest);
            }
        }
        entries.order.push_back((key.clone(), until));
        entries.by_key.insert(key, (value, until));
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        locked(&self.entries).by_key.len()
    }
}

/// Questions under way. Who asks what is being asked waits for the same answer.
pub(super) struct UnderWay<K, V> {
    asked: Mutex<Asked<K, V>>,
}

struct Asked<K, V> {
    by_key: HashMap<K, WeakShared<BoxFuture<'static, V>>>,
    /// When so many are noted, those that have ended are forgotten.
    sweep_at: usize,
}

const SWEEP_AT_LEAST: usize = 64;

impl<K: Eq + Hash, V: Clone> UnderWay<K, V> {
    pub(super) fn new() -> Self {
        Self { asked: Mutex::new(Asked { by_key: HashMap::new(), sweep_at: SWEEP_AT_LEAST }) }
    }

    /// Joins the question under way, or begins it. It goes on as long as anybody waits for it.
    pub(super) fn join(
        &self,
        key: K,
        ask: impl FnOnce() -> BoxFuture<'static, V>,
    ) -> Shared<BoxFuture<'static, V>> {
        let mut asked = locked(&self.asked);
        let running = asked.by_key.get(&key).and_then(WeakShared::upgrade);
        if let Some(running) = running.filter(|question| question.peek().is_none()) {
            return running;
        }
        if asked.by_key.len() >= asked.sweep_at {
            asked
                .by_key
                .retain(|_, question| question.upgrade().is_some_and(|question| question.peek().is_none()));
            asked.sweep_at = SWEEP_AT_LEAST.max(2 * asked.by_key.len());
        }
        let question = ask().shared();
        if let Some(weak) = question.downgrade() {
            asked.by_key.insert(key, weak);
        }
        question
    }
}

impl<K, V> fmt::Debug for Kept<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("at_most", &self.at_most).finish_non_exhaustive()
    }
}

impl<K, V> fmt::Debug for UnderWay<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnderWay").finish_non_exhaustive()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const fn at(microseconds: i64) -> Timestamp {
        Timestamp::from_microseconds(microseconds)
    }

    #[test]
    fn an_answer_counts_until_its_time() {
        let kept = Kept::new(10);
        kept.keep("a", 1, at(5), at(0));
        assert_eq!(
            (kept.get(&"a", at(4)), kept.get(&"a", at(5)), kept.get(&"b", at(0))),
            (Some(1), None, None)
        );
        kept.keep("a", 2, at(9), at(6));
        assert_eq!(kept.get(&"a", at(8)), Some(2));
    }

    #[test]
    fn no_more_is_kept_than_there_is_room_for_and_the_oldest_goes_first() {
        let kept = Kept::new(3);
        for key in 0..100 {
            kept.keep(key, key, at(1000), at(0));
            assert!(kept.len() <= 3);
        }
        assert_eq!((kept.get(&96, at(0)), kept.get(&97, at(0))), (None, Some(97)));
        for _ in 0..100 {
            kept.keep(99, 99, at(1000), at(0));
        }
        assert_eq!(
            (kept.len(), locked(&kept.entries).order.len()),
            (1, 3),
            "what is kept again takes no more room"
        );
        assert_eq!(kept.get(&99, at(0)), Some(99));
    }

    #[test]
    fn what_has_ended_leaves() {
        let kept = Kept::new(1000);
        for key in 0..1000 {
            kept.keep(key, (), at(i64::from(key) + 10), at(i64::from(key)));
        }
        assert!(kept.len() <= 11, "{}", kept.len());
    }

    #[tokio::test]
    async fn what_many_ask_at_once_is_asked_once_and_then_again() {
        let (under_way, asked) = (UnderWay::new(), Arc::new(AtomicUsize::new(0)));
        let ask = || {
            let asked = Arc::clone(&asked);
            async move {
                tokio::task::yield_now().await;
                asked.fetch_add(1, Ordering::SeqCst)
            }
            .boxed()
        };
        let first: Vec<_> = (0..100).map(|_| under_way.join("k", ask)).collect();
        assert_eq!(futures_util::future::join_all(first).await, vec![0; 100]);
        assert_eq!(
            under_way.join("k", ask).await,
            1,
            "an answer that was given answers nobody who asks later"
        );
        drop(under_way.join("k", ask));
        assert_eq!(under_way.join("k", ask).await, 2, "nobody waits for a question that nobody sends on");
        for key in 0..1000 {
            let key: &'static str = Box::leak(key.to_string().into_boxed_str());
            under_way.join(key, ask).await;
        }
        assert!(locked(&under_way.asked).by_key.len() <= SWEEP_AT_LEAST);
    }
}
