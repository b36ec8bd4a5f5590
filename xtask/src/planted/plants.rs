//! The violations, one or more for each check.

/// The check that is not one of the structural ones.
pub(super) const CLIPPY: &str = "clippy";

/// A violation, and what must be said about it.
pub(super) struct Plant {
    pub(super) what: &'static str,
    pub(super) check: &'static str,
    pub(super) changes: Vec<(&'static str, Change)>,
    pub(super) says: &'static str,
}

pub(super) enum Change {
    /// A new file.
    Write(String),
    /// More text at the end of a file.
    Append(&'static str),
    /// Other text at the first place in a file.
    Replace(&'static str, &'static str),
    Remove,
}

use Change::{Append, Remove, Replace};

const LAW: &str = "xtask/edges.toml";
const INDEX: &str = "docs/rfc/index.md";
const CORE: &str = "crates/mailwright-core/Cargo.toml";
const CORE_LIB: &str = "crates/mailwright-core/src/lib.rs";
const CORE_CLIPPY: &str = "crates/mailwright-core/clippy.toml";
const SMTP: &str = "crates/mailwright-smtp/Cargo.toml";
const TOKIO: &str = "crates/mailwright-tokio/Cargo.toml";
/// A source that no other file knows of: the structural checks read it all the same.
const PLANTED: &str = "crates/mailwright-core/src/planted.rs";

fn plant(
    what: &'static str,
    check: &'static str,
    changes: impl Into<Vec<(&'static str, Change)>>,
    says: &'static str,
) -> Plant {
    Plant { what, check, changes: changes.into(), says }
}

/// A plant that is one new source file.
fn code(what: &'static str, check: &'static str, text: &str, says: &'static str) -> Plant {
    plant(what, check, [(PLANTED, Change::Write(text.to_owned()))], says)
}

pub(super) fn plants() -> Vec<Plant> {
    let groups = [edges(), layers(), protocols(), tls(), features(), signatures(), limits(), tidiness()];
    groups.into_iter().chain([shop_window(), observed(), fuzzed()]).flatten().collect()
}

fn edges() -> Vec<Plant> {
    vec![
        plant(
            "mailwright-smtp depends on mailwright-store",
            "edges",
            [(SMTP, Replace("[dependencies]\n", "[dependencies]\nmailwright-store.workspace = true\n"))],
            "edge mailwright-smtp -> mailwright-store (normal) is not in xtask/edges.toml",
        ),
        plant(
            "the table allows an edge that no manifest has",
            "edges",
            [(
                LAW,
                Replace(
                    "pop3 = { layer = 1, normal = [",
                    "pop3 = { layer = 1, normal = [\"mailwright-smtp\", ",
                ),
            )],
            "stale edge mailwright-pop3 -> mailwright-smtp (normal)",
        ),
        plant(
            "the table allows an edge upwards",
            "edges",
            [(
                LAW,
                Replace(
                    "core = { layer = 0, normal = [",
                    "core = { layer = 0, normal = [\"mailwright-tokio\"",
                ),
            )],
            "edge mailwright-core -> mailwright-tokio (normal) points upwards",
        ),
        plant(
            "a row for a crate that does not exist",
            "edges",
            [(
                LAW,
                Replace("[crates]\n", "[crates]\nmailwright-gone = { layer = 1, normal = [], dev = [] }\n"),
            )],
            "there is no member `mailwright-gone`",
        ),
        plant(
            "a crate without a row",
            "edges",
            [(LAW, Replace("\nmailwright-pop3 = ", "\nmailwright-pop9 = "))],
            "member `mailwright-pop3` has no row",
        ),
        plant(
            "a test of mailwright-core uses mailwright-smtp",
            "dev-circles",
            [(
                CORE,
                Replace("[dev-dependencies]\n", "[dev-dependencies]\nmailwright-smtp.workspace = true\n"),
            )],
            "dev edge mailwright-core -> mailwright-smtp closes a circle",
        ),
    ]
}

fn layers() -> Vec<Plant> {
    vec![
        plant(
            "mailwright-core asks for the time",
            CLIPPY,
            [(
                CORE_LIB,
                Append(
                    "/// Now.\npub fn planted() -> std::time::Instant {\n    std::time::Instant::now()\n}\n",
                ),
            )],
            "use of a disallowed method `std::time::Instant::now`",
        ),
        plant(
            "mailwright-core starts a thread",
            CLIPPY,
            [(
                CORE_LIB,
                Append("/// Runs.\npub fn planted() {\n    let _ = std::thread::spawn(|| ());\n}\n"),
            )],
            "use of a disallowed method `std::thread::spawn`",
        ),
        plant(
            "mailwright-core hashes with random keys",
            CLIPPY,
            [(CORE_LIB, Append("/// Keys.\npub fn planted(_: std::collections::HashSet<u8>) {}\n"))],
            "use of a disallowed type `std::collections::HashSet`",
        ),
        plant(
            "the sans-IO lints of a crate are softened",
            "layers",
            [(CORE_CLIPPY, Replace("std::time::Instant::now", "std::time::Instant::then"))],
            "differs from xtask/sans-io.clippy.toml",
        ),
        plant(
            "the sans-IO lints of a crate are removed",
            "layers",
            [(CORE_CLIPPY, Remove)],
            "the sans-IO lints are missing",
        ),
        plant(
            "mailwright-core depends on tokio",
            "outside-layers",
            [(CORE, Replace("[dependencies]\n", "[dependencies]\ntokio.workspace = true\n"))],
            "mailwright-core reaches `tokio`",
        ),
        plant(
            "mailwright-smtp reaches rustls through tokio-rustls",
            "outside-layers",
            [(SMTP, Replace("[dependencies]\n", "[dependencies]\ntokio-rustls.workspace = true\n"))],
            "mailwright-smtp reaches `rustls`",
        ),
    ]
}

fn protocols() -> Vec<Plant> {
    vec![
        plant(
            "mailwright-smtp knows mailwright-store",
            "protocols-alone",
            [(SMTP, Replace("[dependencies]\n", "[dependencies]\nmailwright-store.workspace = true\n"))],
            "protocol crate mailwright-smtp knows mailwright-store",
        ),
        plant(
            "a codec depends on one crate more",
            "codec-dependencies",
            [(SMTP, Replace("[dependencies]\n", "[dependencies]\nsubtle.workspace = true\n"))],
            "codec mailwright-smtp depends on `subtle`",
        ),
    ]
}

fn tls() -> Vec<Plant> {
    let ring = "\n[target.'cfg(all())'.dependencies.rustls]\nversion = \"0.23\"\ndefault-features = false\n\
                features = [\"ring\"]\n";
    vec![
        plant(
            "mailwright-tokio enables ring",
            "tls-providers",
            [(TOKIO, Append(ring))],
            "mailwright-tokio enables feature `ring` of rustls",
        ),
        code(
            "a library installs a crypto provider",
            "tls-providers",
            "fn planted(provider: Provider) { provider.install_default(); }\n",
            "`install_default` picks a crypto provider",
        ),
    ]
}

fn features() -> Vec<Plant> {
    let check = "features-only-add";
    vec![
        code(
            "`cfg!(feature)` in code",
            check,
            "fn planted() -> bool { cfg!(feature = \"planted\") }\n",
            "planted.rs:1: `cfg!(feature)` changes behaviour",
        ),
        code(
            "`cfg(not(feature))` before an item",
            check,
            "#[cfg(not(feature = \"planted\"))]\nfn planted() {}\n",
            "planted.rs:1: `cfg(not(feature))`",
        ),
        code(
            "`cfg(feature)` before a statement",
            check,
            "fn planted() {\n    #[cfg(feature = \"planted\")]\n    other();\n}\n",
            "planted.rs:2: `cfg(feature)` inside a function",
        ),
    ]
}

fn signatures() -> Vec<Plant> {
    vec![
        code(
            "a public function returns a type of a private part",
            "private-parts",
            "use mail_parser::Message as Parsed;\npub fn planted() -> Parsed<'static> { todo!() }\n",
            "planted.rs:2: `Parsed`, of a private part",
        ),
        code(
            "a private part is re-exported",
            "private-parts",
            "pub use hickory_resolver::Resolver;\n",
            "planted.rs:1: `hickory_resolver::Resolver`, of a private part",
        ),
    ]
}

fn limits() -> Vec<Plant> {
    vec![
        code(
            "a limit that does not tell its default",
            "named-limits",
            "pub struct PlantedLimits {\n    /// Octets in a line.\n    pub line: usize,\n}\n",
            "the documentation of `PlantedLimits::line` does not tell its default",
        ),
        code(
            "an unbounded channel",
            "bounded-reads",
            "fn planted() { let _ = tokio::sync::mpsc::unbounded_channel::<u8>(); }\n",
            "planted.rs:1: `unbounded_channel` has no bound",
        ),
        code(
            "a read until the end",
            "bounded-reads",
            "fn planted(peer: Peer) { peer.read_to_end(&mut Vec::new()); }\n",
            "planted.rs:1: `read_to_end` has no bound",
        ),
    ]
}

fn tidiness() -> Vec<Plant> {
    let long = "// One more line.\n".repeat(1001);
    let path = concat!("See /", "work/notes.\n");
    let host = concat!("See https://crates", ".io/.\n");
    let a = Change::Write("use crate::planted_too::B;\npub struct A(B);\n".to_owned());
    let b = Change::Write("use crate::planted::A;\npub struct B(A);\n".to_owned());
    let fronts = "crate-fronts";
    vec![
        plant(
            "a crate without README",
            fronts,
            [("crates/mailwright-core/README.md", Remove)],
            "without README",
        ),
        plant(
            "a README that is no doc test",
            fronts,
            [(CORE_LIB, Replace("include_str!(\"../README.md\")", "\"\""))],
            "mailwright-core/src/lib.rs:1: `include_str!(\"../README.md\")` is missing",
        ),
        plant(
            "a crate that allows unsafe code",
            fronts,
            [(CORE_LIB, Replace("#![forbid(unsafe_code)]", ""))],
            "mailwright-core/src/lib.rs:1: `#![forbid(unsafe_code)]` is missing",
        ),
        plant(
            "a crate without the lints of the workspace",
            fronts,
            [(CORE, Replace("[lints]\nworkspace = true", ""))],
            "the lints of the workspace are off",
        ),
        code("a file of 1001 lines", "file-lengths", &long, "1001 lines, over 1000"),
        plant(
            "two files that import one another",
            "import-circles",
            [(PLANTED, a), ("crates/mailwright-core/src/planted_too.rs", b)],
            "import circle: crates/mailwright-core/src/planted.rs:1",
        ),
        plant(
            "the RFC index names a file that is not there",
            "rfc-index",
            [(INDEX, Append("\n| 9999 | Planted | No | `crates/mailwright-core/src/gone.rs` |\n"))],
            "there is no crates/mailwright-core/src/gone.rs",
        ),
        plant(
            "the RFC index claims what no test refers to",
            "rfc-index",
            [(INDEX, Append("\n| 9999 | Planted | Yes | `crates/mailwright-core/src/lib.rs` |\n"))],
            "RFC 9999 is Yes, but tests never refer to it",
        ),
        plant(
            "a path of one machine",
            "words",
            [("docs/planted.md", Change::Write(path.to_owned()))],
            "docs/planted.md:1: names the absolute path",
        ),
        plant(
            "a registry host",
            "words",
            [("docs/planted.md", Change::Write(host.to_owned()))],
            "docs/planted.md:1: names the registry host",
        ),
    ]
}

fn shop_window() -> Vec<Plant> {
    let check = "publishable";
    const README: &str = "crates/mailwright-core/README.md";
    vec![
        plant(
            "a crate without a description",
            check,
            [(CORE, Replace("description = ", "documentation = "))],
            "mailwright-core has no description",
        ),
        plant(
            "a category that the registry does not have",
            check,
            [(CORE, Replace("categories = [\"email\"", "categories = [\"mail\""))],
            "`mail` is no category",
        ),
        plant(
            "a sixth keyword",
            check,
            [(CORE, Replace("keywords = [", "keywords = [\"planted\", "))],
            "mailwright-core has over 5 keywords",
        ),
        plant(
            "an example that is not compiled",
            check,
            [(README, Replace("```\n", "```ignore\n"))],
            "crates/mailwright-core/README.md:",
        ),
        plant(
            "a crate ships its tests",
            check,
            [(CORE, Replace("include.workspace = true\n", ""))],
            "mailwright-core ships tests/",
        ),
        plant(
            "a crate ships no licence",
            check,
            [("crates/mailwright-core/LICENSE-MIT", Remove)],
            "mailwright-core ships no LICENSE-MIT",
        ),
    ]
}

fn observed() -> Vec<Plant> {
    let check = "observed";
    let event = "fn planted() { tracing::info!(%peer, \"planted\"); }\n";
    let row = "\n### `mailwright-core`\n\n| info | said by nobody | `peer` |\n";
    vec![
        code("an event that the document does not have", check, event, "| info | planted | `peer` |"),
        code(
            "a span that no check sees",
            check,
            "#[tracing::instrument]\nfn planted() {}\n",
            "planted.rs:1: a span or event that no check sees",
        ),
        plant(
            "the document has an event that nobody says",
            check,
            [("docs/observability.md", Append(row))],
            "mailwright-core has no such: | info | said by nobody | `peer` |",
        ),
    ]
}

fn fuzzed() -> Vec<Plant> {
    let check = "fuzz-targets";
    let lib = "fuzz/src/lib.rs";
    let readme = "fuzz/README.md";
    vec![
        code(
            "a machine that is not fuzzed",
            check,
            "impl Machine for Planted {}\n",
            "planted.rs:1: a `Machine`, and fuzz/README.md does not know of it",
        ),
        code(
            "a parser that is not fuzzed",
            check,
            "pub fn decode_planted(octets: &[u8]) {}\n",
            "planted.rs:1: a function `decode_planted`",
        ),
        plant(
            "a fuzz target that the tests do not replay",
            check,
            [(lib, Replace("(\"uid_set\", uid_set),", ""))],
            "fuzz target `uid_set` is not in `TARGETS`",
        ),
        plant(
            "a fuzz target that stands nowhere",
            check,
            [("fuzz/fuzz_targets/planted.rs", Change::Write(String::new()))],
            "fuzz target `planted` is not in the table of fuzz/README.md",
        ),
        plant(
            "a fuzz target with the words of another",
            check,
            [(readme, Replace("| `uid_set` | |", "| `uid_set` | `smtp.dict` |"))],
            "`uid_set` is fed with nothing of fuzz/dict",
        ),
    ]
}
