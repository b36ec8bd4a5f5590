//! OAUTHBEARER, XOAUTH2, EXTERNAL and CRAM-MD5 as tables.
#![expect(clippy::unwrap_used, clippy::panic, reason = "that is how tests fail")]

use mailwright_auth::client::{self, ClientError, Given};
use mailwright_auth::{
    AuthError, Credentials, Exchange, ExchangeLimits, Mechanism, Part, Step, Token, TokenRefusal,
};
use proptest::prelude::*;

const NONCE: [u8; 18] = [0; 18];

/// User and token, of an initial response.
fn read(mechanism: Mechanism, message: &str) -> Result<(Option<String>, String), AuthError> {
    let mut exchange = Exchange::start(mechanism, NONCE);
    match exchange.step(Some(message.as_bytes())) {
        Step::Token(Token { user, token }) => Ok((user, String::from_utf8(token.expose().to_vec()).unwrap())),
        Step::Failed(error) => Err(error),
        other => panic!("{other:?}"),
    }
}

#[test]
fn oauthbearer() {
    use AuthError::{Empty, Forbidden, Syntax, TooLong};
    let token = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==";
    let user = Some("user@example.com");
    let long = format!("n,,\x01auth=Bearer {}\x01\x01", "x".repeat(8193));
    for (message, found) in [
        // RFC 7628 §4.1
        (
            "n,a=user@example.com,\x01host=server.example.com\x01port=143\x01auth=Bearer \
             vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\x01\x01",
            Ok((user, token)),
        ),
        ("n,,\x01auth=Bearer x\x01\x01", Ok((None, "x"))),
        ("y,a=a=2Cb,\x01auth=bEARER x\x01\x01", Ok((Some("a,b"), "x"))),
        ("n,,\x01auth=Bearer   x\x01what=ever it is\x01\x01", Ok((None, "x"))),
        // §4.3
        (
            "n,a=user@example.com,\x01host=server.example.com\x01port=143\x01auth=\x01\x01",
            Err(Empty(Part::Token)),
        ),
        ("n,,\x01auth=Bearer \x01\x01", Err(Empty(Part::Token))),
        ("\x01", Err(Syntax)),
        ("", Err(Syntax)),
        ("n,,\x01\x01", Err(Syntax)),
        ("n,,\x01host=x\x01\x01", Err(Syntax)),
        ("n,,\x01auth=Basic x\x01\x01", Err(Syntax)),
        ("n,,\x01auth=Bearer x", Err(Syntax)),
        ("n,,auth=Bearer x\x01\x01", Err(Syntax)),
        ("n,,\x01auth=Bearer x\x01auth=Bearer y\x01\x01", Err(Syntax)),
        ("n,a=\x01auth=Bearer x\x01\x01", Err(Syntax)),
        ("n,,\x01auth\x01\x01", Err(Syntax)),
        ("n,,\x01auth=Bearer x y\x01\x01", Err(Forbidden(Part::Token))),
        ("n,,\x01auth=Bearer x\r\n\x01\x01", Err(Forbidden(Part::Token))),
        ("n,a=a\nb,\x01auth=Bearer x\x01\x01", Err(Forbidden(Part::User))),
        (&long, Err(TooLong { part: Part::Token, max: 8192 })),
    ] {
        let found =
            found.map(|(user, token): (Option<&str>, &str)| (user.map(str::to_owned), token.to_owned()));
        assert_eq!(read(Mechanism::OAuthBearer, message), found, "{message:?}");
    }
}

#[test]
fn xoauth2() {
    use AuthError::{Empty, Syntax};
    for (message, found) in [
        ("user=tim@example.org\x01auth=Bearer ya29.vF9\x01\x01", Ok("tim@example.org")),
        ("user=\x01auth=Bearer x\x01\x01", Err(Empty(Part::User))),
        ("user=tim\x01auth=Bearer \x01\x01", Err(Empty(Part::Token))),
        ("auth=Bearer x\x01\x01", Err(Syntax)),
        ("user=tim", Err(Syntax)),
        ("n,a=tim,\x01auth=Bearer x\x01\x01", Err(Syntax)),
    ] {
        let read = read(Mechanism::XOAuth2, message).map(|read| read.0);
        assert_eq!(read, found.map(|user| Some(user.to_owned())), "{message:?}");
    }
}

