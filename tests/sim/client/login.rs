//! Who a client says that it is (RFC 4954).

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Client, Login, Mechanism, ask};
use crate::scenario::password;
use crate::wire::Wire;

impl Client {
    /// Whether it is logged in.
    pub(super) async fn login(&self, login: &Login, wire: &mut Wire) -> io::Result<bool> {
        let right = password(&login.user);
        if login.slips {
            let code = auth(wire, login, "not the password").await?;
            self.expect_refusal(true, code, "logs in with a wrong password");
        }
        Ok(auth(wire, login, &right).await? == 235)
    }
}

/// Comes to the last reply (RFC 4954 §4).
async fn auth(wire: &mut Wire, login: &Login, password: &str) -> io::Result<u16> {
    let user = &login.user;
    let encoded = |text: &str| STANDARD.encode(text);
    match login.mechanism {
        Mechanism::Plain => {
            ask(wire, &format!("AUTH PLAIN {}", encoded(&format!("\0{user}\0{password}")))).await
        }
        Mechanism::Login => {
            for command in ["AUTH LOGIN".to_owned(), encoded(user)] {
                let code = ask(wire, &command).await?;
                if code != 334 {
                    return Ok(code);
                }
            }
            ask(wire, &encoded(password)).await
        }
    }
}
