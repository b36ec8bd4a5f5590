//! SCRAM as tables: both sides of whole exchanges, each way to fail, and what holds whatever the peer sends.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "that is how tests fail")]

use std::sync::LazyLock;

use mailwright_auth::client::{self, ClientError, ClientLimits, ServerError};
use mailwright_auth::{
    AuthError, Credentials, Exchange, ExchangeLimits, Mechanism, Part, ScramError, ScramHash, ScramKeys,
    ScramProof, Step, Verifier,
};
use mailwright_core::testing::Budget;
use mailwright_core::{TlsExporter, TlsInfo};
use proptest::prelude::*;

const CLIENT: [u8; 18] = *b"the client's nonce";
const SERVER: [u8; 18] = *b"the server's nonce";
/// In base64.
const R: &str = "r=dGhlIGNsaWVudCdzIG5vbmNl";
const RR: &str = "r=dGhlIGNsaWVudCdzIG5vbmNldGhlIHNlcnZlcidzIG5vbmNl";

const SHA_256: Mechanism = Mechanism::Scram(ScramHash::Sha256);
const PLUS: Mechanism = Mechanism::ScramPlus(ScramHash::Sha256);

/// As few iterations as there may be: tests have no time.
fn derive(hash: ScramHash, password: &str, salt: u8) -> ScramKeys {
    ScramKeys::derive(hash, password.as_bytes(), [salt; 16], ScramKeys::ITERATIONS_MIN).unwrap()
}

/// Of "pencil".
static KEYS: LazyLock<ScramKeys> = LazyLock::new(|| derive(ScramHash::Sha256, "pencil", 7));

fn exporter(octet: u8) -> TlsExporter {
    TlsExporter::new([octet; 32])
}

fn credentials(user: &str, authzid: Option<&str>, password: &str) -> Credentials {
    Credentials { user: user.to_owned(), authzid: authzid.map(str::to_owned), password: password.into() }
}

/// How an exchange between both sides ended.
#[derive(Debug, PartialEq, Eq)]
enum Ended {
    /// Both are content.
    Agreed(ScramProof),
    /// The server is not.
    Refused(ScramProof),
    ServerFailed(AuthError),
    ClientFailed(ClientError),
}

/// Brings client and server together, and `twist` into each message between them, by its number.
fn together(
    mut client: client::Exchange,
    mut server: Exchange,
    keys: &[ScramKeys],
    mut twist: impl FnMut(usize, &mut Vec<u8>),
) -> Ended {
    let mut challenge: Option<Vec<u8>> = None;
    for turn in 0.. {
        let mut said = match client.step(challenge.as_deref()) {
            client::Step::Respond(said) => said.expose().to_vec(),
            client::Step::Failed(error) => return Ended::ClientFailed(error),
            other => panic!("{other:?}"),
        };
        twist(turn * 2, &mut said);
        let mut step = server.step(Some(&said));
        if let Step::LookUp(_) = step {
            step = server.keys(keys);
        }
        let mut said = match step {
            Step::Challenge(said) => said,
            Step::Proof(proof) if proof.right.is_some() => {
                client.finish().unwrap();
                return Ended::Agreed(proof);
            }
            Step::Proof(proof) => return Ended::Refused(proof),
            Step::Failed(error) => return Ended::ServerFailed(error),
            other => panic!("{other:?}"),
        };
        twist(turn * 2 + 1, &mut said);
        challenge = Some(said);
    }
    unreachable!()
}

fn both(mechanism: Mechanism, given: Credentials) -> (client::Exchange, Exchange) {
    (client::Exchange::start(mechanism, given, CLIENT).unwrap(), Exchange::start(mechanism, SERVER))
}

fn proof(user: &str, authzid: Option<&str>, right: Option<&ScramKeys>) -> ScramProof {
    ScramProof { user: user.to_owned(), authzid: authzid.map(str::to_owned), right: right.cloned() }
}

