//! Who logs in: whoever wants to.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use mailwright_access::{Authenticate, LoginError, User};
use mailwright_auth::Credentials;
use mailwright_core::Secret;
use mailwright_store::fold_login;

use crate::mailboxes::Mailboxes;

/// Lets in whoever comes, but for those whose password is known, who have to know it too.
pub(crate) struct Logins {
    pub(crate) mailboxes: Arc<Mailboxes>,
    pub(crate) passwords: BTreeMap<String, Secret>,
}

impl Authenticate for Logins {
    async fn login(&self, _from: IpAddr, credentials: Credentials) -> Result<User, LoginError> {
        // To act for somebody else is nobody's right here.
        if credentials.authzid.is_some() {
            return Err(LoginError::Wrong);
        }
        let account = self.mailboxes.account(&credentials.user).await.map_err(|_| LoginError::Wrong)?;
        match self.passwords.get(&fold_login(&account.login)) {
            Some(password) if *password != credentials.password => Err(LoginError::Wrong),
            _ => Ok(User { account: account.id, login: account.login }),
        }
    }
}
