//! Who is it? One way for all protocols.

use std::net::IpAddr;

use mailwright_access::{Authenticate, LoginError, User};
use mailwright_auth::{Checked, Credentials, PasswordCheck, Verifier};
use mailwright_store::{AccountCredentials, Directory, Store, Unavailable};
use tokio::task::spawn_blocking;
use tracing::{info, warn};

use crate::shared::Shared;

fn unavailable(cause: Unavailable) -> LoginError {
    warn!(%cause, "the directory cannot tell");
    LoginError::Unavailable
}

impl<S: Store, D: Directory> Authenticate for Shared<S, D> {
    async fn login(&self, from: IpAddr, credentials: Credentials) -> Result<User, LoginError> {
        self.check(from, credentials).await
    }
}

impl<S: Store, D: Directory> Shared<S, D> {
    /// Checks a password. An unknown user costs as much as a known one. A name without domain is one at our first.
    async fn check(&self, from: IpAddr, mut credentials: Credentials) -> Result<User, LoginError> {
        if !credentials.user.contains('@') {
            credentials.user = format!("{}@{}", credentials.user, self.home);
        }
        if self.lockout().check(from, self.clock.mono()).is_err() {
            info!(%from, user = credentials.user, "login refused: too many failures from this address");
            return Err(LoginError::Locked);
        }
        let known = self.directory.credentials(&credentials.user).await.map_err(unavailable)?;
        if known.is_none()
            && let Some(user) = self.create(&credentials).await?
        {
            return Ok(user);
        }
        let verifiers: Vec<Verifier> =
            known.iter().flat_map(|known| &known.credentials).map(|c| c.verifier.clone()).collect();
        let check = PasswordCheck::new(&verifiers, credentials.password, self.cost);
        match (self.offload.check(check).await, known) {
            (Checked::Unable, _) => Err(LoginError::Unavailable),
            // To act for somebody else is nobody's right here.
            (checked, Some(AccountCredentials { account, login, enabled: true, .. }))
                if checked.is_right() && credentials.authzid.is_none() =>
            {
                self.lockout().succeeded(from, self.clock.mono());
                Ok(User { account, login })
            }
            _ => {
                let locked = self.lockout().failed(from, self.clock.mono()).is_some();
                info!(%from, user = credentials.user, locked, "login failed");
                Err(LoginError::Wrong)
            }
        }
    }

    /// A directory for development may let in whoever comes.
    async fn create(&self, credentials: &Credentials) -> Result<Option<User>, LoginError> {
        if !self.creates_unknown || credentials.authzid.is_some() {
            return Ok(None);
        }
        let (password, salt, cost) = (credentials.password.clone(), self.random(), self.cost);
        let hash = spawn_blocking(move || Verifier::hash(password.expose(), salt, cost));
        let Ok(Ok(verifier)) = hash.await else { return Err(LoginError::Unavailable) };
        let batch = self.batch();
        let created = self.directory.create(&credentials.user, verifier, batch.id, batch.now).await;
        let created = created.map_err(unavailable)?;
        Ok(created.map(|account| {
            info!(user = credentials.user, "created on login");
            User { account, login: credentials.user.clone() }
        }))
    }
}