#[test]
fn a_whole_exchange() {
    let (client, server) = both(SHA_256, credentials("tim", None, "pencil"));
    let mut transcript = Vec::new();
    let ended = together(client, server, std::slice::from_ref(&KEYS), |number, message| {
        let side = if number % 2 == 0 { 'C' } else { 'S' };
        transcript.push(format!("{side}: {}", String::from_utf8_lossy(message)));
    });
    assert_eq!(ended, Ended::Agreed(proof("tim", None, Some(&KEYS))));
    let head = [
        format!("C: n,,n=tim,{R}"),
        format!("S: {RR},s=BwcHBwcHBwcHBwcHBwcHBw==,i=4096"),
        format!("C: c=biws,{RR},p="),
        "S: v=".to_owned(),
        "C: ".to_owned(),
    ];
    assert_eq!(transcript.len(), head.len());
    for (line, head) in transcript.iter().zip(&head) {
        assert!(line.starts_with(head), "{line}");
    }
    assert_eq!(transcript[1], head[1]);
}

#[test]
fn names_and_passwords_of_all_kinds() {
    for (user, authzid, password) in [
        ("tim", Some("jo"), "pencil"),
        ("a=b,c", Some(",=2C="), "p,=en"),
        ("ü@example.org", None, "пароль 密码"),
        ("tim", None, " "),
        ("tim", None, &"x".repeat(200)),
    ] {
        for &hash in ScramHash::ALL {
            let (client, server) = both(Mechanism::Scram(hash), credentials(user, authzid, password));
            let keys = derive(hash, password, 1);
            let ended = together(client, server, std::slice::from_ref(&keys), |_, _| {});
            assert_eq!(ended, Ended::Agreed(proof(user, authzid, Some(&keys))), "{user} {password}");
        }
    }
    // To act as oneself is to act as nobody else (PLAIN does likewise).
    let (client, server) = both(SHA_256, credentials("tim", Some("tim"), "pencil"));
    let ended = together(client, server, std::slice::from_ref(&KEYS), |_, _| {});
    assert_eq!(ended, Ended::Agreed(proof("tim", None, Some(&KEYS))));
}

/// RFC 4013 §3: one password, however it is typed.
#[test]
fn passwords_are_prepared() {
    for (kept, typed) in [("IX", "I\u{AD}X"), ("IX", "\u{2168}"), ("\u{AA}", "a"), ("a b", "a\u{A0}b")] {
        let (client, server) = both(SHA_256, credentials("tim", None, typed));
        let keys = derive(ScramHash::Sha256, kept, 1);
        let ended = together(client, server, std::slice::from_ref(&keys), |_, _| {});
        assert_eq!(ended, Ended::Agreed(proof("tim", None, Some(&keys))), "{typed:?}");
    }
    for (prohibited, error) in [
        (&b"\x07"[..], ScramError::Password),
        ("\u{627}\u{31}".as_bytes(), ScramError::Password),
        (b"\xff", ScramError::Password),
        (b"", ScramError::Password),
        // Not there when RFC 4013 was written.
        ("\u{1F511}".as_bytes(), ScramError::Password),
    ] {
        let derived = ScramKeys::derive(ScramHash::Sha256, prohibited, [0; 16], 4096);
        assert_eq!(derived, Err(error), "{prohibited:?}");
    }
}

#[test]
fn a_wrong_password_is_refused_and_told_at_once() {
    for wrong in ["Pencil", "pencil ", "p"] {
        let (client, server) = both(SHA_256, credentials("tim", Some("jo"), wrong));
        let ended = together(client, server, std::slice::from_ref(&KEYS), |number, _| assert!(number <= 2));
        assert_eq!(ended, Ended::Refused(proof("tim", Some("jo"), None)));
    }
}

/// App passwords: one salt, and any of the passwords.
#[test]
fn one_of_several_passwords() {
    let phone = KEYS.sibling(b"phone").unwrap();
    let elsewhere = derive(ScramHash::Sha256, "elsewhere", 8);
    let other_hash = derive(ScramHash::Sha1, "other", 7);
    let all = [other_hash, KEYS.clone(), elsewhere, phone];
    for (password, right) in [
        ("pencil", Some(&all[1])),
        ("phone", Some(&all[3])),
        // The client was told another salt.
        ("elsewhere", None),
        ("other", None),
    ] {
        let (client, server) = both(SHA_256, credentials("tim", None, password));
        let ended = together(client, server, &all, |_, _| {});
        let proof = proof("tim", None, right);
        let expected = if right.is_some() { Ended::Agreed(proof) } else { Ended::Refused(proof) };
        assert_eq!(ended, expected, "{password}");
    }
}

