//! What imports from other regions need: who seals the tokens of users, and who knows the regions.

use std::sync::Arc;
#[cfg(all(feature = "egress", feature = "keystone", feature = "plugins"))]
use std::time::Duration;

use super::{App, StartError};
use crate::config::{IdentityMode, Secret};
use crate::import::ImportMethod;
#[cfg(all(feature = "egress", feature = "plugins"))]
use crate::operations::AbroadPorts;
#[cfg(all(feature = "egress", feature = "plugins"))]
use crate::ports::Regions;
use crate::ports::TokenSeals;

/// The setting that has users' tokens sent elsewhere.
const METHODS: &str = "import.methods";

impl App {
    /// Refuses to import from other regions where nobody's token is looked at.
    pub(super) fn check_abroad(&self) -> Result<(), StartError> {
        if self.imports_abroad() && self.config.identity.mode == IdentityMode::None {
            let why = "glance-download needs identity.mode keystone: the other region is found in the catalogue of the \
                       caller's token, and with none there is no token";
            return Err(unfit(METHODS, why));
        }
        Ok(())
    }

    /// What seals the tokens by which other regions are asked, if any is.
    pub(super) fn seals(&self) -> Result<Option<Arc<dyn TokenSeals>>, StartError> {
        if !self.imports_abroad() {
            return Ok(None);
        }
        let Some(secret) = &self.config.import.token_key else {
            let why =
                "must be set when glance-download is among import.methods: tokens of users are sealed by it";
            return Err(unfit("import.token_key", why));
        };
        sealed_by(secret).map(Some)
    }

    /// What the work of imports from other regions needs, if there is any.
    #[cfg(all(feature = "egress", feature = "plugins"))]
    pub(super) fn abroad(&self) -> Result<Option<AbroadPorts>, StartError> {
        let Some(seals) = self.seals()? else { return Ok(None) };
        Ok(Some(AbroadPorts { regions: self.regions()?, seals }))
    }

    #[cfg(all(feature = "egress", feature = "plugins"))]
    fn regions(&self) -> Result<Arc<dyn Regions>, StartError> {
        let told = &self.config.identity.keystone;
        let Some(auth_url) = told.auth_url.clone() else {
            let why = "must be the URL of Keystone when glance-download is among import.methods";
            return Err(unfit("identity.keystone.auth_url", why));
        };
        #[cfg(not(feature = "keystone"))]
        return Err(super::not_built(METHODS, ImportMethod::GlanceDownload));
        #[cfg(feature = "keystone")]
        {
            let settings = crate::adapters::keystone::RegionsSettings {
                auth_url,
                ca_file: told.ca_file.clone(),
                timeout: Duration::from_secs(told.timeout_seconds),
            };
            let regions = crate::adapters::keystone::KeystoneRegions::new(&settings);
            Ok(Arc::new(regions.map_err(super::identity::cannot_ask_keystone)?))
        }
    }

    fn imports_abroad(&self) -> bool {
        self.config.import.methods.contains(&ImportMethod::GlanceDownload)
    }
}

#[cfg(feature = "sealing")]
fn sealed_by(secret: &Secret) -> Result<Arc<dyn TokenSeals>, StartError> {
    let seals = crate::adapters::sealing::SealedTokens::new(secret.reveal());
    Ok(Arc::new(seals.map_err(|cause| StartError::Open { what: "import.token_key".to_owned(), cause })?))
}

#[cfg(not(feature = "sealing"))]
fn sealed_by(_: &Secret) -> Result<Arc<dyn TokenSeals>, StartError> {
    Err(super::not_built(METHODS, ImportMethod::GlanceDownload))
}

fn unfit(key: &'static str, why: &str) -> StartError {
    StartError::Unfit { key, why: why.to_owned() }
}
