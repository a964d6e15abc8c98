//! Names, and who they are said to be.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use shared::adapters::egress::{Resolve, ResolveError};

/// Answers for names, each in its turn; the last of a name stays.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names(Arc<Mutex<Inside>>);

#[derive(Debug, Default)]
struct Inside {
    answers: BTreeMap<String, VecDeque<Vec<IpAddr>>>,
    asked: Vec<String>,
}

impl Names {
    /// Answers each time by the next of these, addresses separated by blanks.
    pub(crate) fn tell(&self, name: &str, answers: &[&str]) {
        let addresses = |text: &&str| text.split(' ').map(|address| address.parse().unwrap()).collect();
        let answers = answers.iter().map(addresses).collect();
        self.0.lock().unwrap().answers.insert(name.to_owned(), answers);
    }

    /// The names that were asked for, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap().asked)
    }
}

#[async_trait]
impl Resolve for Names {
    async fn resolve(&self, host: &str) -> Result<Vec<IpAddr>, ResolveError> {
        let mut inside = self.0.lock().unwrap();
        inside.asked.push(host.to_owned());
        let answers = inside.answers.get_mut(host).ok_or(ResolveError::NotFound)?;
        let next = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        next.ok_or(ResolveError::NotFound)
    }
}