/// What a client sees of a user who is not there: the first challenge, and that it fails.
#[test]
fn who_is_not_there_looks_like_who_is() {
    let decoy = |secret: &[u8], login| ScramKeys::decoy(ScramHash::Sha256, secret, login, 4096);
    let challenge = |keys: &ScramKeys| {
        let mut server = Exchange::start(SHA_256, SERVER);
        assert!(matches!(server.step(Some(format!("n,,n=x,{R}").as_bytes())), Step::LookUp(_)));
        let Step::Challenge(said) = server.keys(std::slice::from_ref(keys)) else { panic!() };
        String::from_utf8(said).unwrap()
    };
    let (there, not) = (challenge(&KEYS), challenge(&decoy(b"secret", "x")));
    assert_eq!(there.len(), not.len());
    assert_eq!(not, challenge(&decoy(b"secret", "x")), "a salt stays what it is");
    let others = [challenge(&decoy(b"secret", "y")), challenge(&decoy(b"other", "x")), there];
    assert!(!others.contains(&not));
    for password in ["pencil", "secret", "x"] {
        let (client, server) = both(SHA_256, credentials("x", None, password));
        let ended = together(client, server, &[decoy(b"secret", "x")], |_, _| {});
        assert_eq!(ended, Ended::Refused(proof("x", None, None)));
    }
}

/// RFC 5802 §6, RFC 9266 §3
#[test]
fn channel_binding() {
    let (here, there) = (Some(exporter(1)), Some(exporter(2)));
    let right = || Ended::Agreed(proof("tim", None, Some(&KEYS)));
    for (mechanism, of_client, of_server, ended) in [
        (PLUS, here, here, right()),
        (SHA_256, None, None, right()),
        // It cannot, and says so.
        (SHA_256, None, here, right()),
        // It can, and we do not offer it.
        (SHA_256, here, None, right()),
        // Two connections with somebody in between.
        (PLUS, here, there, Ended::ServerFailed(AuthError::Binding)),
        // Somebody took -PLUS out of what we offer.
        (SHA_256, here, here, Ended::ServerFailed(AuthError::Downgrade)),
        (PLUS, here, None, Ended::ServerFailed(AuthError::Binding)),
        (PLUS, None, here, Ended::ClientFailed(ClientError::NoBinding)),
    ] {
        let (mut client, mut server) = both(mechanism, credentials("tim", None, "pencil"));
        if let Some(exporter) = of_client {
            client = client.bound_to(exporter);
        }
        if let Some(exporter) = of_server {
            server = server.bound_to(exporter);
        }
        let case = format!("{mechanism} {} {}", of_client.is_some(), of_server.is_some());
        assert_eq!(together(client, server, std::slice::from_ref(&KEYS), |_, _| {}), ended, "{case}");
    }
    // Whoever changes what the client says of it has to change what is under the proof.
    let (client, server) = both(SHA_256, credentials("tim", None, "pencil"));
    let client = client.bound_to(exporter(1));
    let ended =
        together(client, server.bound_to(exporter(1)), std::slice::from_ref(&KEYS), |number, message| {
            if number == 0 {
                message[0] = b'n';
            }
        });
    assert_eq!(ended, Ended::ServerFailed(AuthError::Binding));
}

