//! Conversations, as text.

use crate::support::Wire;

/// Has this conversation with a server:
///
/// - `C:` is sent; lines that follow each other, in one segment.
/// - `S:` must come then, in any order, but a tag after what is untagged. `...` stands for anything.
/// - `!:` must not come until then.
///
/// Untagged replies that nothing is said of may come too.
#[track_caller]
pub(super) fn speak(wire: &mut Wire, conversation: &str) {
    let lines = conversation.lines().map(str::trim_start).filter(|line| !line.is_empty());
    let mut lines = lines.map(|line| line.split_once(' ').unwrap_or((line, ""))).peekable();
    while lines.peek().is_some() {
        let mut segment = String::new();
        while let Some((_, line)) = lines.next_if(|(who, _)| *who == "C:") {
            segment.extend([line, "\r\n"]);
        }
        // Shown if the test fails: it may fail by waiting.
        print!("{segment}");
        wire.send(&segment);
        let mut replies = Vec::new();
        while let Some(reply) = lines.next_if(|(who, _)| *who != "C:") {
            replies.push(reply);
        }
        listen(wire, &segment, &replies);
    }
}

#[track_caller]
fn listen(wire: &mut Wire, segment: &str, replies: &[(&str, &str)]) {
    let of = |mark| replies.iter().filter(move |(who, _)| *who == mark).map(|(_, reply)| *reply);
    let (mut untagged, mut tagged): (Vec<_>, Vec<_>) = of("S:").partition(|reply| reply.starts_with("* "));
    let mut came = String::new();
    while !(tagged.is_empty() && untagged.is_empty()) {
        let Some(response) = wire.try_response() else {
            panic!("after {segment:?} it closes; it has said:\n{came}");
        };
        let response = String::from_utf8_lossy(&response).trim_end_matches("\r\n").to_owned();
        println!("{response}");
        came.extend([&response, "\n"]);
        assert!(!of("!:").any(|banned| is_like(banned, &response)), "after {segment:?} comes:\n{came}");
        if response.starts_with("* ") {
            untagged.retain(|wanted| !is_like(wanted, &response));
            continue;
        }
        let wanted = tagged.iter().position(|wanted| is_like(wanted, &response));
        tagged.remove(wanted.unwrap_or_else(|| panic!("after {segment:?}, not {tagged:?}:\n{came}")));
        assert!(!tagged.is_empty() || untagged.is_empty(), "after {segment:?}, not {untagged:?}:\n{came}");
    }
}

/// Whether the text is the pattern, in which `...` stands for anything.
fn is_like(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once("...") else { return pattern == text };
    let Some(mut text) = text.strip_prefix(start) else { return false };
    if rest.is_empty() {
        return true;
    }
    loop {
        if is_like(rest, text) {
            return true;
        }
        let mut octets = text.chars();
        if octets.next().is_none() {
            return false;
        }
        text = octets.as_str();
    }
}
