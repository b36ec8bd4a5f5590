//! Logins by SCRAM and by token: whole servers, and our own client of each mechanism.

mod keeping;
mod plus;
mod strangers;

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mailwright_auth::client::{Exchange, Given, Step};
use mailwright_auth::{Credentials, Mechanism, ScramHash, ScramKeys, Token, TokenRefusal};
use mailwright_core::Secret;
use mailwright_store::{BoxFuture, Unavailable};
use tokio::io::AsyncReadExt as _;

use super::*;
use crate::{CheckToken, Scram};

const SHA_256: Mechanism = Mechanism::Scram(ScramHash::Sha256);
const SHA_1: Mechanism = Mechanism::Scram(ScramHash::Sha1);

/// As few iterations as there may be.
fn scram(hashes: &[ScramHash]) -> Scram {
    Scram { hashes: hashes.to_vec(), iterations: ScramKeys::ITERATIONS_MIN }
}

/// ann with keys, and bob, whose password was set before there were any. Both have the password `secret`.
async fn serve(change: impl FnOnce(Server) -> Server) -> Running {
    let settings = Settings { scram: scram(ScramHash::ALL), ..settings(vec![user("bob@a.example", &[])]) };
    let server = Server::new("a.example")
        .password_cost(Cost::new(8, 1, 1).unwrap())
        .decoy_secret([1; 32])
        .settings(settings)
        .account("ann@a.example", "secret")
        .login_without_tls();
    let server = [Service::Submission, Service::Imap, Service::Pop3]
        .into_iter()
        .fold(server, |server, service| server.listen(service, ([127, 0, 0, 1], 0)));
    change(server).start().await.unwrap()
}

/// How each protocol says it.
struct Manner {
    service: Service,
    begin: fn(&str) -> String,
    /// What comes before a challenge, and what success begins with.
    challenge: &'static str,
    yes: &'static str,
}

const MANNERS: [Manner; 3] = [
    Manner { service: Service::Submission, begin: |it| format!("AUTH {it}"), challenge: "334 ", yes: "235 " },
    Manner {
        service: Service::Imap,
        begin: |it| format!("a AUTHENTICATE {it}"),
        challenge: "+ ",
        yes: "a OK",
    },
    Manner { service: Service::Pop3, begin: |it| format!("AUTH {it}"), challenge: "+ ", yes: "+OK" },
];

/// What was said on both sides, but for the client's first words, to the end of the exchange.
async fn log_in(
    running: &Running,
    manner: &Manner,
    mechanism: Mechanism,
    given: impl Into<Given>,
) -> Vec<String> {
    let stream = TcpStream::connect(running.addr(manner.service).unwrap()).await.unwrap();
    converse(stream, manner, mechanism, Exchange::start(mechanism, given, [3; 18]).unwrap()).await
}

