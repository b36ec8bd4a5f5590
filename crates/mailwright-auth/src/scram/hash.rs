//! The functions that SCRAM is made of (RFC 5802 §2.2), by each hash.

use hmac::{KeyInit as _, Mac as _, SimpleHmac};
use mailwright_core::Secret;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use smallvec::SmallVec;

/// What a hash function gives.
pub(crate) type Digest = SmallVec<[u8; 32]>;

/// The hash function of a SCRAM mechanism.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ScramHash {
    /// SHA-256 (RFC 7677).
    Sha256,
    /// SHA-1 (RFC 5802), for clients that know no other.
    Sha1,
}

/// Octets that both take at a time, which HMAC fills a key up to (RFC 2104 §2).
const BLOCK: usize = 64;

/// Does the same with the type of each.
macro_rules! by {
    ($hash:expr, $Hash:ident => $done:expr) => {
        match $hash {
            ScramHash::Sha256 => {
                type $Hash = Sha256;
                $done
            }
            ScramHash::Sha1 => {
                type $Hash = Sha1;
                $done
            }
        }
    };
}

impl ScramHash {
    /// All of them, best first.
    pub const ALL: &'static [Self] = &[Self::Sha256, Self::Sha1];

    /// The name of the mechanism without channel binding, which is the scheme of stored keys too (RFC 5803 §2).
    pub fn scheme(self) -> &'static str {
        match self {
            Self::Sha256 => "SCRAM-SHA-256",
            Self::Sha1 => "SCRAM-SHA-1",
        }
    }

    /// Octets of what it gives.
    pub(crate) fn octets(self) -> usize {
        by!(self, Hash => Hash::output_size())
    }

    /// `H(str)`
    pub(crate) fn digest(self, text: &[u8]) -> Digest {
        by!(self, Hash => Digest::from_slice(&Hash::digest(text)))
    }

    /// `HMAC(key, str)`, the text in parts.
    pub(crate) fn hmac(self, key: &[u8], text: &[&[u8]]) -> Digest {
        // Of a block's size, which cannot fail.
        let mut block = [0; BLOCK];
        let hashed = (key.len() > BLOCK).then(|| self.digest(key));
        for (to, from) in block.iter_mut().zip(hashed.as_deref().unwrap_or(key)) {
            *to = *from;
        }
        by!(self, Hash => {
            let mut mac = SimpleHmac::<Hash>::new(&block.into());
            text.iter().for_each(|part| mac.update(part));
            Digest::from_slice(&mac.finalize().into_bytes())
        })
    }

    /// `Hi(str, salt, i)`, which takes its time: an HMAC for each iteration.
    pub(crate) fn salted_password(self, password: &[u8], salt: &[u8], iterations: u32) -> Secret {
        let mut salted = vec![0; self.octets()];
        by!(self, Hash => pbkdf2::pbkdf2_hmac::<Hash>(password, salt, iterations, &mut salted));
        Secret::new(salted)
    }
}

/// `a XOR b`, as long as both.
pub(crate) fn xor(a: &[u8], b: &[u8]) -> Digest {
    a.iter().zip(b).map(|(a, b)| a ^ b).collect()
}