/// What was offered, and what the connection has, decide what is bound.
#[test]
fn an_exchange_of_what_was_offered() {
    let tls = TlsInfo::new("TLS1.3", "", None).with_exporter(Some(exporter(1)));
    let old = TlsInfo::new("TLS1.2", "", None);
    let (plus, plain) = (["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"], ["SCRAM-SHA-256", "PLAIN"]);
    let first = |mechanism: &str, offered: [&str; 2], tls: Option<&TlsInfo>, message: &str| {
        let mut exchange = Exchange::begin(mechanism, &offered.map(str::to_owned), tls, SERVER)?;
        match exchange.step(Some(message.as_bytes())) {
            Step::LookUp(_) => Ok(()),
            Step::Failed(error) => Err(error),
            other => panic!("{other:?}"),
        }
    };
    let (could, binds) = ("y,,n=tim,r=x", "p=tls-exporter,,n=tim,r=x");
    for (mechanism, offered, tls, message, found) in [
        ("scram-sha-256-plus", plus, Some(&tls), binds, Ok(())),
        ("SCRAM-SHA-256", plus, Some(&tls), could, Err(AuthError::Downgrade)),
        ("SCRAM-SHA-256", plus, Some(&old), could, Ok(())),
        ("SCRAM-SHA-256", plain, Some(&tls), could, Ok(())),
        ("SCRAM-SHA-256-PLUS", plus, Some(&old), binds, Err(AuthError::UnknownMechanism)),
        ("SCRAM-SHA-256-PLUS", plus, None, binds, Err(AuthError::UnknownMechanism)),
        ("SCRAM-SHA-512", plus, Some(&tls), binds, Err(AuthError::UnknownMechanism)),
        // Known here, and not offered there.
        ("SCRAM-SHA-1", plus, Some(&tls), "n,,n=tim,r=x", Err(AuthError::UnknownMechanism)),
        ("SCRAM-SHA-1-PLUS", plus, Some(&tls), binds, Err(AuthError::UnknownMechanism)),
        ("SCRAM-SHA-256-PLUS", plain, Some(&tls), binds, Err(AuthError::UnknownMechanism)),
        ("LOGIN", plain, Some(&tls), "tim", Err(AuthError::UnknownMechanism)),
        ("scram-sha-256", plain, None, "n,,n=tim,r=x", Ok(())),
        ("SCRAM-SHA-1", ["scram-sha-1", "plain"], None, "n,,n=tim,r=x", Ok(())),
    ] {
        assert_eq!(first(mechanism, offered, tls, message), found, "{mechanism} {message}");
    }
}

/// What comes of a first message.
fn first(mechanism: Mechanism, message: impl AsRef<[u8]>) -> Result<String, AuthError> {
    let mut server = Exchange::start(mechanism, SERVER);
    if mechanism.binds() {
        server = server.bound_to(exporter(1));
    }
    match server.step(Some(message.as_ref())) {
        Step::LookUp(wanted) => Ok(wanted.user),
        Step::Failed(error) => Err(error),
        other => panic!("{other:?}"),
    }
}

