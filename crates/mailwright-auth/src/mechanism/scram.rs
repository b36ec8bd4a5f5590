//! SCRAM (RFC 5802, RFC 7677), with and without channel binding.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use smallvec::SmallVec;
use subtle::ConstantTimeEq as _;

use super::setting::Setting;
use super::step::{LookUp, Next, ScramProof};
use crate::error::{AuthError, Part};
use crate::scram::message::{self, ClientFinal, ClientFirst, Flag, Gs2};
use crate::scram::{Digest, ScramHash, ScramKeys, TLS_EXPORTER, auth_message, xor};

#[derive(Debug)]
pub(super) enum State {
    Start {
        kind: Kind,
    },
    Asked {
        kind: Kind,
    },
    LookingUp {
        said: Said,
    },
    Challenged {
        said: Said,
        keys: SmallVec<[ScramKeys; 1]>,
        server_first: String,
    },
    /// The client has shown that it knows the password, and has been shown that we know the keys.
    Shown {
        proof: ScramProof,
    },
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    pub(super) hash: ScramHash,
    /// Whether it is the one with -PLUS.
    pub(super) binds: bool,
}

/// What the client has said first.
#[derive(Debug)]
pub(super) struct Said {
    kind: Kind,
    user: String,
    authzid: Option<String>,
    /// Of both sides.
    nonce: String,
    gs2_header: String,
    /// `client-first-message-bare`
    bare: String,
}

impl State {
    pub(super) fn step(self, response: Option<&[u8]>, setting: &Setting) -> Result<Next<Self>, AuthError> {
        match (self, response) {
            (Self::Start { kind }, None) => Ok(Next::Challenge(Self::Asked { kind }, Vec::new())),
            (Self::Start { kind } | Self::Asked { kind }, Some(message)) => {
                let said = Said::read(kind, text(message)?, setting)?;
                let look_up = LookUp { user: said.user.clone(), hash: kind.hash };
                Ok(Next::LookUp(Self::LookingUp { said }, look_up))
            }
            (Self::Challenged { said, keys, server_first }, Some(message)) => {
                said.check(&keys, &server_first, text(message)?, setting)
            }
            // RFC 4422 §5: what comes with success goes as a challenge, which has an empty response.
            (Self::Shown { proof }, Some([])) => Ok(Next::Proof(proof)),
            (Self::Shown { .. }, Some(_)) => Err(AuthError::Syntax),
            (Self::LookingUp { .. }, Some(_)) => Err(AuthError::NotDue),
            (
                Self::Asked { .. } | Self::LookingUp { .. } | Self::Challenged { .. } | Self::Shown { .. },
                None,
            ) => Err(AuthError::NoResponse),
        }
    }

    /// What was looked up: `server-first-message`.
    pub(super) fn keys(self, found: &[ScramKeys]) -> Result<Next<Self>, AuthError> {
        let Self::LookingUp { said } = self else { return Err(AuthError::NotDue) };
        let mut fitting = found.iter().filter(|keys| keys.hash() == said.kind.hash);
        let first = fitting.next().ok_or(AuthError::NoKeys)?;
        let salt = STANDARD.encode(first.salt());
        let server_first = format!("r={},s={salt},i={}", said.nonce, first.iterations());
        let challenge = server_first.clone().into_bytes();
        let keys = found.iter().cloned().collect();
        Ok(Next::Challenge(Self::Challenged { said, keys, server_first }, challenge))
    }
}

impl Said {
    /// `client-first-message`
    fn read(kind: Kind, text: &str, setting: &Setting) -> Result<Self, AuthError> {
        let Gs2 { header, flag, authzid, rest } = message::gs2(text)?;
        check_flag(kind, flag, setting)?;
        let ClientFirst { user, nonce } = message::client_first(rest)?;
        let limits = &setting.limits;
        if nonce.len() > limits.nonce_max {
            return Err(AuthError::TooLong { part: Part::Nonce, max: limits.nonce_max });
        }
        let name = |written: &str, part| {
            let name = message::name(written).ok_or(AuthError::Syntax)?;
            limits.name(name.as_bytes(), part)
        };
        let user = name(user, Part::User)?;
        let authzid = authzid.map(|written| name(written, Part::Authzid)).transpose()?;
        Ok(Self {
            kind,
            authzid: authzid.filter(|authzid| *authzid != user),
            user,
            nonce: format!("{nonce}{}", STANDARD.encode(setting.nonce)),
            gs2_header: header.to_owned(),
            bare: rest.to_owned(),
        })
    }

