//! Transcripts: a folder for each part of the protocol, a file for each thing to show.

use mailwright_core::testing::run_transcripts;

use crate::app::bench;

macro_rules! folders {
    ($($test:ident: $folder:literal,)*) => {
        $(
            #[test]
            fn $test() {
                run_transcripts(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scripts/", $folder), bench);
            }
        )*
    };
}

folders! {
    session: "session",
    login: "login",
    literals: "literals",
    append: "append",
    mailboxes: "mailboxes",
    select: "select",
    fetch: "fetch",
    store: "store",
    copying: "copying",
    search: "search",
    changes: "changes",
    idle: "idle",
    resuming: "resuming",
}