#[test]
fn first_messages() {
    use AuthError::{Binding, Extension, Forbidden, NotUtf8, Syntax, TooLong};
    let long = "x".repeat(321);
    for (message, found) in [
        ("n,,n=tim,r=x", Ok("tim")),
        ("y,,n=tim,r=x", Ok("tim")),
        ("n,a=jo,n=tim,r=x", Ok("tim")),
        ("n,,n=t=2Ci=3Dm,r=x", Ok("t,i=m")),
        ("n,,n=tim,r=x,z=later,Y=also", Ok("tim")),
        ("n,,n=tim,r=!\"~", Ok("tim")),
        ("", Err(Syntax)),
        ("n", Err(Syntax)),
        ("n,,", Err(Syntax)),
        ("n=tim,r=x", Err(Syntax)),
        ("x,,n=tim,r=x", Err(Syntax)),
        ("N,,n=tim,r=x", Err(Syntax)),
        ("n,jo,n=tim,r=x", Err(Syntax)),
        ("n,a=,n=tim,r=x", Err(Syntax)),
        ("n,,n=,r=x", Err(Syntax)),
        ("n,,n=tim", Err(Syntax)),
        ("n,,n=tim,r=", Err(Syntax)),
        ("n,,r=x,n=tim", Err(Syntax)),
        ("n,,n=tim,x=y,r=x", Err(Syntax)),
        ("n,,n=tim,r=a b", Err(Syntax)),
        ("n,,n=tim,r=é", Err(Syntax)),
        ("n,,n=tim,r=x,", Err(Syntax)),
        ("n,,n=tim,r=x,zz=1", Err(Syntax)),
        ("n,,n=tim,r=x,1=1", Err(Syntax)),
        ("n,,n=t=im,r=x", Err(Syntax)),
        ("n,,n=t=2cim,r=x", Err(Syntax)),
        ("n,a=t=,n=tim,r=x", Err(Syntax)),
        ("n,,n=t\0im,r=x", Err(Syntax)),
        ("n,,n=t\nim,r=x", Err(Forbidden(Part::User))),
        ("n,a=j\x1bo,n=tim,r=x", Err(Forbidden(Part::Authzid))),
        ("n,,m=ext,n=tim,r=x", Err(Extension)),
        ("n,,n=tim,r=x,m=ext", Err(Extension)),
        ("p=tls-exporter,,n=tim,r=x", Err(Binding)),
        ("p=,,n=tim,r=x", Err(Syntax)),
        (&format!("n,,n={long},r=x"), Err(TooLong { part: Part::User, max: 320 })),
        (&format!("n,,n=tim,r={long}"), Err(TooLong { part: Part::Nonce, max: 256 })),
        (&"x".repeat(9217), Err(TooLong { part: Part::Response, max: 9216 })),
    ] {
        assert_eq!(first(SHA_256, message), found.map(str::to_owned), "{message:?}");
    }
    assert_eq!(first(SHA_256, b"n,,n=\xff,r=x"), Err(NotUtf8(Part::Response)));
    for (message, found) in [
        ("p=tls-exporter,,n=tim,r=x", Ok("tim")),
        ("p=tls-unique,,n=tim,r=x", Err(Binding)),
        ("p=tls-server-end-point,,n=tim,r=x", Err(Binding)),
        ("n,,n=tim,r=x", Err(Binding)),
        ("y,,n=tim,r=x", Err(Binding)),
    ] {
        assert_eq!(first(PLUS, message), found.map(str::to_owned), "{message:?}");
    }
}

/// What comes of a message after the first challenge: whether it is right, or not even a proof.
fn last(message: &str) -> Result<bool, AuthError> {
    let mut server = Exchange::start(SHA_256, SERVER);
    assert!(matches!(server.step(Some(format!("n,,n=tim,{R}").as_bytes())), Step::LookUp(_)));
    assert!(matches!(server.keys(std::slice::from_ref(&KEYS)), Step::Challenge(_)));
    match server.step(Some(message.as_bytes())) {
        Step::Proof(proof) => Ok(proof.right.is_some()),
        Step::Failed(error) => Err(error),
        other => panic!("{other:?}"),
    }
}

#[test]
fn last_messages() {
    use AuthError::{Binding, Extension, Nonce, Syntax};
    let p = format!("p={}=", "A".repeat(43));
    for (message, found) in [
        (format!("c=biws,{RR},{p}"), Ok(false)),
        (format!("c=biws,{RR},x=y,{p}"), Ok(false)),
        // eSws is "y,,"; biwsAA== has more behind the header.
        (format!("c=eSws,{RR},{p}"), Err(Binding)),
        (format!("c=biwsAA==,{RR},{p}"), Err(Binding)),
        (format!("c=biw,{RR},{p}"), Err(Binding)),
        (format!("c=biws,{R},{p}"), Err(Nonce)),
        (format!("c=biws,{RR}x,{p}"), Err(Nonce)),
        (format!("c=biws,r=x,{p}"), Err(Nonce)),
        (format!("c=biws,{RR}"), Err(Syntax)),
        (format!("c=biws,{RR},p="), Err(Syntax)),
        (format!("c=biws,{RR},p=A"), Err(Syntax)),
        (format!("c=biws,{RR},p=AAAA"), Err(Syntax)),
        (format!("c=biws,{RR},p={}", "A".repeat(44)), Err(Syntax)),
        (format!("c=biws,{RR},{p},x=y"), Err(Syntax)),
        (format!("{RR},c=biws,{p}"), Err(Syntax)),
        (format!("c=biws,{RR},m=x,{p}"), Err(Extension)),
        (String::new(), Err(Syntax)),
    ] {
        assert_eq!(last(&message), found, "{message:?}");
    }
}

