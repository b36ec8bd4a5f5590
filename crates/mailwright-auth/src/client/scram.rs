//! SCRAM (RFC 5802, RFC 7677), with and without channel binding.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mailwright_core::Secret;
use subtle::ConstantTimeEq as _;

use super::error::{ClientError, check};
use super::setting::Setting;
use super::step::Step;
use crate::error::Part;
use crate::mechanism::Credentials;
use crate::scram::message::{self, ServerFinal, ServerFirst, saslname};
use crate::scram::{ScramHash, TLS_EXPORTER, auth_message, prepare, xor};

#[derive(Debug)]
pub(super) enum State {
    Start(Start),
    /// `client-first-message` is said.
    First(First),
    /// So is `client-final-message`: this is what the server has to answer.
    Final {
        signature: Secret,
    },
    /// The server has shown that it knows the password's keys.
    Shown,
}

#[derive(Debug)]
pub(super) struct Start {
    hash: ScramHash,
    binds: bool,
    user: String,
    authzid: Option<String>,
    password: Secret,
}

#[derive(Debug)]
pub(super) struct First {
    hash: ScramHash,
    password: Secret,
    nonce: String,
    gs2_header: String,
    /// `client-first-message-bare`
    bare: String,
    /// `cbind-input`, with what nobody but both ends may know.
    bound: Secret,
}

impl State {
    pub(super) fn start(
        hash: ScramHash,
        binds: bool,
        credentials: &Credentials,
    ) -> Result<Self, ClientError> {
        let Credentials { user, authzid, password } = credentials;
        check(user.as_bytes(), Part::User, b"\0")?;
        check(password.expose(), Part::Password, b"")?;
        let text =
            std::str::from_utf8(password.expose()).map_err(|_| ClientError::NotUtf8(Part::Password))?;
        let prepared = |text, part| prepare(text).ok_or(ClientError::Forbidden(part));
        let user = prepared(user, Part::User)?.into_owned();
        let password = Secret::new(prepared(text, Part::Password)?.into_owned().into_bytes());
        if let Some(authzid) = authzid {
            check(authzid.as_bytes(), Part::Authzid, b"\0")?;
        }
        Ok(Self::Start(Start { hash, binds, user, authzid: authzid.clone(), password }))
    }

    pub(super) fn step(
        self,
        challenge: Option<&[u8]>,
        setting: &Setting,
    ) -> Result<(Self, Step), ClientError> {
        let challenge = match challenge {
            Some(octets) if octets.len() > setting.limits.challenge_max => {
                return Err(ClientError::TooLong(setting.limits.challenge_max));
            }
            Some(octets) => Some(std::str::from_utf8(octets).map_err(|_| ClientError::Malformed)?),
            None => None,
        };
        match (self, challenge) {
            (Self::Start(start), None) => {
                let first = start.first(setting)?;
                let message = format!("{}{}", first.gs2_header, first.bare);
                Ok((Self::First(first), respond(message)))
            }
            (Self::First(first), Some(challenge)) => {
                let (message, signature) = first.prove(challenge, setting)?;
                Ok((Self::Final { signature }, respond(message)))
            }
            (Self::Final { signature }, Some(challenge)) => match message::server_final(challenge)? {
                ServerFinal::Verifier(shown) => {
                    let shown = STANDARD.decode(shown).map_err(|_| ClientError::Malformed)?;
                    if !bool::from(signature.expose().ct_eq(&shown)) {
                        return Err(ClientError::WrongServer);
                    }
                    Ok((Self::Shown, respond(String::new())))
                }
                ServerFinal::Error(error) => Err(ClientError::of_server(error)),
            },
            _ => Err(ClientError::Unexpected),
        }
    }
}

