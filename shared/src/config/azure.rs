//! How Azure Blob Storage is asked: for which account, and by what leave.

use super::Secret;

/// What a store in Azure is told, beside what all stores in a container are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AzureConfig {
    /// Name of the account.
    pub account_name: Option<String>,
    /// One of its keys.
    pub account_key: Option<Secret>,
    /// A shared access signature, when there is no key.
    pub sas_token: Option<Secret>,
}

impl AzureConfig {
    /// What does not fit the rest: the key of the store to change, and why.
    pub(super) fn fault(&self) -> Option<(&'static str, &'static str)> {
        if self.account_name.is_none() {
            return Some(("account_name", "must name the account when the store's adapter is azblob"));
        }
        if self.account_key.is_some() == self.sas_token.is_some() {
            let why = "must be set when the store's adapter is azblob, or else sas_token, and not both";
            return Some(("account_key", why));
        }
        None
    }
}