/// Steps that our caller takes out of turn.
#[test]
fn out_of_turn() {
    let failed = |step| match step {
        Step::Failed(error) => error,
        other => panic!("{other:?}"),
    };
    let begun = || {
        let mut server = Exchange::start(SHA_256, SERVER);
        let Step::Challenge(empty) = server.step(None) else { panic!("asked to begin") };
        assert_eq!(empty, b"");
        assert!(matches!(server.step(Some(format!("n,,n=tim,{R}").as_bytes())), Step::LookUp(_)));
        server
    };
    assert_eq!(failed(begun().step(Some(b"x"))), AuthError::NotDue);
    assert_eq!(failed(begun().step(None)), AuthError::NoResponse);
    assert_eq!(failed(begun().keys(&[])), AuthError::NoKeys);
    assert_eq!(failed(begun().keys(&[derive(ScramHash::Sha1, "pencil", 1)])), AuthError::NoKeys);
    assert_eq!(failed(Exchange::start(SHA_256, SERVER).keys(&[])), AuthError::NotDue);
    assert_eq!(failed(Exchange::start(Mechanism::Plain, SERVER).keys(&[])), AuthError::NotDue);
    assert_eq!(failed(begun().refuse_token(&mailwright_auth::TokenRefusal::default())), AuthError::NotDue);
    let mut ended = begun();
    let _ = ended.keys(&[]);
    assert_eq!(failed(ended.keys(std::slice::from_ref(&KEYS))), AuthError::NotDue);
    assert_eq!(failed(ended.step(Some(b""))), AuthError::Ended);
}

/// What a client makes of challenges that servers should not send.
#[test]
fn servers_that_are_none() {
    use ClientError::{Extension, Iterations, Malformed, Nonce, Refused, TooLong, WrongServer};
    let start = || {
        let limits = ClientLimits { iterations_max: 5000, challenge_max: 200 };
        let given = credentials("tim", None, "pencil");
        let mut client = client::Exchange::start_within(SHA_256, given, CLIENT, limits).unwrap();
        assert!(matches!(client.step(None), client::Step::Respond(_)));
        client
    };
    for (challenge, error) in [
        (format!("{RR},s=BwcHBw==,i=5001"), Iterations { wanted: 5001, max: 5000 }),
        (format!("{RR},s=BwcHBw==,i=4294967296"), Malformed),
        (format!("{RR},s=BwcHBw==,i=0"), Malformed),
        (format!("{RR},s=BwcHBw==,i=-1"), Malformed),
        (format!("{RR},s=BwcHBw==,i=04096"), Malformed),
        (format!("{RR},s=BwcHBw=,i=4096"), Malformed),
        (format!("{RR},s=,i=4096"), Malformed),
        (format!("{RR},s=BwcHBw=="), Malformed),
        (format!("{R},s=BwcHBw==,i=4096"), Nonce),
        (format!("r=x{R},s=BwcHBw==,i=4096"), Nonce),
        (format!("m=x,{RR},s=BwcHBw==,i=4096"), Extension),
        (format!("{RR},s=BwcHBw==,i=4096,m=x"), Extension),
        (String::new(), Malformed),
        ("e=unknown-user".to_owned(), Refused(ServerError::UnknownUser)),
        ("e=channel-bindings-dont-match".to_owned(), Refused(ServerError::ChannelBinding)),
        ("e=what-nobody-knows".to_owned(), Refused(ServerError::Other)),
        ("x".repeat(201), TooLong(200)),
    ] {
        let mut client = start();
        assert_eq!(client.step(Some(challenge.as_bytes())), client::Step::Failed(error), "{challenge}");
        assert_eq!(client.finish(), Err(ClientError::TooEarly));
    }
    let proven = || {
        let mut client = start();
        let challenge = format!("{RR},s=BwcHBwcHBwcHBwcHBwcHBw==,i=4096,x=passed-over");
        assert!(matches!(client.step(Some(challenge.as_bytes())), client::Step::Respond(_)));
        client
    };
    for (challenge, error) in [
        (format!("v={}=", "A".repeat(43)), WrongServer),
        ("v=AAAA".to_owned(), WrongServer),
        ("v=A".to_owned(), Malformed),
        ("v=".to_owned(), Malformed),
        (String::new(), Malformed),
        ("e=invalid-proof".to_owned(), Refused(ServerError::InvalidProof)),
    ] {
        let mut client = proven();
        assert_eq!(client.step(Some(challenge.as_bytes())), client::Step::Failed(error), "{challenge}");
    }
    assert_eq!(proven().finish(), Err(ClientError::TooEarly), "success, and nothing shown");
}

