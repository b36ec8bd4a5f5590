//! What is stored of a password.

use std::fmt;

use argon2::password_hash::phc::{Ident, Output, ParamsString, PasswordHash, Salt};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Version};
use smallvec::SmallVec;

use super::cost::{Cost, CostLimits};
use crate::error::VerifierError;
use crate::scram::{ScramHash, ScramKeys};

/// Octets of a PHC string that can be valid: the names, three numbers of ten digits, salt and hash of at most
/// 64.
const PHC_MAX: usize = 256;
/// Octets of a hash: fewer would let a wrong password pass by luck.
const HASH_MIN: usize = 16;
/// Octets of the hashes made here.
const HASH_LEN: usize = 32;

/// What is stored of a password: an argon2id hash with its salt and cost, and keys for SCRAM if it is to be used so.
///
/// Its text is a PHC string, `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`, the form that other servers and
/// the `argon2` tool write too; behind it, with a space before each, the texts of [`ScramKeys`]. `Debug` shows the costs
/// only: with the text, passwords can be guessed at leisure.
///
/// ```
/// use mailwright_auth::{Cost, Verifier};
///
/// let salt = [7; 16]; // random in earnest
/// let cost = Cost::new(64, 1, 1)?; // much too cheap in earnest
/// let verifier = Verifier::hash(b"correct horse", salt, cost)?;
/// assert_eq!(Verifier::parse(verifier.as_text()).as_ref(), Ok(&verifier));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier {
    digest: Digest,
    /// Of each hash at most one.
    scram: Vec<ScramKeys>,
    text: String,
}

impl Verifier {
    /// Hashes a password. It takes as long as checking one: not on a thread that serves others.
    ///
    /// `salt` is random, or that of another password of the same account; see [`Verifier::sibling`].
    ///
    /// # Errors
    /// [`VerifierError::OutOfMemory`].
    pub fn hash(password: &[u8], salt: [u8; 16], cost: Cost) -> Result<Self, VerifierError> {
        Self::hash_with_salt(password, &salt, cost, HASH_LEN)
    }

    /// Hashes another password of the same account (an app password) with the salt and cost of this one, so
    /// that one evaluation of Argon2 checks against both; see [`PasswordCheck`](crate::PasswordCheck).
    ///
    /// # Errors
    /// [`VerifierError::OutOfMemory`]; [`VerifierError::Scram`] if this one has keys for SCRAM, which cannot carry the
    /// password.
    pub fn sibling(&self, password: &[u8]) -> Result<Self, VerifierError> {
        let Digest { cost, salt, hash } = &self.digest;
        let sibling = Self::hash_with_salt(password, salt, *cost, hash.len())?;
        self.scram.iter().try_fold(sibling, |sibling, keys| Ok(sibling.with_scram(keys.sibling(password)?)))
    }

    /// With keys of the same password for SCRAM, in the place of those by the same hash.
    ///
    /// They make guessing cheaper for whoever steals the text: each guess takes the iterations of the cheapest keys, and
    /// no memory, where argon2id alone has both.
    pub fn with_scram(mut self, keys: ScramKeys) -> Self {
        self.scram.retain(|other| other.hash() != keys.hash());
        self.scram.push(keys);
        Self::new(self.digest, self.scram, self.text.split(' ').next().unwrap_or_default())
    }

    fn new(digest: Digest, scram: Vec<ScramKeys>, phc: &str) -> Self {
        let mut text = phc.to_owned();
        for keys in &scram {
            text.push(' ');
            text.push_str(&keys.to_text());
        }
        Self { digest, scram, text }
    }

    fn hash_with_salt(
        password: &[u8],
        salt: &[u8],
        cost: Cost,
        octets: usize,
    ) -> Result<Self, VerifierError> {
        let mut hash = SmallVec::from_elem(0, octets);
        if !argon2id(password, salt, cost, &mut hash) {
            return Err(VerifierError::OutOfMemory);
        }
        let digest = Digest { cost, salt: salt.into(), hash };
        let phc = digest.to_phc().ok_or(VerifierError::Syntax)?;
        Ok(Self::new(digest, Vec::new(), &phc))
    }

    /// Reads a text whose cost is within the default [`CostLimits`].
    ///
    /// # Errors
    /// [`VerifierError`], by what is wrong with it. Nothing is computed, nor allocated by the text's
    /// own numbers.
    pub fn parse(text: &str) -> Result<Self, VerifierError> {
        Self::parse_within(text, &CostLimits::default())
    }