/// RFC 7628 §3.2.2: why, a response that says nothing, and the end.
#[test]
fn a_token_is_refused() {
    let why = TokenRefusal {
        scope: Some("mail \"all\"\u{7}".to_owned()),
        openid_configuration: Some("https://example.org/.well-known/openid-configuration".to_owned()),
        ..TokenRefusal::default()
    };
    let token = Token { user: Some("tim".to_owned()), token: "x".into() };
    for (mechanism, told, heard) in [
        (
            Mechanism::OAuthBearer,
            r#"{"status":"invalid_token","scope":"mail \"all\"\u0007","openid-configuration":"https://example.org/.well-known/openid-configuration"}"#,
            &b"\x01"[..],
        ),
        (Mechanism::XOAuth2, r#"{"status":"401","schemes":"bearer","scope":"mail \"all\"\u0007"}"#, b""),
    ] {
        let mut client = client::Exchange::start(mechanism, token.clone(), NONCE).unwrap();
        let mut server = Exchange::start(mechanism, NONCE);
        let client::Step::Respond(initial) = client.step(None) else { panic!() };
        assert!(matches!(server.step(Some(initial.expose())), Step::Token(_)));
        let Step::Challenge(challenge) = server.refuse_token(&why) else { panic!() };
        assert_eq!(String::from_utf8_lossy(&challenge), told);
        let client::Step::Respond(response) = client.step(Some(&challenge)) else { panic!() };
        assert_eq!(response.expose(), heard, "{mechanism}");
        let Step::Failed(error) = server.step(Some(response.expose())) else { panic!() };
        assert_eq!(error, AuthError::TokenRefused);
        assert_eq!(client.step(Some(b"more")), client::Step::Failed(ClientError::Unexpected));
        assert_eq!(client.finish(), Err(ClientError::TooEarly));
    }
}

#[test]
fn what_a_token_cannot_be() {
    for (mechanism, user, token, error) in [
        (Mechanism::OAuthBearer, Some(""), "x", ClientError::Empty(Part::User)),
        (Mechanism::OAuthBearer, Some("a\x01"), "x", ClientError::Forbidden(Part::User)),
        (Mechanism::OAuthBearer, None, "", ClientError::Empty(Part::Token)),
        (Mechanism::OAuthBearer, None, "x\x01", ClientError::Forbidden(Part::Token)),
        (Mechanism::XOAuth2, None, "x", ClientError::Empty(Part::User)),
        (Mechanism::Plain, Some("a"), "x", ClientError::Other),
    ] {
        let token = Token { user: user.map(str::to_owned), token: token.into() };
        let started = client::Exchange::start(mechanism, token, NONCE);
        assert_eq!(started.map(drop), Err(error), "{mechanism} {user:?}");
    }
}

/// RFC 4422 appendix A
#[test]
fn external() {
    for (said, found) in [
        (&b""[..], Ok(None)),
        (b"fred@example.com", Ok(Some("fred@example.com"))),
        (b"a\0", Err(AuthError::Forbidden(Part::Authzid))),
        (b"\xff", Err(AuthError::NotUtf8(Part::Authzid))),
    ] {
        for asked in [false, true] {
            let mut exchange = Exchange::start(Mechanism::External, NONCE);
            if asked {
                assert!(matches!(exchange.step(None), Step::Challenge(text) if text.is_empty()));
            }
            let read = match exchange.step(Some(said)) {
                Step::External(authzid) => Ok(authzid),
                Step::Failed(error) => Err(error),
                other => panic!("{other:?}"),
            };
            assert_eq!(read, found.map(|authzid| authzid.map(str::to_owned)));
        }
    }
    for authzid in [None, Some("fred".to_owned())] {
        let mut client =
            client::Exchange::start(Mechanism::External, Given::External(authzid.clone()), NONCE).unwrap();
        let client::Step::Respond(said) = client.step(None) else { panic!() };
        assert_eq!(said.expose(), authzid.unwrap_or_default().as_bytes());
        client.finish().unwrap();
    }
}

/// RFC 2195 §2, of which the digest has to be right to the last digit.
#[test]
fn cram_md5() {
    let given = Credentials { user: "tim".to_owned(), authzid: None, password: "tanstaaftanstaaf".into() };
    let mut client = client::Exchange::start(Mechanism::CramMd5, given, NONCE).unwrap();
    assert_eq!(client.step(None), client::Step::Wait);
    let client::Step::Respond(said) = client.step(Some(b"<1896.697170952@postoffice.reston.mci.net>")) else {
        panic!()
    };
    assert_eq!(String::from_utf8_lossy(said.expose()), "tim b913a602c7eda7a495b4e6e7334d3890");
    client.finish().unwrap();
    // Nothing that a server of ours stores could check it.
    assert!(matches!(Exchange::start(Mechanism::CramMd5, NONCE).step(None), Step::Failed(AuthError::Ended)));
}

mailwright_core::properties! {
    /// What a client can say arrives as it was said.
    #[test]
    fn tokens_arrive(user in "[^\\p{C}]{1,20}", token in "[!-~]{1,40}", xoauth2 in any::<bool>()) {
        let mechanism = if xoauth2 { Mechanism::XOAuth2 } else { Mechanism::OAuthBearer };
        let given = Token { user: Some(user.clone()), token: (&*token).into() };
        let mut client = client::Exchange::start(mechanism, given, NONCE).unwrap();
        let client::Step::Respond(said) = client.step(None) else { panic!() };
        let said = String::from_utf8(said.expose().to_vec()).unwrap();
        prop_assert_eq!(read(mechanism, &said), Ok((Some(user), token)));
    }

    /// Nothing panics, and an end is an end.
    #[test]
    fn any_bytes(messages in prop::collection::vec("[nyp,a=uerth Bx\\x01\\x00é]{0,30}", 1..4), which in 0usize..3) {
        let mechanism = [Mechanism::OAuthBearer, Mechanism::XOAuth2, Mechanism::External][which];
        let limits = ExchangeLimits { token_max: 5, name_max: 4, ..ExchangeLimits::default() };
        let mut exchange = Exchange::start_within(mechanism, NONCE, limits);
        let mut has_ended = false;
        for message in &messages {
            let step = exchange.step(Some(message.as_bytes()));
            prop_assert!(!has_ended || matches!(step, Step::Failed(_)));
            if let Step::Token(Token { user, token }) = &step {
                prop_assert!((1..=5).contains(&token.expose().len()));
                prop_assert!(user.as_ref().is_none_or(|user| (1..=4).contains(&user.len())));
            }
            has_ended |= !matches!(step, Step::Token(_) | Step::Challenge(_));
        }
    }
}