    /// `client-final-message`
    fn check(
        self,
        keys: &[ScramKeys],
        server_first: &str,
        text: &str,
        setting: &Setting,
    ) -> Result<Next<State>, AuthError> {
        let ClientFinal { without_proof, binding, nonce, proof } = message::client_final(text)?;
        if nonce != self.nonce {
            return Err(AuthError::Nonce);
        }
        // RFC 5802 §6: the client says again what it said of channel binding, this time under its proof.
        if binding != STANDARD.encode(self.bound(setting)?) {
            return Err(AuthError::Binding);
        }
        let hash = self.kind.hash;
        let proof = STANDARD.decode(proof).map_err(|_| AuthError::Syntax)?;
        if proof.len() != hash.octets() {
            return Err(AuthError::Syntax);
        }
        let message = auth_message(&self.bare, server_first, without_proof);
        let mut right: Option<(&ScramKeys, Digest)> = None;
        // All of the same salt, whichever is right: how long it takes tells nothing.
        let told = keys.iter().find(|keys| keys.hash() == hash);
        for keys in keys.iter().filter(|keys| told.is_some_and(|told| told.is_sibling(keys))) {
            let client_key = xor(&proof, &hash.hmac(keys.stored_key(), &message));
            let signature = hash.hmac(keys.server_key(), &message);
            if bool::from(hash.digest(&client_key).ct_eq(keys.stored_key())) {
                right = right.or(Some((keys, signature)));
            }
        }
        let Self { user, authzid, .. } = self;
        Ok(match right {
            Some((keys, signature)) => {
                let proof = ScramProof { user, authzid, right: Some(keys.clone()) };
                let server_final = format!("v={}", STANDARD.encode(&signature));
                Next::Challenge(State::Shown { proof }, server_final.into_bytes())
            }
            // RFC 5802 §5.1: a failure needs no message of its own.
            None => Next::Proof(ScramProof { user, authzid, right: None }),
        })
    }

    /// `cbind-input`
    fn bound(&self, setting: &Setting) -> Result<Vec<u8>, AuthError> {
        let mut input = self.gs2_header.clone().into_bytes();
        if self.kind.binds {
            input.extend_from_slice(setting.exporter.ok_or(AuthError::Binding)?.as_bytes());
        }
        Ok(input)
    }
}

/// RFC 5802 §6: what the client says of channel binding has to fit what was offered.
fn check_flag(kind: Kind, flag: Flag<'_>, setting: &Setting) -> Result<(), AuthError> {
    match (kind.binds, flag) {
        (true, Flag::Binds(TLS_EXPORTER)) if setting.exporter.is_some() => Ok(()),
        (false, Flag::Cannot) => Ok(()),
        (false, Flag::Could) if setting.exporter.is_none() => Ok(()),
        (false, Flag::Could) => Err(AuthError::Downgrade),
        (true, _) | (false, Flag::Binds(_)) => Err(AuthError::Binding),
    }
}

fn text(message: &[u8]) -> Result<&str, AuthError> {
    std::str::from_utf8(message).map_err(|_| AuthError::NotUtf8(Part::Response))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mechanism::step::ExchangeLimits;

    /// The server's side of the examples in RFC 5802 §5 and RFC 7677 §3: with their nonces, which are of another length
    /// than ours.
    #[test]
    fn the_examples_of_the_rfcs() {
        for (hash, salt, nonce, proof, signature) in [
            (
                ScramHash::Sha1,
                "QSXCR+Q6sek8bf92",
                "fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j",
                "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
                "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
            ),
            (
                ScramHash::Sha256,
                "W22ZaJ0SNY7soEsUEjb6gQ==",
                "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
                "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
                "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
            ),
        ] {
            let keys = ScramKeys::derive(hash, b"pencil", [0; 16], 4096).unwrap();
            let salted = format!("{}$4096:{salt}$", hash.scheme());
            // Their salts are not all of our length either: derived as a sibling of keys with that salt.
            let (_, of_other_salt) =
                keys.to_text().rsplit_once('$').map(|it| (it.0.to_owned(), it.1.to_owned())).unwrap();
            let keys =
                ScramKeys::parse(&format!("{salted}{of_other_salt}")).unwrap().sibling(b"pencil").unwrap();
            let client_nonce = &nonce[..if hash == ScramHash::Sha1 { 24 } else { 20 }];
            let said = Said {
                kind: Kind { hash, binds: false },
                user: "user".to_owned(),
                authzid: None,
                nonce: nonce.to_owned(),
                gs2_header: "n,,".to_owned(),
                bare: format!("n=user,r={client_nonce}"),
            };
            let setting = Setting { limits: ExchangeLimits::default(), nonce: [0; 18], exporter: None };
            let Ok(Next::Challenge(state, first)) =
                State::LookingUp { said }.keys(std::slice::from_ref(&keys))
            else {
                panic!()
            };
            assert_eq!(String::from_utf8(first).unwrap(), format!("r={nonce},s={salt},i=4096"));
            let last = format!("c=biws,r={nonce},p={proof}");
            let Ok(Next::Challenge(state, shown)) = state.step(Some(last.as_bytes()), &setting) else {
                panic!()
            };
            assert_eq!(String::from_utf8(shown).unwrap(), signature);
            let Ok(Next::Proof(proof)) = state.step(Some(b""), &setting) else { panic!() };
            assert_eq!((&*proof.user, proof.right), ("user", Some(keys)));
        }
    }
}
