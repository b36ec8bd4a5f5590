//! Who is it? One way for all protocols.

use std::net::IpAddr;

use mailwright_access::{Authenticate, LoginError, User};
use mailwright_auth::{
    Checked, Credentials, LookUp, PasswordCheck, ScramKeys, ScramProof, Token, TokenRefusal, Verifier,
};
use mailwright_store::{AccountCredentials, Directory, Store, Unavailable, fold_login};
use tokio::task::spawn_blocking;
use tracing::{info, warn};

use crate::shared::Shared;

fn unavailable(cause: Unavailable) -> LoginError {
    warn!(%cause, "the directory cannot tell");
    LoginError::Unavailable
}

impl<S: Store, D: Directory> Authenticate for Shared<S, D> {
    /// An unknown user costs as much as a known one.
    async fn login(&self, from: IpAddr, mut credentials: Credentials) -> Result<User, LoginError> {
        let user = self.full_name(&credentials.user);
        self.may_try(from, &user)?;
        let known = self.directory.credentials(&user).await.map_err(unavailable)?;
        credentials.user.clone_from(&user);
        if known.is_none()
            && let Some(user) = self.create(&credentials).await?
        {
            return Ok(user);
        }
        let verifiers: Vec<Verifier> =
            known.iter().flat_map(|known| &known.credentials).map(|c| c.verifier.clone()).collect();
        let check = PasswordCheck::new(&verifiers, credentials.password, self.cost);
        let checked = self.offload.check(check).await;
        self.conclude(from, &user, known, checked, credentials.authzid.as_deref())
    }

    /// An unknown user has keys that do not fit, and so has one without any.
    async fn scram(&self, from: IpAddr, wanted: &LookUp) -> Result<Vec<ScramKeys>, LoginError> {
        let user = self.full_name(&wanted.user);
        self.may_try(from, &user)?;
        let known = self.directory.credentials(&user).await.map_err(unavailable)?;
        let verifiers = known.iter().flat_map(|known| &known.credentials).map(|c| &c.verifier);
        let mut keys: Vec<_> =
            verifiers.filter_map(|verifier| verifier.scram(wanted.hash).cloned()).collect();
        // Made in any case: how long it takes tells nothing.
        let login = fold_login(&user);
        let decoy = ScramKeys::decoy(wanted.hash, &self.decoy, &login, self.scram_iterations);
        if keys.is_empty() {
            keys.push(decoy);
        }
        Ok(keys)
    }

    async fn proof(&self, from: IpAddr, proof: ScramProof) -> Result<User, LoginError> {
        let user = self.full_name(&proof.user);
        let known = self.directory.credentials(&user).await.map_err(unavailable)?;
        self.conclude(from, &user, known, proof.checked, proof.authzid.as_deref())
    }

    async fn token(&self, from: IpAddr, token: Token) -> Result<Result<User, TokenRefusal>, LoginError> {
        let Some(tokens) = &self.tokens else { return Err(LoginError::Unavailable) };
        let named = token.user.as_deref().map(|user| self.full_name(user));
        self.may_try(from, named.as_deref().unwrap_or_default())?;
        let login = match tokens.check(from, token).await.map_err(unavailable)? {
            Ok(login) => self.full_name(&login),
            Err(why) => {
                info!(%from, user = named, status = why.status, "token refused");
                return Ok(Err(why));
            }
        };
        let known = self.directory.credentials(&login).await.map_err(unavailable)?;
        // The client may have named another address of the same user.
        let is_named = match (&named, &known) {
            (Some(named), Some(known)) if fold_login(named) != fold_login(&login) => {
                let other = self.directory.credentials(named).await.map_err(unavailable)?;
                other.is_some_and(|other| other.account == known.account)
            }
            _ => true,
        };
        match known {
            Some(AccountCredentials { account, login, enabled: true, .. }) if is_named => {
                Ok(Ok(User { account, login }))
            }
            _ => {
                info!(%from, user = named, login, "the token is that of somebody else");
                Ok(Err(TokenRefusal::default()))
            }
        }
    }
}

impl<S: Store, D: Directory> Shared<S, D> {
    /// A name without domain is one at our first.
    fn full_name(&self, name: &str) -> String {
        if name.contains('@') { name.to_owned() } else { format!("{name}@{}", self.home) }
    }

    /// Before anything is looked up or computed.
    fn may_try(&self, from: IpAddr, user: &str) -> Result<(), LoginError> {
        if self.lockout().check(from, self.clock.mono()).is_err() {
            info!(%from, user, "login refused: too many failures from this address");
            return Err(LoginError::Locked);
        }
        Ok(())
    }

    /// Lets in whoever has shown the password.
    fn conclude(
        &self,
        from: IpAddr,
        user: &str,
        known: Option<AccountCredentials>,
        checked: Checked,
        authzid: Option<&str>,
    ) -> Result<User, LoginError> {
        match (checked, known) {
            (Checked::Unable, _) => Err(LoginError::Unavailable),
            // To act for somebody else is nobody's right here.
            (Checked::Right(_), Some(AccountCredentials { account, login, enabled: true, .. }))
                if authzid.is_none() =>
            {
                self.lockout().succeeded(from, self.clock.mono());
                Ok(User { account, login })
            }
            _ => {
                let locked = self.lockout().failed(from, self.clock.mono()).is_some();
                info!(%from, user, locked, "login failed");
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
