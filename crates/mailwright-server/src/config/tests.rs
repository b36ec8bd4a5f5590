//! Configurations with mistakes, and without.

mod aliases;
mod egress;
mod login;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use mailwright_server::Auth;
use rcgen::{CertificateParams, KeyPair};

use super::*;

/// The hash of nothing that anybody knows.
const HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bWFpbHdyaWdodC1kZW1v$vNRkYM6pAbJr1bVWpnqvbgXNnWqPBDdZcnCbCsZzqBY";

/// A folder with a data directory and a certificate, gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("mailwright-config-{}-{number}", std::process::id()));
        fs::create_dir(&path).unwrap();
        let folder = Self(path);
        fs::create_dir(folder.0.join("data")).unwrap();
        folder.certificate("chain.pem", "key.pem");
        folder
    }

    fn certificate(&self, chain: &str, key: &str) {
        let pair = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["mx.example.org".to_owned()]).unwrap();
        self.write(chain, &params.self_signed(&pair).unwrap().pem());
        self.write(key, &pair.serialize_pem());
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).unwrap();
        fs::set_permissions(self.0.join(name), fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn parse_with(&self, text: &str, environment: &[(&str, &str)]) -> Result<Config, String> {
        let environment =
            environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Config::parse("mail.toml", text, &self.0, &environment)
            .map_err(|report| report.render(false).replace(&self.0.display().to_string(), "FOLDER"))
    }

    fn parse(&self, text: &str) -> Result<Config, String> {
        self.parse_with(text, &[])
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The least there can be.
const SMALL: &str = "hostname = \"mx.example.org\"\ndomains = [\"example.org\"]\ndata = \"data\"\n\
                     [[listener]]\nservice = \"smtp\"\naddress = \"127.0.0.1:0\"\n";

/// Compares lines, so that a difference can be seen.
#[track_caller]
fn same(found: &str, wanted: &str) {
    let lines = |text: &str| text.trim().lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>();
    assert_eq!(lines(found), lines(wanted), "\n{found}");
}

#[test]
fn all_mistakes_are_told_at_once() {
    let text = r#"hostnam = "mx.example.org"
hostname = "mx example"
domains = ["example.org", "example.org"]
data = "nowhere"

[tls]
certificate = "missing.pem"
key = "key.pem"

[[listener]]
service = "smpt"
address = "127.0.0.1:99999"

[[user]]
address = "ann@elsewhere.example"
password = "correct horse"

[limits]
message_size = "25 megs"
recipients = 5
smtp_idle = 300

[log]
format = true
"#;
    let report = Folder::new().parse(text).unwrap_err();
    same(
        &report,
        r#"
  × unknown key `hostnam`
   ╭─[mail.toml:1:1]
 1 │ hostnam = "mx.example.org"
   · ───┬───
   ·    ╰── did you mean `hostname`?
   ╰────
  help: the keys here are: hostname, domains, tag_separator, data, tls, listener, login, submission, outbound, outbound_timeouts, route, source, user, alias, limits, storage, log

  × this is not a domain
   ╭─[mail.toml:2:12]
 2 │ hostname = "mx example"
   ·            ──────┬─────
   ·                  ╰── no name of a host
   ╰────
  help: a domain is like example.org: letters, digits, hyphens and dots

  × example.org stands here twice
   ╭─[mail.toml:3:12]
 3 │ domains = ["example.org", "example.org"]
   ·            ──────┬──────  ──────┬──────
   ·                  │              ╰── again
   ·                  ╰── first here
   ╰────

  × FOLDER/nowhere: No such file or directory (os error 2)
   ╭─[mail.toml:4:8]
 4 │ data = "nowhere"
   ·        ────┬────
   ·            ╰── cannot be used
   ╰────
  help: create it for the user that the server runs as: install -d -m 700 FOLDER/nowhere

  × FOLDER/missing.pem: No such file or directory (os error 2)
   ╭─[mail.toml:7:15]
 7 │ certificate = "missing.pem"
   ·               ──────┬──────
   ·                     ╰── cannot be read
   ╰────

  × this is not a service
    ╭─[mail.toml:11:11]
 11 │ service = "smpt"
    ·           ───┬──
    ·              ╰── did you mean `smtp`?
    ╰────
  help: one of: smtp, smtps, submission, submissions, lmtp, imap, imaps, pop3, pop3s

  × this is not an IP address and a port
    ╭─[mail.toml:12:11]
 12 │ address = "127.0.0.1:99999"
    ·           ────────┬────────
    ·                   ╰── a port is a number from 0 to 65535
    ╰────
  help: write 0.0.0.0:25 for IPv4, [::]:25 for IPv6, 127.0.0.1:25 for this machine only

  × this is no hash of a password
    ╭─[mail.toml:16:12]
 16 │ password = ******** ******
    ·            ───────┬───────
    ·                   ╰── here stands something else
    ╰────
  help: the password itself is written down nowhere
        `mailwright config hash` asks for a password and prints its hash: put that here,
        or into a file and write { file = "..." }, or into a variable and write { env = "..." }

  × this is not a size
    ╭─[mail.toml:19:16]
 19 │ message_size = "25 megs"
    ·                ────┬────
    ·                    ╰── a number and a unit are wanted
    ╰────
  help: from 65536 to 134217728 octets, as 4096, "64 KiB", "25 MiB", "1 GiB" or "10 MB"

  × this is not a number in bounds
    ╭─[mail.toml:20:14]
 20 │ recipients = 5
    ·              ┬
    ·              ╰── out of bounds
    ╰────
  help: from 100 to 100000

  × this is not a time
    ╭─[mail.toml:21:13]
 21 │ smtp_idle = 300
    ·             ─┬─
    ·              ╰── the unit is missing
    ╰────
  help: did you mean "300s"?

  × a format is wanted here
    ╭─[mail.toml:24:10]
 24 │ format = true
    ·          ──┬─
    ·            ╰── this is true or false
    ╰────
  help: put it into quotes

mail.toml: 12 errors
"#,
    );
}

#[test]
fn what_cannot_be_parsed_hides_nothing_else() {
    let report =
        Folder::new().parse("hostname = \"mx\ndomains =\ndata = 1\n[log]\nfilte = \"info\"\n").unwrap_err();
    same(
        &report,
        r#"
  × not TOML: invalid basic string, expected `"`
   ╭─[mail.toml:1:14]
 1 │ hostname = "mx
   ·              ┬
   ·              ╰── here
   ╰────

  × not TOML: string values must be quoted, expected literal string
   ╭─[mail.toml:2:9]
 2 │ domains =
   ·         ┬
   ·         ╰── here
   ╰────

  × a path is wanted here
   ╭─[mail.toml:3:8]
 3 │ data = 1
   ·        ┬
   ·        ╰── this is a number
   ╰────
  help: put it into quotes

  × unknown key `filte` in `log`
   ╭─[mail.toml:5:1]
 5 │ filte = "info"
   · ──┬──
   ·   ╰── did you mean `filter`?
   ╰────
  help: the keys here are: filter, format

mail.toml: 4 errors
"#,
    );
}

/// Whatever is wrong with a password, and in whatever line.
#[test]
fn no_secret_is_shown() {
    let folder = Folder::new();
    folder.write("plain", "correct horse");
    for wrong in [
        "password = \"correct horse\"",
        "password = '''\ncorrect horse'''",
        "password = [\"correct horse\"]",
        "password = { file = \"plain\" }",
        "password = { env = \"PLAIN\" }",
        "password = { literal = \"correct horse\" }",
        "pasword = \"correct horse\"",
        "secret = \"correct horse\"",
        "password = \"correct horse",
        "password = '''\ncorrect horse\n",
        "password = \"$argon2id$correct horse\"",
        "password = \"correct horse\"\naliases = [\"nobody\"]\nuser = 1",
    ] {
        let text = format!("{SMALL}[[user]]\naddress = \"ann@example.org\"\n{wrong}\n");
        let environment = [("PLAIN", "correct horse"), ("MAILWRIGHT__USER__0__PASSWORD2", "correct horse")];
        for environment in [&environment[..1], &environment[..]] {
            let report = folder.parse_with(&text, environment).unwrap_err();
            assert!(!report.contains("correct") && !report.contains("horse"), "{wrong}:\n{report}");
        }
    }
}

#[test]
fn a_hash_may_stand_elsewhere() {
    let folder = Folder::new();
    folder.write("hash", &format!("{HASH}\n"));
    for password in [format!("\"{HASH}\""), "{ file = \"hash\" }".to_owned(), "{ env = \"HASH\" }".to_owned()]
    {
        let text = format!("{SMALL}[[user]]\naddress = \"ann@example.org\"\npassword = {password}\n");
        let config = folder.parse_with(&text, &[("HASH", HASH)]).unwrap();
        assert_eq!(config.root.user[0].password.0.as_text(), HASH);
        assert!(!format!("{config:?}").contains("vNRkYM6p"));
    }
}

#[test]
fn files_that_others_can_read_are_told() {
    let folder = Folder::new();
    let text = format!("{SMALL}[tls]\ncertificate = \"chain.pem\"\nkey = \"key.pem\"\n");
    assert!(folder.parse(&text).unwrap().warnings.is_empty());
    fs::set_permissions(folder.0.join("key.pem"), fs::Permissions::from_mode(0o644)).unwrap();
    let config = folder.parse(&text).unwrap();
    assert!(config.warnings.render(false).contains("chmod o= "));
}

#[test]
fn a_key_that_is_not_the_certificates_is_found() {
    let folder = Folder::new();
    folder.certificate("other.pem", "other-key.pem");
    for (key, why) in
        [("other-key.pem", "not that of the certificate"), ("chain.pem", "no private key in it")]
    {
        let text = format!("{SMALL}[tls]\ncertificate = \"chain.pem\"\nkey = \"{key}\"\n");
        let report = folder.parse(&text).unwrap_err();
        assert!(report.contains(why) && report.contains("mail.toml:9:7"), "{report}");
    }
}

/// In TOML, a key behind a table's name belongs to the table.
#[test]
fn a_key_in_the_wrong_table_is_told_where_it_belongs() {
    let report =
        Folder::new().parse(&format!("{SMALL}[log]\nrecipients = 200\nhostname = \"mx\"\nkey = \"x\"\n"));
    let report = report.unwrap_err();
    for part in ["belongs into [limits]", "belongs to the top, before the first table", "belongs into [tls]"]
    {
        assert!(report.contains(part), "no {part} in:\n{report}");
    }
}

#[test]
fn lmtp_is_not_at_port_25() {
    let folder = Folder::new();
    let text = SMALL.replace("\"smtp\"", "\"lmtp\"").replace("127.0.0.1:0", "127.0.0.1:25");
    let report = folder.parse(&text).unwrap_err();
    assert!(report.contains("LMTP at port 25") && report.contains("24 is often taken"), "{report}");
}

/// What is said of a listener, and where it is wrong.
#[test]
fn rules_of_a_listener_fit_its_service() {
    let folder = Folder::new();
    let listener = |service: &str, rules: &str| {
        let tls = "[tls]\ncertificate = \"chain.pem\"\nkey = \"key.pem\"\n";
        folder.parse(&format!("{}{rules}\n{tls}", SMALL.replace("\"smtp\"", &format!("\"{service}\""))))
    };
    for service in ["smtp", "smtps", "submission", "submissions", "lmtp"] {
        let rules = "auth = \"offered\"\nmessage_size = \"50 MiB\"\nrecipients = 500";
        let config = listener(service, rules).unwrap();
        let found = &config.root.listener[0];
        assert_eq!(found.auth.as_ref().unwrap().value, Auth::Offered);
        assert_eq!(found.message_size.as_ref().unwrap().value.0, 50 << 20);
        assert_eq!(found.recipients.as_ref().unwrap().value.0, 500);
    }
    same(
        &listener("imaps", "auth = \"required\"\nrecipients = 50").unwrap_err(),
        r#"
  × `auth` says nothing of imaps
   ╭─[mail.toml:5:11]
 5 │ service = "imaps"
   ·           ───┬───
   ·              ╰── here
 6 │ address = "127.0.0.1:0"
 7 │ auth = "required"
   ·        ─────┬────
   ·             ╰── mail is only read there
   ╰────
  help: leave it out: smtp, smtps, submission, submissions and lmtp have it

  × this is not a number in bounds
   ╭─[mail.toml:8:14]
 8 │ recipients = 50
   ·              ─┬
   ·               ╰── out of bounds
   ╰────
  help: from 100 to 100000

mail.toml: 2 errors
"#,
    );
    // In clear text nobody says a password.
    let report = folder.parse(&format!("{SMALL}auth = \"required\"\n")).unwrap_err();
    assert!(report.contains("logins need a certificate") && report.contains("mail.toml:7:8"), "{report}");
    assert!(folder.parse(&format!("{SMALL}auth = \"off\"\n")).is_ok());
    let report = folder.parse(&SMALL.replace("\"smtp\"", "\"submission\"")).unwrap_err();
    assert!(report.contains("submission needs a certificate"), "{report}");
}

/// Where nobody logs in, nobody is told.
#[test]
fn lookups_are_for_users() {
    let folder = Folder::new();
    let listener = |service: &str, rules: &str| {
        let tls = "[tls]\ncertificate = \"chain.pem\"\nkey = \"key.pem\"\n";
        folder.parse(&format!("{}{rules}\n{tls}", SMALL.replace("\"smtp\"", &format!("\"{service}\""))))
    };
    for (service, rules) in [
        ("smtp", "lookups = true\nauth = \"offered\""),
        ("smtps", "lookups = true"),
        ("submission", "lookups = true"),
        ("smtp", "lookups = false"),
        // It may tell that its clients have.
        ("lmtp", "lookups = true\nxclient_from = [\"192.0.2.7\"]"),
    ] {
        assert!(listener(service, rules).is_ok(), "{service} {rules}");
    }
    for (service, rules) in [
        ("smtp", "lookups = true"),
        ("lmtp", "lookups = true"),
        ("submission", "lookups = true\nauth = \"off\""),
    ] {
        let report = listener(service, rules).unwrap_err();
        assert!(report.contains("here nobody does") && report.contains("nobody to tell"), "{report}");
        assert!(report.contains("auth = \"offered\"") && report.ends_with("1 error"), "{report}");
    }
}

/// Whom is believed what it says of others; never everybody.
#[test]
fn proxies_are_networks() {
    let folder = Folder::new();
    let keys = |keys: &str| folder.parse(&format!("{SMALL}{keys}\n"));
    let config =
        keys("proxy_from = [\"192.0.2.0/24\", \"2001:db8::1\"]\nxclient_from = [\"192.0.2.7\"]").unwrap();
    let listener = &config.root.listener[0];
    assert_eq!((listener.proxy_from.len(), listener.xclient_from.len()), (2, 1));
    for (wrong, why) in [
        ("0.0.0.0/0", "all addresses there are"),
        ("::/0", "all addresses there are"),
        ("192.0.2.1/24", "the network is 192.0.2.0/24"),
        ("haproxy.example", "not a network such as"),
    ] {
        let report = keys(&format!("proxy_from = [\"{wrong}\"]")).unwrap_err();
        assert!(report.contains("mail.toml:7:15") && report.contains(why), "{report}");
    }
}

#[test]
fn separators_of_tags_are_single() {
    let folder = Folder::new();
    let separator = |text: &str| {
        let config = folder.parse(&format!("tag_separator = \"{text}\"\n{SMALL}"))?;
        Ok::<_, String>(config.root.tag_separator.0)
    };
    assert_eq!((separator("+"), separator("-"), separator("")), (Ok(Some('+')), Ok(Some('-')), Ok(None)));
    assert_eq!(folder.parse(SMALL).unwrap().root.tag_separator.0, Some('+'));
    for wrong in ["++", "@", "a", " ", "é"] {
        let report = separator(wrong).unwrap_err();
        assert!(report.contains("mail.toml:1:17") && report.contains("no such separator"), "{report}");
    }
}

#[test]
fn what_users_send_is_checked_unless_it_is_said() {
    let folder = Folder::new();
    let submission = |text: &str| folder.parse(&format!("{SMALL}[submission]\n{text}\n"));
    let default = folder.parse(SMALL).unwrap().root.submission;
    assert_eq!((default.check_from, default.header_size.0), (true, 256 << 10));
    assert_eq!((default.hold_max.0.as_secs(), default.hold_messages.0), (30 * 86_400, 1000));
    let off = submission("hold_max = \"0s\"").unwrap().root.submission;
    assert!(off.hold_max.0.is_zero());
    assert!(!submission("check_from = false").unwrap().root.submission.check_from);
    let report = submission("check_from = \"no\"").unwrap_err();
    same(
        &report,
        r#"
  × true or false is wanted here
   ╭─[mail.toml:8:14]
 8 │ check_from = "no"
   ·              ──┬─
   ·                ╰── this is text
   ╰────
  help: write one of these words, without quotes

mail.toml: 1 error
"#,
    );
}

#[test]
fn services_that_need_tls_need_a_certificate() {
    let text = SMALL.replace("\"smtp\"", "\"pop3s\"");
    let report = Folder::new().parse(&text).unwrap_err();
    assert!(report.contains("pop3s needs a certificate"), "{report}");
}

/// `mailwright config default` prints what `mailwright config check` takes, and each key is what it is without it.
#[test]
fn the_default_file_is_right_and_says_what_is_so_without_it() {
    let folder = Folder::new();
    let environment = [
        ("MAILWRIGHT__DATA", "data"),
        ("MAILWRIGHT__TLS__CERTIFICATE", "chain.pem"),
        ("MAILWRIGHT__TLS__KEY", "key.pem"),
    ];
    let full = folder.parse_with(&document(), &environment).unwrap();
    assert!(full.warnings.is_empty() && full.certificates.is_some());
    assert_eq!(full.root.listener.len(), 5);
    let small = folder.parse(SMALL).unwrap();
    assert_eq!((&full.root.limits, &full.root.log), (&small.root.limits, &small.root.log));
    // What is commented out is right, too.
    let user: String = document()
        .lines()
        .filter(|line| !line.starts_with("# "))
        .fold(String::new(), |text, line| format!("{text}{}\n", line.strip_prefix('#').unwrap_or(line)));
    let environment =
        [&environment[..], &[("RELAY_PASSWORD", "secret"), ("PROXY_PASSWORD", "secret")]].concat();
    let full = folder.parse_with(&user, &environment).unwrap();
    assert_eq!(full.root.user[0].address.value.to_string(), "ann@example.org");
    assert_eq!(full.root.alias[0].address.value.to_string(), "sales@example.org");
}

#[test]
fn every_key_is_documented() {
    let document = document();
    for line in document.lines().filter(|line| line.contains(" = ")) {
        assert!(!line.starts_with("# ") || line.contains('`') || line.contains("{ "), "{line}");
    }
    assert!(document.lines().filter(|line| line.starts_with("# ")).all(|line| line.chars().count() <= 110));
}

#[test]
fn the_environment_goes_before_the_file() {
    let folder = Folder::new();
    let config = folder
        .parse_with(
            SMALL,
            &[
                ("MAILWRIGHT__HOSTNAME", "mail.example.org"),
                ("MAILWRIGHT__DOMAINS", "[\"a.example\", \"b.example\"]"),
                ("MAILWRIGHT__LIMITS__RECIPIENTS", "200"),
                ("MAILWRIGHT__LIMITS__MESSAGE_SIZE", "1 MiB"),
                ("MAILWRIGHT__LISTENER__0__ADDRESS", "127.0.0.1:2525"),
                ("MAILWRIGHT_LOG", "is another"),
            ],
        )
        .unwrap();
    let Root { hostname, domains, limits, listener, .. } = config.root;
    assert_eq!((hostname.as_str(), domains.value.len()), ("mail.example.org", 2));
    assert_eq!((limits.recipients.0, limits.message_size.0), (200, 1 << 20));
    assert_eq!(listener[0].address.value.port(), 2525);

    let report = folder.parse_with(
        SMALL,
        &[("MAILWRIGHT__LIMITS__RECIPIENTS", "many"), ("MAILWRIGHT__LISTENER__7__ADDRESS", "x")],
    );
    same(
        &report.unwrap_err(),
        r#"
  × this is not a number in bounds
   ╭─[the environment:1:32]
 1 │ MAILWRIGHT__LIMITS__RECIPIENTS=many
   ·                                ──┬─
   ·                                  ╰── this is text
   ╰────
  help: a number from 100 to 100000, without quotes

  × MAILWRIGHT__LISTENER__7__ADDRESS names no key
   ╭─[the environment:1:1]
 1 │ MAILWRIGHT__LISTENER__7__ADDRESS=x
   · ────────────────┬───────────────
   ·                 ╰── leads nowhere
   ╰────
  help: keys are joined by two underscores: MAILWRIGHT__LIMITS__RECIPIENTS

mail.toml: 2 errors
"#,
    );
}

#[test]
fn changes_are_told_by_key() {
    let folder = Folder::new();
    let old = folder.parse(SMALL).unwrap();
    let text = SMALL.replace("mx.example.org", "mail.example.org").replace("127.0.0.1:0", "127.0.0.1:25");
    let text = format!(
        "{text}[limits]\nrecipients = 200\nshutdown = \"1s\"\n[tls]\ncertificate = \"chain.pem\"\nkey = \"key.pem\"\n"
    );
    let new = folder.parse(&text).unwrap();
    let changes = old.changes(&new);
    let keys = |when| {
        changes
            .iter()
            .filter(|change| change.when == when)
            .map(|change| change.key.as_str())
            .collect::<Vec<_>>()
    };
    assert_eq!(keys(When::Reload), ["limits.recipients"]);
    assert_eq!(keys(When::Restart), ["hostname", "tls", "listener", "limits.shutdown"]);
    let in_force = new.in_place_of(&old);
    assert_eq!(in_force.root.limits.shutdown.0, Duration::from_secs(10));
    assert_eq!(in_force.root.limits.recipients.0, 200);
    assert_eq!(in_force.root.tls, None);
    assert!(old.changes(&old).is_empty());
}
