//! One transcript per command and class of answer.

use mailwright_core::testing::run_transcripts;

use crate::app::bench;

#[test]
fn transcripts() {
    run_transcripts(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scripts"), bench);
}
