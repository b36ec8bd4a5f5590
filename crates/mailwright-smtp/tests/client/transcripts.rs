//! One transcript per command and class of answer. In them `C` is the peer, as in all transcripts: here the server.

use mailwright_core::testing::run_transcripts;

use crate::app::bench;

#[test]
fn transcripts() {
    run_transcripts(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/client/scripts"), bench);
}
