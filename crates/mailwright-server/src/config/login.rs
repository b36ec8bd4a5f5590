//! How passwords are kept for SCRAM.

use mailwright_auth::ScramHash;
use mailwright_server::Scram;

use super::keys::Login;

impl Login {
    /// What is made of new passwords.
    pub(crate) fn kept(&self) -> Scram {
        Scram {
            // The best first, however they are written.
            hashes: ScramHash::ALL
                .iter()
                .copied()
                .filter(|hash| self.scram.iter().any(|wanted| wanted.value == *hash))
                .collect(),
            iterations: self.scram_iterations.0.try_into().unwrap_or(u32::MAX),
        }
    }
}