    /// Reads a text whose cost is within `limits`.
    ///
    /// # Errors
    /// As [`Verifier::parse`].
    pub fn parse_within(text: &str, limits: &CostLimits) -> Result<Self, VerifierError> {
        let mut parts = text.split(' ');
        let digest = Digest::parse(parts.next().unwrap_or_default(), limits)?;
        let mut scram = Vec::<ScramKeys>::new();
        for part in parts {
            let keys = ScramKeys::parse(part)?;
            if scram.iter().any(|other| other.hash() == keys.hash()) {
                return Err(VerifierError::Syntax);
            }
            scram.push(keys);
        }
        let phc = digest.to_phc().ok_or(VerifierError::Syntax)?;
        Ok(Self::new(digest, scram, &phc))
    }

    /// The text, to be stored where nobody else reads it.
    pub fn as_text(&self) -> &str {
        &self.text
    }

    /// What a check against it costs. If it is not what new passwords cost, hash the password anew when its
    /// owner logs in next.
    pub fn cost(&self) -> Cost {
        self.digest.cost
    }

    /// The keys for SCRAM by this hash, if there are any.
    pub fn scram(&self, hash: ScramHash) -> Option<&ScramKeys> {
        self.scram.iter().find(|keys| keys.hash() == hash)
    }

    pub(super) fn digest(&self) -> &Digest {
        &self.digest
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("cost", &self.digest.cost)
            .field("scram", &self.scram)
            .finish_non_exhaustive()
    }
}

/// The parameters' names, in the order in which everybody writes them.
const NAMES: [Ident; 3] = [Ident::new_unwrap("m"), Ident::new_unwrap("t"), Ident::new_unwrap("p")];

/// What a check needs of a verifier.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Digest {
    pub(super) cost: Cost,
    pub(super) salt: SmallVec<[u8; 16]>,
    pub(super) hash: SmallVec<[u8; 32]>,
}

impl Digest {
    /// Reads a PHC string.
    fn parse(text: &str, limits: &CostLimits) -> Result<Self, VerifierError> {
        if text.len() > PHC_MAX {
            return Err(VerifierError::Syntax);
        }
        if !text.starts_with("$argon2id$") {
            return Err(VerifierError::Algorithm);
        }
        let parsed = PasswordHash::new(text).map_err(|_| VerifierError::Syntax)?;
        // Text without a version is of the old version 16.
        if parsed.version != Some(Version::V0x13.into()) {
            return Err(VerifierError::Version);
        }
        let mut numbers = [0; 3];
        let mut pairs = parsed.params.iter();
        for (number, name) in numbers.iter_mut().zip(NAMES) {
            let (_, value) = pairs.next().filter(|pair| pair.0 == name).ok_or(VerifierError::Parameters)?;
            *number = value.decimal().map_err(|_| VerifierError::Parameters)?;
        }
        if pairs.next().is_some() {
            return Err(VerifierError::Parameters);
        }
        let [memory_kib, passes, lanes] = numbers;
        let cost = Cost::new_within(memory_kib, passes, lanes, limits)?;
        let (Some(salt), Some(hash)) = (parsed.salt, parsed.hash) else {
            return Err(VerifierError::Syntax);
        };
        if hash.len() < HASH_MIN {
            return Err(VerifierError::ShortHash(HASH_MIN));
        }
        Ok(Self { cost, salt: salt.as_ref().into(), hash: hash.as_bytes().into() })
    }

    /// None for a salt or hash of a length that PHC strings cannot have.
    fn to_phc(&self) -> Option<String> {
        let mut params = ParamsString::new();
        for (name, number) in
            NAMES.into_iter().zip([self.cost.memory_kib(), self.cost.passes(), self.cost.lanes()])
        {
            params.add_decimal(name, number).ok()?;
        }
        let text = PasswordHash {
            algorithm: ARGON2ID_IDENT,
            version: Some(Version::V0x13.into()),
            params,
            salt: Some(Salt::new(&self.salt).ok()?),
            hash: Some(Output::new(&self.hash).ok()?),
        };
        Some(text.to_string())
    }
}

/// Fills `hash`. False if there is no memory for it.
pub(super) fn argon2id(password: &[u8], salt: &[u8], cost: Cost, hash: &mut [u8]) -> bool {
    cost.params(hash.len()).is_ok_and(|params| {
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        argon2.hash_password_into(password, salt, hash).is_ok()
    })
}
