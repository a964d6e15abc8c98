//! Asking a cloud's Image service as its user: who that is (`clouds.yaml`, `OS_*`), tokens, and the API's calls.
//!
//! What is known here of the service is its HTTP alone.

mod account;
mod api;
mod clouds;
mod credentials;
mod keystone;
mod yaml;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use self::account::Account;
pub(crate) use self::api::{Api, CloudError, is_passing, value};
use self::clouds::Surroundings;
use crate::patience::Patience;
use crate::{Failure, tell};

/// Which service is asked, and as whom. Without any of it: what `OS_CLOUD` names in clouds.yaml, or what `OS_*` variables say, or else a
/// `glint serve` on this machine.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct CloudOptions {
    /// Cloud in clouds.yaml [default: the one `OS_CLOUD` names]
    #[arg(long, value_name = "NAME")]
    os_cloud: Option<String>,
    /// URL of the Image service, instead of the catalogue's
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// How to authenticate: password, token, v3applicationcredential, `admin_token`, none
    #[arg(long, value_name = "TYPE")]
    os_auth_type: Option<String>,
    /// Region in the catalogue
    #[arg(long, value_name = "NAME")]
    os_region_name: Option<String>,
    /// PEM file with the authorities of the cloud's certificates
    #[arg(long, value_name = "FILE")]
    os_cacert: Option<PathBuf>,
    /// How often something that fails in passing is tried
    #[arg(long, value_name = "TIMES", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=100))]
    tries: u32,
    /// The first pause before it is tried again, in milliseconds; each is twice the one before, 30 seconds at most
    #[arg(long, value_name = "MS", default_value_t = 500)]
    pause: u64,
}

/// Where `glint serve` listens, when nobody says otherwise.
const LOCAL: &str = "http://127.0.0.1:9292";

impl CloudOptions {
    /// The service, with a token when it wants one.
    pub(crate) async fn open(&self) -> Result<Api, Failure> {
        let mut account = self.account(&Surroundings::read())?;
        if account.is_nobody() && account.endpoint.is_none() {
            tell(&format!("no cloud is named: asking {LOCAL} (--endpoint, --os-cloud and OS_* name others)"));
            account.endpoint = Some(LOCAL.to_owned());
        }
        let patience = Patience { tries: self.tries, first: Duration::from_millis(self.pause) };
        Api::open(account, patience).await
    }

    fn account(&self, around: &Surroundings) -> Result<Account, Failure> {
        let mut account = Account::find(self.os_cloud.as_deref(), around)?;
        let flags = [
            (&mut account.endpoint, &self.endpoint),
            (&mut account.auth_type, &self.os_auth_type),
            (&mut account.region, &self.os_region_name),
        ];
        for (slot, flag) in flags {
            if flag.is_some() {
                slot.clone_from(flag);
            }
        }
        if self.os_cacert.is_some() {
            account.ca_file.clone_from(&self.os_cacert);
        }
        Ok(account)
    }

    /// The flags that name the same service again, to be typed.
    pub(crate) fn flags(&self) -> String {
        let texts = [
            ("--os-cloud", self.os_cloud.clone()),
            ("--endpoint", self.endpoint.clone()),
            ("--os-auth-type", self.os_auth_type.clone()),
            ("--os-region-name", self.os_region_name.clone()),
            ("--os-cacert", self.os_cacert.as_ref().map(|path| path.display().to_string())),
        ];
        let texts =
            texts.into_iter().filter_map(|(flag, text)| Some(format!(" {flag} {}", crate::quoted(&text?))));
        texts.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_go_over_everything() {
        let around = Surroundings::of(&[("OS_AUTH_URL", "http://keystone"), ("OS_REGION_NAME", "one")]);
        let options = CloudOptions {
            endpoint: Some("http://here".to_owned()),
            os_region_name: Some("two".to_owned()),
            ..CloudOptions::default()
        };
        let account = options.account(&around).unwrap();
        assert_eq!(
            (account.endpoint.as_deref(), account.region.as_deref()),
            (Some("http://here"), Some("two"))
        );
        assert_eq!(options.flags(), " --endpoint http://here --os-region-name two");
    }
}
