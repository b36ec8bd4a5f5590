//! SCRAM with other people's programs: msmtp, GNU SASL and mbsync log in. Postfix does too, see `mta/scram.rs`.

use std::fs;
use std::net::SocketAddr;

use crate::serve_process::{PASSWORD, Site};
use crate::support::{Program, Ran, Tunnel, run};

/// A server that offers SCRAM by both hashes, and what `ann@example.org` has set her password to since.
fn site() -> Option<Site> {
    let site = Site::new()?;
    let args = ["config", "hash", "--password-stdin", "--scram", "sha-256", "--scram", "sha-1"];
    let hash = site.command(&args, PASSWORD).ok().stdout;
    assert_eq!(hash.iter().filter(|&&octet| octet == b' ').count(), 2, "argon2id, and keys by both");
    fs::write(site.path("hash"), hash).unwrap();
    site.configure(MORE);
    Some(site)
}

const MORE: &str = r#"
[[listener]]
service = "submissions"
address = "127.0.0.1:0"

[[listener]]
service = "imaps"
address = "127.0.0.1:0"

[[listener]]
service = "submission"
address = "127.0.0.1:0"

[[listener]]
service = "imap"
address = "127.0.0.1:0"

[login]
scram = ["sha-1", "sha-256"]
"#;

fn msmtp(site: &Site, at: SocketAddr, mechanism: &str, user: &str, password: &str) -> Option<Ran> {
    let msmtp = Program::find("msmtp", "msmtp")?;
    let mut command = msmtp.command();
    command.arg("--host=127.0.0.1").arg(format!("--port={}", at.port()));
    command.args(["--file=/dev/null", "--tls=on", "--tls-starttls=off", "--timeout=30", "--debug"]);
    command.arg(format!("--tls-trust-file={}", site.path("chain.pem").display()));
    command.arg(format!("--auth={mechanism}")).arg(format!("--user={user}"));
    command.arg(format!("--passwordeval=echo '{password}'"));
    command.arg("--from=ann@example.org").arg("ann@example.org");
    Some(run(&mut command, b"From: ann@example.org\r\nSubject: by SCRAM\r\n\r\nhello\r\n"))
}

#[test]
fn msmtp_logs_in() {
    let Some(site) = site() else { return };
    let serve = site.serve();
    let at = serve.addr("submissions").unwrap();
    for mechanism in ["scram-sha-256", "scram-sha-1"] {
        let Some(ran) = msmtp(&site, at, mechanism, "ann@example.org", PASSWORD) else { return };
        let said = ran.ok().text();
        let proof = format!("--> AUTH {}", mechanism.to_uppercase());
        assert!(said.contains(&proof) && said.contains("<-- 235 "), "{said}");
        let wrong = msmtp(&site, at, mechanism, "ann@example.org", "wrong").unwrap();
        // EX_NOPERM
        assert!(wrong.ended(77).text().contains("535 "), "{mechanism}");
        msmtp(&site, at, mechanism, "nobody@example.org", PASSWORD).unwrap().ended(77);
    }
}

/// Whoever is added while it is on has keys, and logs in by each protocol.
#[test]
fn gnu_sasl_logs_in() {
    let Some(site) = site() else { return };
    let serve = site.serve();
    site.admin(&["user", "add", "bob@example.org", "--password-stdin"], "p,=ä").ok();
    let Some(gsasl) = Program::find("gsasl", "gsasl") else { return };
    for (service, protocol) in [("submissions", "--smtp"), ("imaps", "--imap")] {
        let at = serve.addr(service).unwrap();
        let tunnel = Tunnel::new(at, &site.path("chain.pem"));
        for mechanism in ["SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"] {
            let log_in = |password: &str| {
                let mut command = gsasl.command();
                command.arg(protocol).args(["--no-starttls", "--no-cb", "--mechanism", mechanism]);
                command.args(["--authentication-id", "bob@example.org", "--password", password, "--connect"]);
                command.arg(tunnel.addr.to_string());
                run(command.env("LC_ALL", "C.UTF-8"), b"")
            };
            let said = log_in("p,=ä").ok().text();
            assert!(said.contains(mechanism), "{protocol} {mechanism}: {said}");
            let wrong = log_in("p,=a");
            assert_ne!(wrong.code, Some(0), "{protocol} {mechanism}: {}", wrong.text());
        }
    }
}

/// With TLS of its own it binds the login to it, by `tls-exporter`.
#[test]
fn gnu_sasl_binds() {
    let Some(site) = site() else { return };
    let serve = site.serve();
    let Some(gsasl) = Program::find("gsasl", "gsasl") else { return };
    for (service, protocol) in [("submission", "--smtp"), ("imap", "--imap")] {
        let at = serve.addr(service).unwrap();
        let log_in = |mechanism: &str, password: &str| {
            let mut command = gsasl.command();
            command.arg(protocol).args(["--starttls", "--mechanism", mechanism]);
            command.arg(format!("--x509-ca-file={}", site.path("chain.pem").display()));
            command.args(["--authentication-id", "ann@example.org", "--password", password, "--connect"]);
            run(command.arg(at.to_string()).env("LC_ALL", "C.UTF-8"), b"")
        };
        for mechanism in ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS"] {
            let said = log_in(mechanism, PASSWORD).ok().text();
            assert!(said.contains(mechanism), "{protocol} {mechanism}: {said}");
            let wrong = log_in(mechanism, "wrong");
            assert_ne!(wrong.code, Some(0), "{protocol} {mechanism}: {}", wrong.text());
        }
    }
}

/// By Cyrus SASL, which leaves -PLUS alone where there is no TLS of its own.
#[test]
fn mbsync_logs_in() {
    let Some(site) = site() else { return };
    let serve = site.serve();
    let tunnel = Tunnel::new(serve.addr("imaps").unwrap(), &site.path("chain.pem"));
    let Some(mbsync) = Program::find("mbsync", "isync") else { return };
    let home = mbsync.home().path();
    for (password, allowed, mechanism, works) in [
        (PASSWORD, "SCRAM-SHA-256", "SCRAM-SHA-256", true),
        (PASSWORD, "SCRAM-SHA-1", "SCRAM-SHA-1", true),
        (PASSWORD, "*", "SCRAM-SHA-256", true),
        ("wrong", "SCRAM-SHA-256", "SCRAM-SHA-256", false),
    ] {
        let config = format!(
            "IMAPAccount far\nHost 127.0.0.1\nPort {}\nUser ann@example.org\nPass \"{password}\"\nTimeout 30\n\
             AuthMechs {allowed}\nSSLType None\n\n\
             IMAPStore far\nAccount far\n\nMaildirStore near\nPath {home}/mail/\nInbox {home}/mail/INBOX\n\n\
             Channel both\nFar :far:\nNear :near:\nCreate Near\nSyncState *\n",
            tunnel.addr.port(),
            home = home.display(),
        );
        let config = mbsync.home().write(&format!("config-{allowed}-{works}"), config);
        let _ = fs::create_dir(home.join("mail"));
        let ran = run(mbsync.command().arg("--verbose").arg("--config").arg(&config).arg("both"), b"");
        let said = ran.text();
        assert_eq!(ran.code == Some(0), works, "{mechanism}: {said}");
        assert!(
            !works || said.contains(&format!("Authenticating with SASL mechanism {mechanism}.")),
            "{said}"
        );
    }
    let logins = serve.log().lines().filter(|line| line.contains("\"message\":\"logged in\"")).count();
    assert_eq!(logins, 3);
}
