//! Who tells callers, and what their projects may have.

use std::sync::Arc;
#[cfg(feature = "keystone")]
use std::time::Duration;

use super::{App, StartError, not_built};
use crate::adapters::configured::{ConfiguredLimits, UntoldLimits};
#[cfg(feature = "keystone")]
use crate::adapters::keystone::{
    Credentials, KeystoneError, KeystoneIdentity, KeystoneLimits, KeystoneSettings,
};
use crate::config::IdentityMode;
#[cfg(feature = "keystone")]
use crate::config::{CredentialsConfig, Secret};
use crate::ports::Limits;
use crate::usage::Resource;

impl App {
    /// The process with whoever tells its callers. A function whose gateway tells them needs nobody, so that none is
    /// linked.
    ///
    /// # Errors
    /// [`StartError`] when the identity service cannot be asked as configured, or was not built in; when nobody tells callers and
    /// imports need their tokens.
    #[allow(unreachable_patterns, reason = "only a program with every adapter knows them all")]
    pub fn with_identity(self) -> Result<Self, StartError> {
        self.check_abroad()?;
        match self.config.identity.mode {
            IdentityMode::None => Ok(self),
            #[cfg(feature = "keystone")]
            IdentityMode::Keystone => {
                let identity = KeystoneIdentity::new(self.keystone()?, Arc::clone(&self.clock));
                Ok(Self { identity: Arc::new(identity.map_err(cannot_ask_keystone)?), ..self })
            }
            other => Err(not_built("identity.mode", other)),
        }
    }

    /// Whoever tells what projects may have: Keystone, when an endpoint of it is configured, else the configuration. A program
    /// that was built without Keystone refuses what it would have to ask it for.
    ///
    /// # Errors
    /// [`StartError`] when the identity service cannot be asked as configured.
    #[cfg_attr(
        not(feature = "keystone"),
        expect(clippy::unnecessary_wraps, reason = "as where Keystone is asked")
    )]
    pub fn limits(&self) -> Result<Arc<dyn Limits>, StartError> {
        #[cfg(feature = "keystone")]
        if let Some(endpoint_id) = &self.config.identity.keystone.endpoint_id {
            let limits = KeystoneLimits::new(self.keystone()?, endpoint_id.clone(), Arc::clone(&self.clock));
            return Ok(Arc::new(limits.map_err(cannot_ask_keystone)?));
        }
        Ok(self.cloud_limits())
    }

    /// The same where Keystone is asked by others, and callers come with their limits: no client of it is linked.
    pub(super) fn cloud_limits(&self) -> Arc<dyn Limits> {
        if self.config.identity.keystone.endpoint_id.is_some() {
            return Arc::new(UntoldLimits);
        }
        let limits = &self.config.limits;
        let of = |limit: Option<usize>| limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
        let default = Resource::ALL.map(|resource| {
            let limit = match resource {
                Resource::ImageSizeTotal => limits.image_size_total,
                Resource::ImageStageTotal => limits.image_stage_total,
                Resource::ImageCountTotal => limits.image_count_total,
                Resource::ImageCountUploading => limits.image_count_uploading,
            };
            (resource.name(), of(limit))
        });
        Arc::new(ConfiguredLimits::new(default, limits.projects.limits()))
    }

    #[cfg(feature = "keystone")]
    fn keystone(&self) -> Result<KeystoneSettings, StartError> {
        let told = &self.config.identity.keystone;
        let credentials = credentials(&told.credentials);
        let (Some(auth_url), Some(credentials)) = (told.auth_url.clone(), credentials) else {
            let cause = "identity.keystone.auth_url and credentials are needed".into();
            return Err(StartError::Open { what: "Keystone".to_owned(), cause });
        };
        let service_roles = told.service_roles.split(',').map(|role| role.trim().to_lowercase());
        Ok(KeystoneSettings {
            auth_url,
            www_authenticate_uri: told.www_authenticate_uri.clone(),
            ca_file: told.ca_file.clone(),
            credentials,
            cache: Duration::from_secs(told.cache_seconds),
            timeout: Duration::from_secs(told.timeout_seconds),
            service_roles: service_roles.filter(|role| !role.is_empty()).collect(),
        })
    }
}

/// By which credentials Keystone is asked; `None` when they are not all there.
#[cfg(feature = "keystone")]
pub(super) fn credentials(told: &CredentialsConfig) -> Option<Credentials> {
    let revealed = |secret: &Option<Secret>| secret.as_ref().map(|secret| secret.reveal().to_owned());
    if let Some(id) = told.application_credential_id.clone() {
        let secret = revealed(&told.application_credential_secret)?;
        return Some(Credentials::Application { id, secret });
    }
    Some(Credentials::Password {
        username: told.username.clone()?,
        password: revealed(&told.password)?,
        user_domain_name: told.user_domain_name.clone(),
        project_name: told.project_name.clone()?,
        project_domain_name: told.project_domain_name.clone(),
    })
}

#[cfg(feature = "keystone")]
pub(super) fn cannot_ask_keystone(cause: KeystoneError) -> StartError {
    StartError::Open { what: "Keystone".to_owned(), cause: cause.into() }
}
