//! What is stored of a password for SCRAM.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mailwright_core::Secret;
use smallvec::SmallVec;

use super::hash::{Digest, ScramHash};
use super::prepare::prepare;
use crate::error::ScramError;

/// Octets of a text of keys: more cannot be valid.
const TEXT_MAX: usize = 256;
/// Octets of a salt, at most and at least.
const SALT_MAX: usize = 64;
const SALT_MIN: usize = 8;
/// Iterations that no client would go through: a slip, or somebody's mischief.
const ITERATIONS_MAX: u32 = 10_000_000;

/// What a server keeps of a password to check it by SCRAM (RFC 5802 §3): enough to check a client's proof and to prove
/// itself, and not enough to log in with elsewhere.
///
/// Its text is that of RFC 5803, `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`, which other servers write
/// too. `Debug` shows hash and iterations only: with the text, passwords can be guessed at leisure, at a much smaller
/// price than with argon2id; and with the server key, anybody can pretend to be the server.
///
/// ```
/// use mailwright_auth::{ScramHash, ScramKeys};
///
/// let keys = ScramKeys::derive(ScramHash::Sha256, b"correct horse", [7; 16], ScramKeys::ITERATIONS)?;
/// assert_eq!(ScramKeys::parse(&keys.to_text()).as_ref(), Ok(&keys));
/// # Ok::<(), mailwright_auth::ScramError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ScramKeys {
    hash: ScramHash,
    iterations: u32,
    salt: SmallVec<[u8; 16]>,
    stored_key: Digest,
    server_key: Digest,
}

impl ScramKeys {
    /// What new keys take by default: 65,536 iterations, the most that Cyrus SASL goes through as a client. A client does as
    /// many at each login, tens of milliseconds of work, and whoever has stolen keys at each guess.
    pub const ITERATIONS: u32 = 65_536;

    /// The fewest: 4,096 (RFC 5802 §5.1, RFC 7677 §4).
    pub const ITERATIONS_MIN: u32 = 4096;

    /// Derives keys from a password, which is prepared first (RFC 4013). It takes as long as a client takes for a login:
    /// not on a thread that serves others.
    ///
    /// `salt` is random, or that of another password of the same account.
    ///
    /// # Errors
    /// If the password cannot be prepared, or the iterations are out of bounds.
    pub fn derive(
        hash: ScramHash,
        password: &[u8],
        salt: [u8; 16],
        iterations: u32,
    ) -> Result<Self, ScramError> {
        Self::derive_with_salt(hash, password, &salt, iterations)
    }

    /// Derives keys from another password of the same account, with the salt and iterations of these: a client is told
    /// one salt, before anybody knows which of the passwords it has.
    ///
    /// # Errors
    /// If the password cannot be prepared.
    pub fn sibling(&self, password: &[u8]) -> Result<Self, ScramError> {
        Self::derive_with_salt(self.hash, password, &self.salt, self.iterations)
    }

    fn derive_with_salt(
        hash: ScramHash,
        password: &[u8],
        salt: &[u8],
        iterations: u32,
    ) -> Result<Self, ScramError> {
        check_iterations(iterations)?;
        let text = std::str::from_utf8(password).map_err(|_| ScramError::Password)?;
        let prepared = prepare(text).ok_or(ScramError::Password)?;
        // The copy that preparing may have made is wiped, too.
        let prepared = Secret::new(prepared.into_owned().into_bytes());
        let salted = hash.salted_password(prepared.expose(), salt, iterations);
        let client_key = Secret::new(hash.hmac(salted.expose(), &[b"Client Key"]).into_vec());
        Ok(Self {
            hash,
            iterations,
            salt: salt.into(),
            stored_key: hash.digest(client_key.expose()),
            server_key: hash.hmac(salted.expose(), &[b"Server Key"]),
        })
    }

