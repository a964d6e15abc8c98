//! Other regions, as tokens know them, in this process.

#![expect(clippy::unwrap_used, reason = "a harness fails by panicking, as tests do")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use shared::adapters::sealing::SealedTokens;
use shared::identity::Token;
use shared::operations::AbroadPorts;
use shared::ports::{Region, Regions, RegionsError, TokenSeals};
use shared::time::Timestamp;

/// When tokens of tests end, long after the clock of tests began.
pub const TOKEN_ENDS: &str = "2026-10-01T09:00:00Z";

/// What a catalogue says. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct TestRegions {
    endpoints: Arc<Mutex<BTreeMap<(String, String), String>>>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    expired: bool,
    /// How often nobody answers, from now on.
    silent: u32,
    asked: Vec<String>,
}

impl TestRegions {
    /// Puts an endpoint of the image service into the catalogue.
    pub fn put(&self, region: &str, interface: &str, url: &str) {
        let at = (region.to_owned(), interface.to_owned());
        self.endpoints.lock().unwrap().insert(at, url.to_owned());
    }

    /// Every token is good for nothing any more.
    pub fn expire(&self) {
        self.state.lock().unwrap().expired = true;
    }

    /// Nobody answers, so many times.
    pub fn fall_silent(&self, times: u32) {
        self.state.lock().unwrap().silent = times;
    }

    /// The tokens by which it was asked since the last call of this.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().asked)
    }

    /// What an importer works with.
    pub fn ports(&self) -> AbroadPorts {
        AbroadPorts { regions: Arc::new(self.clone()), seals: seals() }
    }
}

/// Who seals tokens in tests.
pub fn seals() -> Arc<dyn TokenSeals> {
    Arc::new(SealedTokens::new("a secret of thirty-two characters").unwrap())
}

#[async_trait]
impl Regions for TestRegions {
    async fn images(&self, token: &Token, region: &str, interface: &str) -> Result<Region, RegionsError> {
        let mut state = self.state.lock().unwrap();
        state.asked.push(token.reveal().to_owned());
        if state.silent > 0 {
            state.silent -= 1;
            return Err(RegionsError::Unavailable("nobody answers".into()));
        }
        if state.expired {
            return Err(RegionsError::Expired);
        }
        let found = self.endpoints.lock().unwrap().get(&(region.to_owned(), interface.to_owned())).cloned();
        let url = found.ok_or(RegionsError::NotFound)?;
        Ok(Region { url, token_ends: Timestamp::parse(TOKEN_ENDS).unwrap() })
    }
}