/// RFC 5803 §2
#[test]
fn texts_of_keys() {
    // PostgreSQL and others write this form: RFC 7677's example.
    let text = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:\
                wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
    let keys = ScramKeys::parse(text).unwrap();
    assert_eq!(keys.to_text(), text);
    assert_eq!((keys.hash(), keys.iterations()), (ScramHash::Sha256, 4096));
    assert_eq!(keys.sibling(b"pencil").as_ref(), Ok(&keys), "the password is pencil");
    for (from, to, error) in [
        ("SCRAM-SHA-256", "SCRAM-SHA-512", ScramError::Scheme),
        ("SCRAM-SHA-256", "scram-sha-256", ScramError::Scheme),
        ("SCRAM-SHA-256", "SCRAM-SHA-1", ScramError::Syntax),
        ("4096", "4095", ScramError::Iterations { min: 4096, max: 10_000_000 }),
        ("4096", "10000001", ScramError::Iterations { min: 4096, max: 10_000_000 }),
        ("4096", "99999999999", ScramError::Syntax),
        ("4096", "+4096", ScramError::Syntax),
        ("4096:", "4096", ScramError::Syntax),
        ("$WG5d", "WG5d", ScramError::Syntax),
        ("W22ZaJ0SNY7soEsUEjb6gQ==", "W22Z", ScramError::Syntax),
        ("W22ZaJ0SNY7soEsUEjb6gQ==", "W22ZaJ0SNY7soEsUEjb6gQ", ScramError::Syntax),
        ("2dU=", "2dU= ", ScramError::Syntax),
        ("2dU=", "2dU", ScramError::Syntax),
    ] {
        assert_eq!(ScramKeys::parse(&text.replace(from, to)), Err(error), "{to}");
    }
    assert_eq!(ScramKeys::parse(""), Err(ScramError::Syntax));
    assert_eq!(ScramKeys::parse(&format!("{text}{}", "=".repeat(200))), Err(ScramError::Syntax));
}

#[test]
fn nothing_secret_is_shown() {
    let mut server = Exchange::start(SHA_256, SERVER);
    let _ = server.step(Some(format!("n,,n=tim,{R}").as_bytes()));
    let _ = server.keys(std::slice::from_ref(&KEYS));
    let shown = format!("{server:?} {:?}", *KEYS);
    let text = KEYS.to_text();
    let stored = text.rsplit(['$', ':']).next().unwrap();
    assert!(!shown.contains(stored) && !shown.contains("stored_key") && shown.contains("4096"), "{shown}");

    let verifier = Verifier::hash(b"pencil", [1; 16], mailwright_auth::Cost::new(64, 1, 1).unwrap()).unwrap();
    let shown = format!("{:?}", verifier.with_scram(KEYS.clone()));
    assert!(!shown.contains(stored) && !shown.contains('$'), "{shown}");
}

fn octets() -> impl Strategy<Value = Vec<u8>> {
    let likely = prop::sample::select(b"n,p=yarcs,=i4096".to_vec());
    prop::collection::vec(prop_oneof![4 => likely, 1 => any::<u8>()], 0..60)
}

/// Message `number` with one bit changed at `place`.
fn flip(number: usize, place: prop::sample::Index, bit: u8) -> impl FnMut(usize, &mut Vec<u8>) {
    move |at, message| {
        if at == number && !message.is_empty() {
            let place = place.index(message.len());
            message[place] ^= 1 << bit;
        }
    }
}

