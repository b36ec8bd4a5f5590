//! Who is it? One way for all protocols.

use std::net::IpAddr;
use std::sync::Arc;

use mailwright_access::{Authenticate, LoginError, User};
use mailwright_auth::{
    Checked, Credentials, LookUp, PasswordCheck, ScramError, ScramHash, ScramKeys, ScramProof, Token,
    TokenRefusal, Verifier, VerifierError,
};
use mailwright_core::Address;
use mailwright_store::{AccountCredentials, Directory, Store, Unavailable, fold_address, fold_login};
use tokio::task::spawn_blocking;
use tracing::{info, warn};

use crate::shared::{Shared, random};

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
        let is_right = match self.offload.check(check).await {
            Checked::Unable => return Err(LoginError::Unavailable),
            checked => checked.is_right(),
        };
        self.conclude(from, &user, known, is_right, credentials.authzid.as_deref())
    }

    /// An unknown user has keys that do not fit, and so has one without any.
    async fn scram(&self, from: IpAddr, wanted: &LookUp) -> Result<Vec<ScramKeys>, LoginError> {
        let user = self.full_name(&wanted.user);
        self.may_try(from, &user)?;
        let known = self.directory.credentials(&user).await.map_err(unavailable)?;
        let mut keys: Vec<_> = stored(known.as_ref(), wanted.hash).cloned().collect();
        // Made in any case: how long it takes tells nothing.
        let decoy = ScramKeys::decoy(wanted.hash, &self.decoy, &folded(&user), self.scram.iterations);
        if keys.is_empty() {
            keys.push(decoy);
        }
        Ok(keys)
    }

    /// The client may have waited since it was shown the salt: a password that has been changed lets nobody in any more.
    async fn proof(&self, from: IpAddr, proof: ScramProof) -> Result<User, LoginError> {
        let user = self.full_name(&proof.user);
        // Others may have failed meanwhile, who began as this one.
        self.may_try(from, &user)?;
        let known = self.directory.credentials(&user).await.map_err(unavailable)?;
        let is_right = proof
            .right
            .is_some_and(|right| stored(known.as_ref(), right.hash()).any(|stored| *stored == right));
        self.conclude(from, &user, known, is_right, proof.authzid.as_deref())
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

/// The keys of all passwords of a user.
fn stored(known: Option<&AccountCredentials>, hash: ScramHash) -> impl Iterator<Item = &ScramKeys> {
    let credentials = known.into_iter().flat_map(|known| &known.credentials);
    credentials.filter_map(move |credential| credential.verifier.scram(hash))
}

/// A name as users are found by it: what is made up for who is not there is one, too, however the name is written.
fn folded(user: &str) -> String {
    user.parse::<Address>().map_or_else(|_| fold_login(user), |address| fold_address(&address))
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
        is_right: bool,
        authzid: Option<&str>,
    ) -> Result<User, LoginError> {
        match known {
            // To act for somebody else is nobody's right here.
            Some(AccountCredentials { account, login, enabled: true, .. })
                if is_right && authzid.is_none() =>
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
        let (password, cost) = (credentials.password.clone(), self.cost);
        let (scram, entropy) = (self.scram.clone(), Arc::clone(&self.entropy));
        let hash = spawn_blocking(move || {
            let verifier = Verifier::hash(password.expose(), random(&*entropy), cost)?;
            match scram.keep(verifier.clone(), password.expose(), || random(&*entropy)) {
                // No client can say it by SCRAM.
                Err(ScramError::Password) => Ok(verifier),
                kept => kept.map_err(VerifierError::from),
            }
        });
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