    /// Keys that no password fits, for a user who is not there or has no keys: the client sees a salt that is always the
    /// same for this name, as that of a user would be, and fails in the end.
    ///
    /// `secret` is random, and stays the same for as long as salts do: whoever sees a salt change knows that it was none.
    /// `login` is written in one way, whatever way the client has written it; `iterations` are those that new keys have.
    pub fn decoy(hash: ScramHash, secret: &[u8], login: &str, iterations: u32) -> Self {
        let made_up = |what: &[u8]| {
            hash.hmac(secret, &[what, b"\0", hash.scheme().as_bytes(), b"\0", login.as_bytes()])
        };
        let salt = made_up(b"salt").into_iter().take(16).collect();
        Self {
            hash,
            iterations,
            salt,
            stored_key: made_up(b"stored key"),
            server_key: made_up(b"server key"),
        }
    }

    /// Reads a text (RFC 5803 §2).
    ///
    /// # Errors
    /// [`ScramError`], by what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, ScramError> {
        if text.len() > TEXT_MAX {
            return Err(ScramError::Syntax);
        }
        let (scheme, rest) = text.split_once('$').ok_or(ScramError::Syntax)?;
        let hash = ScramHash::ALL.iter().copied().find(|hash| hash.scheme() == scheme);
        let hash = hash.ok_or(ScramError::Scheme)?;
        let (cost, keys) = rest.split_once('$').ok_or(ScramError::Syntax)?;
        let (iterations, salt) = cost.split_once(':').ok_or(ScramError::Syntax)?;
        let (stored_key, server_key) = keys.split_once(':').ok_or(ScramError::Syntax)?;
        let iterations = number(iterations).ok_or(ScramError::Syntax)?;
        check_iterations(iterations)?;
        let octets = |text| STANDARD.decode(text).map_err(|_| ScramError::Syntax);
        let (salt, stored_key, server_key) = (octets(salt)?, octets(stored_key)?, octets(server_key)?);
        if !(SALT_MIN..=SALT_MAX).contains(&salt.len())
            || stored_key.len() != hash.octets()
            || server_key.len() != hash.octets()
        {
            return Err(ScramError::Syntax);
        }
        Ok(Self {
            hash,
            iterations,
            salt: salt.into(),
            stored_key: stored_key.into(),
            server_key: server_key.into(),
        })
    }

    /// The text, to be stored where nobody else reads it.
    pub fn to_text(&self) -> String {
        let Self { hash, iterations, salt, stored_key, server_key } = self;
        let [salt, stored_key, server_key] =
            [&salt[..], stored_key, server_key].map(|it| STANDARD.encode(it));
        format!("{}${iterations}:{salt}${stored_key}:{server_key}", hash.scheme())
    }

    /// By which hash.
    pub fn hash(&self) -> ScramHash {
        self.hash
    }

    /// How many iterations a client goes through.
    pub fn iterations(&self) -> u32 {
        self.iterations
    }

    pub(crate) fn salt(&self) -> &[u8] {
        &self.salt
    }

    pub(crate) fn stored_key(&self) -> &[u8] {
        &self.stored_key
    }

    pub(crate) fn server_key(&self) -> &[u8] {
        &self.server_key
    }

    /// Whether a client can be told the salt of both at once.
    pub(crate) fn is_sibling(&self, other: &Self) -> bool {
        self.hash == other.hash && self.iterations == other.iterations && self.salt == other.salt
    }
}

impl fmt::Debug for ScramKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScramKeys")
            .field("hash", &self.hash)
            .field("iterations", &self.iterations)
            .finish_non_exhaustive()
    }
}

/// `posit-number` (RFC 5802 §7).
pub(crate) fn number(text: &str) -> Option<u32> {
    if !text.bytes().all(|octet| octet.is_ascii_digit()) || text.starts_with('0') {
        return None;
    }
    text.parse().ok()
}

fn check_iterations(iterations: u32) -> Result<(), ScramError> {
    if !(ScramKeys::ITERATIONS_MIN..=ITERATIONS_MAX).contains(&iterations) {
        return Err(ScramError::Iterations { min: ScramKeys::ITERATIONS_MIN, max: ITERATIONS_MAX });
    }
    Ok(())
}
