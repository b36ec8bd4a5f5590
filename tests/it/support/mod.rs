//! What the tests share: the server as a child process, programs that talk to it, a client that says anything.

mod background;
mod child;
pub(crate) mod data;
mod debian;
mod dev;
mod dovecot;
mod exim;
mod folder;
mod imap;
mod mount;
mod mta;
mod opensmtpd;
mod postfix;
mod program;
mod serve;
mod tunnel;
mod wire;

use std::time::Duration;

pub(crate) use background::Background;
pub(crate) use child::{cpu_time, resident, stop, wait};
pub(crate) use data::{cached, data};
pub(crate) use debian::{free_addrs, unpacked};
pub(crate) use dev::{ANY_PORTS, Dev, binary};
pub(crate) use dovecot::Dovecot;
pub(crate) use exim::EXIM;
pub(crate) use folder::Folder;
pub(crate) use imap::{Answer, Imap};
pub(crate) use mount::Mount;
pub(crate) use mta::{Authority, LOGIN, Listeners, MANY, Mta, Peer, Way};
pub(crate) use opensmtpd::OPENSMTPD;
pub(crate) use postfix::{POSTFIX, POSTFIX_SCRAM};
pub(crate) use program::{Program, Ran, python, run, skip};
pub(crate) use serve::{Installation, Serving, route};
pub(crate) use tunnel::Tunnel;
pub(crate) use wire::{Wire, wait_until_closed};

/// How long anything may take that has no shorter limit of its own. Only a test that fails waits so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Whether `part` is somewhere in `whole`.
pub(crate) fn contains(whole: &[u8], part: &[u8]) -> bool {
    whole.windows(part.len()).any(|window| window == part)
}

/// A message without the trace fields that the server puts in front.
pub(crate) fn without_trace(message: &[u8]) -> &[u8] {
    let mut rest = message;
    let mut in_trace = false;
    while let Some(end) = rest.iter().position(|&octet| octet == b'\n') {
        let line = &rest[..=end];
        let begins = line.starts_with(b"Return-Path:") || line.starts_with(b"Received: from");
        in_trace = begins || (in_trace && line.starts_with(b"\t"));
        if !in_trace {
            break;
        }
        rest = &rest[end + 1..];
    }
    rest
}
