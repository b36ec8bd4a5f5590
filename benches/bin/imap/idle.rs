//! What sessions cost that idle: memory of a server before and after a thousand of them.

use std::path::Path;

use mailwright_benches::process::{check_open_files, settled};

use crate::client::Imap;
use crate::ops::mailbox;
use crate::server::{Role, Running, Which};

const SESSIONS: u64 = 1000;
/// Before them, so that what is made once is not counted.
const WARM_UP: u64 = 20;
/// What one of ours may cost, in the clear and inside TLS: docs/decisions.
const LIMIT: u64 = 12 << 10;
const LIMIT_TLS: u64 = 24 << 10;

/// Measures a server that is started for it, each time: one that has worked has memory to give away.
pub(crate) fn measure(which: Which, dir: &Path, count: usize) -> bool {
    // Ours; the server has as many.
    check_open_files(SESSIONS + WARM_UP + 50);
    let mut good = true;
    for in_tls in [false, true] {
        for count in [0, count] {
            let server = Running::start(which, dir);
            if in_tls && !server.has_tls() {
                continue;
            }
            let each = of_each(&server, in_tls, count);
            let limit = (which == Which::Ours).then_some(if in_tls { LIMIT_TLS } else { LIMIT });
            let is_over = limit.is_some_and(|limit| each > limit);
            good &= !is_over;
            println!(
                "{:<8} {:<6} {count:>7} messages {:>10.1} KiB a session {}{}",
                which.name(),
                if in_tls { "TLS" } else { "plain" },
                each as f64 / 1024.0,
                limit.map_or(String::new(), |limit| format!("  limit {} KiB", limit >> 10)),
                if is_over { "   OVER" } else { "" },
            );
        }
    }
    good
}

fn of_each(server: &Running, in_tls: bool, count: usize) -> u64 {
    let one = |_| -> Imap {
        let mut imap = if in_tls { server.tls_session() } else { server.session(Role::Usual) };
        let mailbox = if count == 0 { "INBOX".to_owned() } else { mailbox(count) };
        imap.ask(&format!("SELECT {mailbox}"));
        imap.idle();
        imap
    };
    let warm: Vec<_> = (0..WARM_UP).map(one).collect();
    let before = settled(|| server.memory());
    let idle: Vec<_> = (0..SESSIONS).map(one).collect();
    let after = settled(|| server.memory());
    drop((warm, idle));
    after.saturating_sub(before) / SESSIONS
}