/// The same on a connection that is there.
async fn converse(
    io: impl AsyncRead + AsyncWrite + Unpin,
    manner: &Manner,
    mechanism: Mechanism,
    mut exchange: Exchange,
) -> Vec<String> {
    let mut client = Client(BufReader::new(io));
    client.line().await;
    if manner.service == Service::Submission {
        client.ask("EHLO client.example").await;
    }
    let Step::Respond(initial) = exchange.step(None) else { panic!("the client begins") };
    client.say((manner.begin)(mechanism.name())).await;
    let mut transcript = Vec::new();
    let mut waiting = Some(initial);
    loop {
        let line = client.line().await;
        let Some(challenge) = line.strip_prefix(manner.challenge).filter(|_| !line.starts_with(manner.yes))
        else {
            if line.starts_with(manner.yes) {
                exchange.finish().unwrap();
            }
            transcript.push(line);
            // Until it has gone, a maildrop is in use.
            client.say(if manner.service == Service::Imap { "b LOGOUT" } else { "QUIT" }.to_owned()).await;
            client.0.read_to_end(&mut Vec::new()).await.unwrap();
            return transcript;
        };
        let challenge = STANDARD.decode(challenge.trim_end()).unwrap();
        let response = match waiting.take() {
            // Asked for what it could not say at once.
            Some(initial) => initial,
            None => {
                transcript.push(String::from_utf8(challenge.clone()).unwrap());
                match exchange.step(Some(&challenge)) {
                    Step::Respond(response) => response,
                    other => panic!("{other:?}"),
                }
            }
        };
        client.say(STANDARD.encode(response.expose())).await;
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> Client<T> {
    async fn say(&mut self, line: String) {
        self.0.write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        assert_ne!(self.0.read_line(&mut line).await.unwrap(), 0, "the connection is open");
        line
    }
}

fn credentials(user: &str, password: &str) -> Credentials {
    Credentials { user: user.to_owned(), authzid: None, password: password.into() }
}

/// The salt and iterations that a transcript shows.
fn told(transcript: &[String]) -> &str {
    transcript[0].split_once(",s=").unwrap().1
}

#[tokio::test]
async fn by_each_protocol_and_hash() {
    let running = serve(|server| server).await;
    for manner in &MANNERS {
        for mechanism in [SHA_256, SHA_1] {
            for name in ["ann@a.example", "ANN@a.example", "ann"] {
                let said = log_in(&running, manner, mechanism, credentials(name, "secret")).await;
                assert!(said.len() == 3 && said[2].starts_with(manner.yes), "{name} {mechanism}: {said:?}");
                assert!(told(&said).ends_with(",i=4096") && said[1].starts_with("v="), "{said:?}");
            }
            let said = log_in(&running, manner, mechanism, credentials("ann", "Secret")).await;
            assert!(said.len() == 2 && !said[1].starts_with(manner.yes), "{said:?}");
            let authzid = Some("bob@a.example".to_owned());
            let given = Credentials { authzid, ..credentials("ann", "secret") };
            let said = log_in(&running, manner, mechanism, given).await;
            assert!(!said.last().unwrap().starts_with(manner.yes), "nobody acts for others: {said:?}");
        }
    }
    running.shutdown().await;
}

/// Who is there, who has no keys, and who is not there look alike to whoever does not know the password.
#[tokio::test]
async fn unknown_users_look_like_known_ones() {
    let running = serve(|server| server).await;
    let smtp = &MANNERS[0];
    let mut seen = Vec::new();
    for name in ["ann", "bob", "carol", "CAROL@A.example", "carol@a.example"] {
        let said = log_in(&running, smtp, SHA_256, credentials(name, "wrong")).await;
        assert_eq!(said.len(), 2);
        let (salt, iterations) = told(&said).split_once(',').unwrap();
        assert_eq!((salt.len(), iterations), (24, "i=4096"), "{name}");
        let refusal = said[1].split_once(" (").unwrap().0;
        assert_eq!(refusal, "535 5.7.8 authentication failed: user name or password is wrong", "{name}");
        seen.push(salt.to_owned());
    }
    assert_eq!(seen[2], seen[3], "one name, however it is written");
    assert_eq!(seen[2], seen[4]);
    assert!(seen[0] != seen[1] && seen[1] != seen[2] && seen[0] != seen[2]);
    // Whoever comes back after a restart sees the same.
    running.shutdown().await;
    let running = serve(|server| server).await;
    let said = log_in(&running, smtp, SHA_256, credentials("carol", "wrong")).await;
    assert_eq!(told(&said).split_once(',').unwrap().0, seen[2]);
    running.shutdown().await;
}

#[tokio::test]
async fn failures_count_and_lock() {
    let lockout = mailwright_auth::LockoutLimits { failures: 3, ..Default::default() };
    let running = serve(|server| server.lockout(lockout)).await;
    for (name, manner) in ["ann", "bob", "carol"].iter().zip(&MANNERS) {
        let said = log_in(&running, manner, SHA_256, credentials(name, "wrong")).await;
        assert_eq!(said.len(), 2, "{said:?}");
    }
    for manner in &MANNERS {
        let said = log_in(&running, manner, SHA_256, credentials("ann", "secret")).await;
        assert!(said.len() == 1 && said[0].contains("too many failed logins"), "{said:?}");
    }
    running.shutdown().await;
}

/// What is offered, by what was given.
#[tokio::test]
async fn what_is_offered() {
    let offers = async |server: Server| {
        let running = server.listen(Service::Smtps, ([127, 0, 0, 1], 0)).start().await.unwrap();
        let stream = TcpStream::connect(running.addr(Service::Submission).unwrap()).await.unwrap();
        let mut client = Client(BufReader::new(stream));
        client.line().await;
        client.say("EHLO client.example".to_owned()).await;
        let auth = loop {
            let line = client.line().await;
            if let Some(auth) = line[4..].strip_prefix("AUTH ") {
                break auth.trim_end().to_owned();
            }
        };
        running.shutdown().await;
        auth
    };
    let server = |hashes| {
        let settings = Settings { scram: scram(hashes), ..settings(Vec::new()) };
        let server = Server::new("a.example").settings(settings).login_without_tls();
        server.listen(Service::Submission, ([127, 0, 0, 1], 0))
    };
    assert_eq!(offers(server(&[])).await, "PLAIN LOGIN");
    assert_eq!(offers(server(&[ScramHash::Sha256])).await, "SCRAM-SHA-256 PLAIN LOGIN");
    let tokens = server(&[]).tokens(Arc::new(Tokens));
    assert_eq!(offers(tokens).await, "OAUTHBEARER XOAUTH2 PLAIN LOGIN");
}

/// Those that say whose they are.
struct Tokens;

impl CheckToken for Tokens {
    fn check(
        &self,
        _: IpAddr,
        token: Token,
    ) -> BoxFuture<'_, Result<Result<String, TokenRefusal>, Unavailable>> {
        let login = String::from_utf8(token.token.expose().to_vec()).unwrap();
        let known = match login.split_once(':') {
            Some(("of", login)) => Ok(Ok(login.to_owned())),
            Some(_) => Err(Unavailable::default()),
            None => Ok(Err(TokenRefusal { scope: Some("mail".to_owned()), ..TokenRefusal::default() })),
        };
        Box::pin(async { known })
    }
}

#[tokio::test]
async fn tokens_of_users() {
    let users = vec![user("dan@a.example", &["info@a.example"]), user("bob@a.example", &[])];
    let running = serve(|server| server.settings(settings(users)).tokens(Arc::new(Tokens))).await;
    for manner in &MANNERS {
        for mechanism in [Mechanism::OAuthBearer, Mechanism::XOAuth2] {
            let told = async |user: Option<&str>, token: &str| {
                let given = Token { user: user.map(str::to_owned), token: Secret::from(token) };
                let said = log_in(&running, manner, mechanism, given).await;
                let is_in = said.last().unwrap().starts_with(manner.yes);
                (is_in, said)
            };
            for (user, token) in [
                ("dan@a.example", "of:dan@a.example"),
                ("dan", "of:dan@a.example"),
                ("info@a.example", "of:dan@a.example"),
                ("dan@a.example", "of:info@a.example"),
            ] {
                let (is_in, said) = told(Some(user), token).await;
                assert!(is_in && said.len() == 1, "{user} {token} {said:?}");
            }
            for (user, token) in [
                ("dan@a.example", "expired"),
                ("bob@a.example", "of:dan@a.example"),
                ("nobody@a.example", "of:dan@a.example"),
                ("dan@a.example", "of:nobody@a.example"),
            ] {
                let (is_in, said) = told(Some(user), token).await;
                assert!(!is_in && said.len() == 2 && said[0].starts_with("{\"status\":"), "{user} {said:?}");
            }
            let (is_in, said) = told(Some("dan@a.example"), "unknown:").await;
            assert!(!is_in && said.len() == 1, "nothing is known of it, so nothing is said of it: {said:?}");
        }
        let given = Token { user: None, token: Secret::from("of:dan@a.example") };
        let said = log_in(&running, manner, Mechanism::OAuthBearer, given).await;
        assert!(said[0].starts_with(manner.yes), "the token says who it is: {said:?}");
    }
    running.shutdown().await;
}
