//! No secret is in what a server says of its work, however much it is asked to say: its log, and that of the relay it
//! logs in to, at the level trace, and all that the commands beside it print. Passwords are new in each run.

use std::fmt::Write as _;
use std::fs;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::net::SocketAddr;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::serve_process::Site;
use crate::support::{Dev, Imap, PATIENCE, Tunnel, Wire, free_addrs};

/// The names that log in; also at the relay, which makes a user of whoever comes first.
const EVE: &str = "eve@example.org";
const RELAY: &str = "relay@localhost";

/// A password, and all that gives it away.
#[derive(Debug)]
struct Secret {
    what: &'static str,
    text: String,
    forms: Vec<String>,
}

impl Secret {
    fn new(what: &'static str) -> Self {
        let word = || RandomState::new().build_hasher().finish();
        Self::of(what, format!("{:016x}{:016x}", word(), word()))
    }

    fn of(what: &'static str, text: String) -> Self {
        let octets = text.as_bytes();
        let hex = octets.iter().fold(String::new(), |mut hex, octet| {
            write!(hex, "{octet:02x}").unwrap();
            hex
        });
        let list = format!("{octets:?}").trim_matches(['[', ']']).to_owned();
        let mut forms = vec![text.clone(), hex, list];
        // Wherever it stands in something longer, as in `\0eve\0password`: of the digits those that no neighbour changes.
        for before in 0..3 {
            let digits = STANDARD.encode([&b"\0\0"[..before], octets].concat());
            let (start, end) = ([0, 2, 3][before], (before + octets.len()) * 8 / 6);
            forms.push(digits[start..end].to_owned());
        }
        Self { what, text, forms }
    }

    /// The line that has it in any form, if there is one.
    fn found_in<'a>(&self, said: &'a str) -> Option<&'a str> {
        said.lines().find(|line| self.forms.iter().any(|form| line.contains(form)))
    }

    fn plain(&self, user: &str) -> String {
        STANDARD.encode(format!("\0{user}\0{}", self.text))
    }

    fn encoded(&self) -> String {
        STANDARD.encode(&self.text)
    }
}

#[test]
fn whatever_form_it_has_a_secret_is_found() {
    let secret = Secret::new("a control");
    for user in ["", "a", "ann", "eve@example.org"] {
        assert!(secret.found_in(&format!("x\nAUTH PLAIN {}\n", secret.plain(user))).is_some(), "{secret:?}");
    }
    for said in
        [secret.text.clone(), secret.encoded(), format!("{:?}", format!("a{}", secret.text).as_bytes())]
    {
        assert!(secret.found_in(&said).is_some(), "{said} of {secret:?}");
    }
    assert_eq!(secret.found_in(&Secret::new("another").plain("eve")), None);
}

fn smtp(addr: SocketAddr, right: &Secret, wrong: &Secret) {
    let mut wire = Wire::smtp(addr);
    wire.expect(format!("AUTH PLAIN {}", wrong.plain(EVE)), "535");
    wire.expect("AUTH LOGIN", "334");
    wire.expect(STANDARD.encode(EVE), "334");
    wire.expect(wrong.encoded(), "535");
    // Malformed, by an unknown mechanism, and said to nobody.
    wire.expect(format!("AUTH PLAIN {}!", right.plain(EVE)), "5");
    wire.expect(format!("AUTH XOTHER {}", right.plain(EVE)), "5");
    wire.expect(&right.text, "5");
    wire.expect("AUTH LOGIN", "334");
    wire.expect(STANDARD.encode(EVE), "334");
    wire.expect(right.encoded(), "235");
    let mut wire = Wire::smtp(addr);
    wire.expect("AUTH PLAIN", "334");
    wire.expect(right.plain(EVE), "235");
    wire.expect(format!("MAIL FROM:<{EVE}>"), "250");
    for to in ["bob@example.org", "bob@wrong.example"] {
        wire.expect(format!("RCPT TO:<{to}>"), "250");
    }
    wire.expect("DATA", "354");
    wire.expect("Subject: for others\r\n\r\n.", "250");
    wire.expect("QUIT", "221");
}

fn imap(addr: SocketAddr, right: &Secret, wrong: &Secret) {
    let refused = |command: String| {
        let answer = Imap::connect(addr).ask(command);
        assert!(answer.status.starts_with("NO") || answer.status.starts_with("BAD"), "{answer}");
    };
    refused(format!("LOGIN {EVE} {}", wrong.text));
    refused(format!("LOGIN {EVE} \"{}", right.text));
    refused(format!("AUTHENTICATE PLAIN {}", wrong.plain(EVE)));
    refused(format!("AUTHENTICATE PLAIN {}!", right.plain(EVE)));
    refused(format!("{} LOGIN", right.text));
    Imap::connect(addr).ok(format!("LOGIN {EVE} {}", right.text));
    Imap::connect(addr).ok(format!("LOGIN {EVE} {{{}+}}\r\n{}", right.text.len(), right.text));
    Imap::connect(addr).ok(format!("AUTHENTICATE PLAIN {}", right.plain(EVE)));
    let mut imap = Imap::connect(addr);
    let tag = imap.send("AUTHENTICATE LOGIN");
    for answer in [STANDARD.encode(EVE), right.encoded()] {
        assert!(imap.wire.line().starts_with("+ "));
        imap.wire.send(answer + "\r\n");
    }
    assert!(imap.try_answer(&tag).unwrap().status.starts_with("OK"));
}

