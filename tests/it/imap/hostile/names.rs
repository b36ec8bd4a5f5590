//! Mailboxes that should not be.

use super::Server;
use crate::support::{Answer, Imap};

/// Any octets may be a literal.
fn create(imap: &mut Imap, name: &[u8]) -> Option<Answer> {
    let tag = imap.send(format!("CREATE {{{}}}", name.len()));
    let first = String::from_utf8(imap.wire.try_response()?).unwrap();
    if !first.starts_with('+') {
        return Some(Answer { untagged: Vec::new(), status: first.split_once(' ').unwrap().1.to_owned() });
    }
    imap.wire.try_send([name, b"\r\n"].concat());
    imap.try_answer(&tag)
}

/// They are no names: too long, or of characters that no name has.
#[test]
fn no_names() {
    let Some(server) = Server::start().filter(Server::is_ours) else { return };
    let mut watch = server.watch();
    let deep = "a/".repeat(5000);
    let long = "a".repeat(64 << 10);
    let names: [&[u8]; 18] = [
        b"",
        b"a\0b",
        b"a\rb",
        b"a\nb",
        b"a\r\nb",
        b"a\x1bb",
        b"a\x7fb",
        b"\xe4\xf6\xfc",
        b"*",
        b"a%b",
        // RFC 3501 §5.1.3: without an end; of what needs no encoding; half a surrogate pair; with bits to spare.
        b"&",
        b"&AOQ",
        b"a&b",
        b"&AGE-",
        b"&2AA-",
        b"&AC4ALgAv-etc",
        deep.as_bytes(),
        long.as_bytes(),
    ];
    let mut created = Vec::new();
    for name in names {
        let mut imap = Imap::login(server.imap(), "ann");
        let shown = String::from_utf8_lossy(&name[..name.len().min(40)]);
        if let Some(answer) = create(&mut imap, name) {
            created.extend(answer.status.starts_with("OK").then(|| shown.to_string()));
        }
        watch.computed_at_most(std::time::Duration::from_secs(1), &shown);
    }
    assert_eq!(created, [""; 0]);
    let mut imap = Imap::login(server.imap(), "ann");
    assert_eq!(imap.ok("LIST \"\" *").len(), 1, "only INBOX");
    watch.grown_at_most(4 << 20);
}

/// They may be names, but nothing more than that: no paths.
#[test]
fn names_that_look_like_paths() {
    let Some(server) = Server::start().filter(Server::is_ours) else { return };
    for name in
        ["../x", "..", "/etc/passwd", "~root", "~/x", "INBOX/../../x", "a//b", ".", "./a", "C:\\x", "$(x)"]
    {
        let mut imap = Imap::login(server.imap(), "ann");
        let answer = create(&mut imap, name.as_bytes()).expect("the connection is open");
        // What was created is there by its name, and can be deleted by it; what was not is not.
        let quoted = name.replace('\\', "\\\\");
        let status = imap.ask(format!("STATUS \"{quoted}\" (MESSAGES)")).status;
        assert_eq!(status.starts_with("OK"), answer.status.starts_with("OK"), "{name}: {answer}, {status}");
        if status.starts_with("OK") {
            imap.ok(format!("DELETE \"{quoted}\""));
        }
        let mut bob = Imap::login(server.imap(), "bob");
        assert_eq!(bob.ok("LIST \"\" *").len(), 1, "{name}: only INBOX");
    }
}