mailwright_core::properties! {
    /// Nothing that a client sends makes the server panic, or lets it in.
    #[test]
    fn any_client(messages in prop::collection::vec(octets(), 1..5), plus in any::<bool>(), valid_first in any::<bool>()) {
        let mut server = Exchange::start(if plus { PLUS } else { SHA_256 }, SERVER).bound_to(exporter(1));
        let begin = format!("{},,n=tim,{R}", if plus { "p=tls-exporter" } else { "n" }).into_bytes();
        let begin = valid_first.then_some(begin);
        for message in begin.iter().chain(&messages) {
            let mut step = server.step(Some(message));
            if let Step::LookUp(wanted) = &step {
                prop_assert!(!wanted.user.is_empty() && !wanted.user.contains(char::is_control));
                step = server.keys(std::slice::from_ref(&KEYS));
            }
            match step {
                Step::Challenge(said) => prop_assert!(said.is_ascii() && said.len() < 600),
                Step::Proof(proof) => prop_assert_eq!(proof.right, None),
                Step::Failed(_) => {}
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }

    /// Nothing that a server sends makes the client panic, or content.
    #[test]
    fn any_server(challenges in prop::collection::vec(octets(), 0..4)) {
        let limits = ClientLimits { iterations_max: 100, ..ClientLimits::default() };
        let given = credentials("tim", None, "pencil");
        let mut client = client::Exchange::start_within(SHA_256, given, CLIENT, limits).unwrap();
        let _ = client.step(None);
        for challenge in &challenges {
            let _ = client.step(Some(challenge));
        }
        prop_assert_eq!(client.finish(), Err(ClientError::TooEarly));
    }
}

mailwright_core::properties! {
    // Each takes the iterations of a client.
    #![budget(Budget::new().floor(24))]

    /// Client and server agree whenever the password is the same, and never when it is not.
    #[test]
    fn both_sides_agree(user in "[a-z=,ü]{1,8}", password in "[ -~à-ö]{1,12}", other in "[ -~]{1,12}", sha1 in any::<bool>()) {
        let hash = if sha1 { ScramHash::Sha1 } else { ScramHash::Sha256 };
        let keys = [derive(hash, &password, 3)];
        for typed in [&password, &other] {
            let (client, server) = both(Mechanism::Scram(hash), credentials(&user, None, typed));
            let ended = together(client, server, &keys, |_, _| {});
            if *typed == password {
                prop_assert_eq!(ended, Ended::Agreed(proof(&user, None, Some(&keys[0]))));
            } else {
                prop_assert_eq!(ended, Ended::Refused(proof(&user, None, None)));
            }
        }
    }

    /// One bit changed on the way, in either direction, and the two never agree.
    #[test]
    fn a_changed_bit_is_seen(number in 0usize..4, place in any::<prop::sample::Index>(), bit in 0u8..7) {
        let (client, server) = both(PLUS, credentials("tim", Some("jo"), "pencil"));
        let (client, server) = (client.bound_to(exporter(1)), server.bound_to(exporter(1)));
        let ended = together(client, server, std::slice::from_ref(&KEYS), flip(number, place, bit));
        prop_assert!(!matches!(ended, Ended::Agreed(_)), "{:?}", ended);
    }
}

#[test]
fn all_that_is_kept_is_bounded() {
    let limits = ExchangeLimits { name_max: 4, nonce_max: 3, ..ExchangeLimits::default() };
    for (message, part, max) in [
        ("n,,n=abcde,r=x", Part::User, 4),
        ("n,a=abcde,n=x,r=x", Part::Authzid, 4),
        ("n,,n=x,r=abcd", Part::Nonce, 3),
    ] {
        let mut server = Exchange::start_within(SHA_256, SERVER, limits);
        let Step::Failed(error) = server.step(Some(message.as_bytes())) else { panic!("{message}") };
        assert_eq!(error, AuthError::TooLong { part, max });
    }
}
