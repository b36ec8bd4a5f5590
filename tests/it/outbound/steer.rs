//! `mailwright queue`: what is told, what is changed, and the exit codes.

use serde_json::Value;

use super::eventually;
use super::sink::Sink;
use crate::support::{Installation, Ran, free_addrs, route};

/// A server with messages of ann's for these recipients, tried once; nobody is there to take them.
struct Waiting {
    a: Installation,
    sink: std::net::SocketAddr,
}

impl Waiting {
    fn new() -> Option<Self> {
        let [sink] = free_addrs();
        Some(Self { a: Installation::new("a.example", &route("*", sink, "never"))?, sink })
    }

    /// Sends to each, and waits until nobody is at work on it. Gives the ids.
    fn send(&self, to: &[&str]) -> Vec<String> {
        for to in to {
            self.a.send("ann", &[to], "Subject: waits\r\n\r\ntext\r\n");
        }
        eventually("all wait", || {
            let queued = self.a.queued();
            let wait = queued.iter().all(|entry| entry["queue_name"] == "deferred");
            (wait && queued.len() == to.len()).then_some(())
        });
        let queued = self.a.queued();
        let id = |to: &&str| {
            let entry = queued.iter().find(|entry| entry["recipients"][0]["address"] == **to);
            text(&entry.unwrap()["queue_id"])
        };
        to.iter().map(id).collect()
    }

    fn state(&self, id: &str) -> Option<String> {
        let entry = self.a.queued().into_iter().find(|entry| entry["queue_id"] == id)?;
        Some(text(&entry["queue_name"]))
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

fn stdout(ran: &Ran) -> String {
    String::from_utf8(ran.stdout.clone()).unwrap()
}

const ROW: [&str; 12] = [
    "arrival_time",
    "attempts",
    "expires",
    "forced_expire",
    "message_size",
    "next_attempt",
    "queue_id",
    "queue_name",
    "recipients",
    "route",
    "schema_version",
    "sender",
];

#[test]
fn what_waits_is_told() {
    let Some(waiting) = Waiting::new() else { return };
    let _serving = waiting.a.serve();
    let ids = waiting.send(&["x@x.example", "y@y.example"]);
    let [x, y] = &ids[..] else { panic!("{ids:?}") };

    let queued = waiting.a.queued();
    assert_eq!(queued.len(), 2);
    let entry = &queued[0];
    assert_eq!(keys(entry), ROW);
    assert_eq!(keys(&entry["recipients"][0]), ["address", "delay_reason"]);
    assert_eq!((&entry["sender"], &entry["route"]), (&"ann@a.example".into(), &"x.example".into()));
    // From its acceptance on; it is in the queue some milliseconds later, and whole seconds are told.
    let lives = entry["expires"].as_i64().unwrap() - entry["arrival_time"].as_i64().unwrap();
    assert!((5 * 86_400 - 1..=5 * 86_400).contains(&lives), "{lives}");

    let listed = stdout(&waiting.a.queue(&["list", "--domain", "Y.example"]).ok());
    assert!(listed.contains(y) && listed.contains("y@y.example: ") && !listed.contains(x), "{listed}");

    let shown = stdout(&waiting.a.queue(&["show", x]).ok());
    assert!(shown.contains("the next at ") && shown.contains("x@x.example"), "{shown}");
    let shown: Value = serde_json::from_str(&stdout(&waiting.a.queue(&["show", x, "--json"]).ok())).unwrap();
    let mut all = ROW.to_vec();
    all.push("trace");
    all.sort_unstable();
    assert_eq!(keys(&shown), all);
    let trace = shown["trace"].as_array().unwrap();
    assert_eq!(keys(&trace[0]), ["evidence", "stage", "text", "time", "verdict"]);
    let stages: Vec<_> = trace.iter().map(|event| text(&event["stage"])).collect();
    assert_eq!(stages, ["connect", "mail", "rcpt", "data", "commit", "attempt"], "{shown:#}");
    assert_eq!(trace[5]["verdict"], "defer");
}

#[test]
fn what_waits_is_steered() {
    let Some(waiting) = Waiting::new() else { return };
    let a = &waiting.a;
    let _serving = a.serve();
    let ids = waiting.send(&["held@x.example", "back@x.example", "gone@x.example", "rest@y.example"]);
    let [held, back, gone, rest] = &ids[..] else { panic!("{ids:?}") };

    a.queue(&["hold", held]).ok();
    assert_eq!(waiting.state(held).unwrap(), "hold");
    a.queue(&["delete", gone, "--yes"]).ok();
    assert_eq!(waiting.state(gone), None);
    a.queue(&["bounce", back, "--yes"]).ok();
    assert_eq!(waiting.state(back), None);
    let inbox = a.inbox("ann");
    assert_eq!(inbox.len(), 1, "who deletes tells nobody, who returns does: {inbox:#?}");
    assert!(inbox[0].contains("Final-Recipient: rfc822; back@x.example\r\n"), "{}", inbox[0]);
    assert!(inbox[0].contains("Status: 5.7.0\r\n"), "{}", inbox[0]);

    let sink = Sink::start_at(waiting.sink);
    a.queue(&["retry", "--all"]).ok();
    eventually("what is not held goes", || waiting.state(rest).is_none().then_some(()));
    assert_eq!(waiting.state(held).unwrap(), "hold");
    a.queue(&["release", "--domain", "x.example"]).ok();
    eventually("what was held, and is due, goes", || a.queued().is_empty().then_some(()));
    let taken: Vec<_> = sink.taken().into_iter().map(|taken| taken.to).collect();
    assert_eq!(taken, [["rest@y.example"], ["held@x.example"]]);
}

#[test]
fn exit_codes() {
    let Some(waiting) = Waiting::new() else { return };
    let a = &waiting.a;
    const NOBODY: &str = "0000000000000000-0";
    let serving = a.serve();
    let ids = waiting.send(&["x@x.example"]);
    for (args, code) in [
        (&["list"][..], 0),
        (&["list", "--domain", "no domain"], 65),
        (&["show", "nonsense"], 65),
        (&["show", NOBODY], 65),
        (&["hold", NOBODY], 65),
        (&["retry"], 64),
        (&["retry", "--all", "--domain", "x.example"], 64),
        (&["frobnicate"], 64),
        // Nobody is there to be asked.
        (&["delete", &ids[0]], 64),
        (&["bounce", "--all"], 64),
    ] {
        let ran = a.queue(args);
        assert_eq!(ran.code, Some(code), "{args:?}: {}", ran.text());
    }
    assert_eq!(a.queued().len(), 1);
    serving.stop();
    // Without a server nobody would write the report.
    let refused = a.queue(&["bounce", "--all", "--yes"]).ended(69).text();
    assert!(refused.contains("start the server"), "{refused}");
    a.queue(&["delete", "--all", "--yes"]).ok();
    assert_eq!(a.queued(), [0; 0]);
}