fn pop3(addr: SocketAddr, right: &Secret, wrong: &Secret) {
    let mut wire = Wire::pop3(addr);
    wire.expect(format!("PASS {}", wrong.text), "-ERR");
    wire.expect(format!("USER {EVE}"), "+OK");
    wire.expect(format!("PASS {}", wrong.text), "-ERR");
    wire.expect(format!("AUTH PLAIN {}", wrong.plain(EVE)), "-ERR");
    wire.expect(format!("USER {EVE}"), "+OK");
    wire.expect(format!("PASS {}", right.text), "+OK");
    wire.expect("QUIT", "+OK");
    let mut wire = Wire::pop3(addr);
    wire.expect(format!("AUTH PLAIN {}", right.plain(EVE)), "+OK");
    wire.expect("QUIT", "+OK");
}

/// A server whose mail goes to `relay`: with the right password for localhost, with a wrong one for wrong.example.
fn config(relay: &Dev, [smtps, imaps, pop3s]: [SocketAddr; 3]) -> String {
    let mut text = format!(
        "hostname = \"mx.example.org\"\ndomains = [\"example.org\"]\ndata = \"data\"\n\
         tls = {{ certificate = \"chain.pem\", key = \"key.pem\" }}\nlog = {{ filter = \"trace\" }}\n\
         limits = {{ failed_logins = 1000 }}\nstorage = {{ watermark = \"0\", reserve = \"0\" }}\n\
         outbound = {{ authorities = {:?}, nameservers = [\"{smtps}\"] }}\n",
        relay.ca()
    );
    let listeners = [("smtp", "127.0.0.1:0".to_owned()), ("pop3s", "127.0.0.1:0".to_owned())].into_iter();
    let named =
        [("smtps", smtps), ("imaps", imaps), ("pop3s", pop3s)].map(|(name, addr)| (name, addr.to_string()));
    for (service, addr) in listeners.chain(named) {
        write!(text, "[[listener]]\nservice = \"{service}\"\naddress = \"{addr}\"\n").unwrap();
    }
    text += "[[alias]]\naddress = \"bob@example.org\"\nto = [\"bob@localhost\"]\n";
    for (domain, user, file) in [("localhost", RELAY, "relay"), ("wrong.example", "bob@localhost", "wrong")] {
        let via = relay.smtps;
        write!(
            text,
            "[[route]]\ndomains = [\"{domain}\"]\nvia = [\"{via}\"]\ntls = \"implicit\"\nuser = \"{user}\"\n\
             password = {{ file = \"{file}\" }}\n"
        )
        .unwrap();
    }
    text
}

/// Looks until it is there.
#[track_caller]
fn eventually(what: &str, mut is_there: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_there() {
        assert!(Instant::now() < until, "{what}: not after {PATIENCE:?}");
        sleep(Duration::from_millis(20));
    }
}

#[test]
fn of_a_whole_server_with_a_relay() {
    let Some(site) = Site::new() else { return };
    let right = Secret::new("a user's password");
    let wrong = Secret::new("a wrong password");
    let changed = Secret::new("a password that was changed");
    let relays = Secret::new("the password for a relay");
    let refused = Secret::new("a wrong password for a relay");
    site.folder.write("relay", &relays.text);
    site.folder.write("wrong", &refused.text);
    let relay = Dev::start_with(&["--log", "trace", "--log-format", "json"]);
    let addrs @ [smtps, imaps, pop3s] = free_addrs();
    site.write_config(&config(&relay, addrs));

    // What is said by commands, before the server is there and while it is.
    let mut said = String::new();
    let mut command = |args: &[&str], input: &str| {
        let ran = site.admin(&[&["--log", "trace"], args].concat(), input).ok();
        said += &ran.text();
    };
    command(&["config", "check"], "");
    command(&["user", "add", EVE, "--password-stdin"], &changed.text);
    let serve = site.serve();
    command(&["user", "passwd", EVE, "--password-stdin"], &right.text);
    command(&["user", "list"], "");

    let chain = site.path("chain.pem");
    let through = |addr| Tunnel::new(addr, Path::new(&chain));
    let (submission, mailbox, maildrop) = (through(smtps), through(imaps), through(pop3s));
    smtp(submission.addr, &right, &wrong);
    imap(mailbox.addr, &right, &wrong);
    pop3(maildrop.addr, &right, &wrong);
    let name = Secret::new("the name of nobody");
    Wire::smtp(submission.addr).expect(format!("AUTH PLAIN {}", wrong.plain(&name.text)), "535");
    eventually("the relay has the mail", || relay.messages("bob").len() == 1);
    eventually("the relay refuses a password", || serve.log().contains("\"stage\":\"auth\""));
    command(&["queue", "list"], "");
    serve.hang_up();
    eventually("it is configured anew", || serve.log().contains("configuration and certificate reloaded"));
    said += &serve.log();
    assert!(serve.stop().success());
    said += &fs::read_to_string(site.path("log")).unwrap();
    let (_, of_relay) = relay.stop();
    said += &of_relay;

    // Who has logged in, and who has not, is there to be found: what somebody gave as a name, too.
    for part in [EVE, RELAY, "logged in", "authenticated", "login failed", "\"level\":\"DEBUG\""] {
        assert!(said.contains(part), "{part} is not logged:\n{said}");
    }
    assert!(name.found_in(&said).is_some(), "{name:?} is not logged:\n{said}");
    for secret in [right, wrong, changed, relays, refused] {
        assert_eq!(secret.found_in(&said), None, "{} is told", secret.what);
    }
}