impl Start {
    fn first(self, setting: &Setting) -> Result<First, ClientError> {
        let Self { hash, binds, user, authzid, password } = self;
        let exporter = setting.exporter.filter(|_| binds);
        let flag = match (binds, exporter, setting.exporter) {
            (true, Some(_), _) => format!("p={TLS_EXPORTER}"),
            (true, None, _) => return Err(ClientError::NoBinding),
            // RFC 5802 §6: so the server sees whether somebody took -PLUS out of its offer.
            (false, _, Some(_)) => "y".to_owned(),
            (false, _, None) => "n".to_owned(),
        };
        let authzid = authzid.map_or(String::new(), |authzid| format!("a={}", saslname(&authzid)));
        let gs2_header = format!("{flag},{authzid},");
        let nonce = STANDARD.encode(setting.nonce);
        let bare = format!("n={},r={nonce}", saslname(&user));
        let mut bound = gs2_header.clone().into_bytes();
        bound.extend_from_slice(exporter.as_ref().map_or(&[], |exporter| exporter.as_bytes()));
        Ok(First { hash, password, nonce, gs2_header, bare, bound: Secret::new(bound) })
    }
}

impl First {
    /// `client-final-message`, and the signature that the server is to answer with.
    fn prove(self, server_first: &str, setting: &Setting) -> Result<(String, Secret), ClientError> {
        if let Ok(ServerFinal::Error(error)) = message::server_final(server_first) {
            return Err(ClientError::of_server(error));
        }
        let ServerFirst { nonce, salt, iterations } = message::server_first(server_first)?;
        let has_own = nonce.strip_prefix(&self.nonce).is_some_and(|of_server| !of_server.is_empty());
        if !has_own {
            return Err(ClientError::Nonce);
        }
        let max = setting.limits.iterations_max;
        if iterations > max {
            return Err(ClientError::Iterations { wanted: iterations, max });
        }
        let salt = STANDARD.decode(salt).map_err(|_| ClientError::Malformed)?;
        let without_proof = format!("c={},r={nonce}", STANDARD.encode(self.bound.expose()));
        let hash = self.hash;
        let salted = hash.salted_password(self.password.expose(), &salt, iterations);
        let client_key = Secret::new(hash.hmac(salted.expose(), &[b"Client Key"]).into_vec());
        let server_key = hash.hmac(salted.expose(), &[b"Server Key"]);
        let message = auth_message(&self.bare, server_first, &without_proof);
        let signature = hash.hmac(&hash.digest(client_key.expose()), &message);
        let proof = STANDARD.encode(xor(client_key.expose(), &signature));
        let of_server = Secret::new(hash.hmac(&server_key, &message).into_vec());
        Ok((format!("{without_proof},p={proof}"), of_server))
    }
}

fn respond(message: String) -> Step {
    Step::Respond(Secret::new(message.into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::ClientLimits;

    /// The client's side of the examples in RFC 5802 §5 and RFC 7677 §3.
    #[test]
    fn the_examples_of_the_rfcs() {
        for (hash, nonce, of_server, salt, proof, shown) in [
            (
                ScramHash::Sha1,
                "fyko+d2lbbFgONRv9qkxdawL",
                "3rfcNHYJY1ZVvWVs7j",
                "QSXCR+Q6sek8bf92",
                "v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
                "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
            ),
            (
                ScramHash::Sha256,
                "rOprNGfwEbeRWgbNEkqO",
                "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
                "W22ZaJ0SNY7soEsUEjb6gQ==",
                "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
                "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
            ),
        ] {
            let setting = Setting { limits: ClientLimits::default(), nonce: [0; 18], exporter: None };
            let first = First {
                hash,
                password: "pencil".into(),
                nonce: nonce.to_owned(),
                gs2_header: "n,,".to_owned(),
                bare: format!("n=user,r={nonce}"),
                bound: "n,,".into(),
            };
            let challenge = format!("r={nonce}{of_server},s={salt},i=4096");
            let (state, said) = State::First(first).step(Some(challenge.as_bytes()), &setting).unwrap();
            let Step::Respond(said) = said else { panic!() };
            let expected = format!("c=biws,r={nonce}{of_server},p={proof}");
            assert_eq!(String::from_utf8_lossy(said.expose()), expected);
            let (state, _) = state.step(Some(shown.as_bytes()), &setting).unwrap();
            assert!(matches!(state, State::Shown));
        }
    }
}
