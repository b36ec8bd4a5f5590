//! Aliases, with mistakes and without.

use super::*;

/// Aliases in the lines behind the first six, each a line.
fn parse(aliases: &[(&str, &str)], rest: &str) -> Result<Config, String> {
    let line = |(address, to): &(&str, &str)| format!("{{ address = \"{address}\", to = [{to}] }},\n");
    let lines: String = aliases.iter().map(line).collect();
    let user = format!("[[user]]\naddress = \"ann@example.org\"\npassword = \"{HASH}\"\n");
    Folder::new().parse(&format!("alias = [\n{lines}]\n{SMALL}{user}{rest}"))
}

/// In a row: `a0` leads to `a1`, and so on, the last one to ann.
fn row(count: usize) -> Vec<(String, String)> {
    let one = |index| {
        let to = if index + 1 == count { "ann".to_owned() } else { format!("a{}", index + 1) };
        (format!("a{index}@example.org"), format!("\"{to}@example.org\""))
    };
    (0..count).map(one).collect()
}

fn borrowed(aliases: &[(String, String)]) -> Vec<(&str, &str)> {
    aliases.iter().map(|(address, to)| (address.as_str(), to.as_str())).collect()
}

#[test]
fn aliases_are_read() {
    let aliases = [
        ("Sales@Example.org", "\"ann@example.org\", \"bob@elsewhere.example\""),
        ("@example.org", "\"sales@example.org\""),
        // A mailbox of somebody in the store, for all we know.
        ("team@example.org", "\"carol@example.org\", \"carol+x@example.org\""),
    ];
    let config = parse(&aliases, "[outbound]\n").unwrap();
    let shown = |alias: &keys::Alias| {
        let to: Vec<String> = alias.to.value.iter().map(|to| to.value.to_string()).collect();
        format!("{} → {}", alias.address.value, to.join(", "))
    };
    let shown: Vec<String> = config.root.alias.iter().map(shown).collect();
    assert_eq!(
        shown,
        [
            "Sales@example.org → ann@example.org, bob@elsewhere.example",
            "@example.org → sales@example.org",
            "team@example.org → carol@example.org, carol+x@example.org",
        ]
    );
    let changes = parse(&[], "").unwrap().changes(&config);
    assert!(changes.contains(&Change { key: "alias".to_owned(), when: When::Reload }), "{changes:?}");
}

#[test]
fn what_is_wrong_is_shown_where_it_stands() {
    let text = format!(
        r#"{SMALL}
[[user]]
address = "ann@example.org"
password = "{HASH}"

[[alias]]
address = "ANN@example.org"
to = ["bob@example.org"]

[[alias]]
address = "sales@elsewhere.example"
to = []

[[alias]]
address = "sales"
to = ["ann@example.org", "bob@elsewhere.example", "ann@example.org"]

[[alias]]
address = "a@example.org"
to = ["ann@example.org", "b+tag@example.org"]

[[alias]]
address = "b@example.org"
to = ["A@example.org"]

[[alias]]
address = "@example.org"
to = "ann@example.org"

[[alias]]
address = "@Example.org"
target = ["ann@example.org"]
"#
    );
    let report = Folder::new().parse(&text).unwrap_err();
    same(
        &report,
        r#"
  × ann@example.org is the address of a user
    ╭─[mail.toml:9:11]
  9 │ address = "ann@example.org"
    ·           ────────┬────────
    ·                   ╰── first here
 10 │ password = *************************************************************************************************
 11 │
 12 │ [[alias]]
 13 │ address = "ANN@example.org"
    ·           ────────┬────────
    ·                   ╰── again
    ╰────
  help: the user gets that mail: name another address, or take it from the user

  × elsewhere.example is no domain of this server
    ╭─[mail.toml:17:11]
 17 │ address = "sales@elsewhere.example"
    ·           ────────────┬────────────
    ·                       ╰── outside
    ╰────
  help: `domains` has: example.org

  × sales@elsewhere.example leads nowhere
    ╭─[mail.toml:18:6]
 18 │ to = []
    ·      ─┬
    ·       ╰── nobody
    ╰────
  help: name at least one address

  × this is not an address of an alias
    ╭─[mail.toml:21:11]
 21 │ address = "sales"
    ·           ───┬───
    ·              ╰── the address does not follow RFC 5321
    ╰────
  help: write sales@example.org, or @example.org for all that nobody has

  × mail for elsewhere.example would not be passed on
    ╭─[mail.toml:22:26]
 22 │ to = ["ann@example.org", "bob@elsewhere.example", "ann@example.org"]
    ·                          ───────────┬───────────
    ·                                     ╰── elsewhere
    ╰────
  help: write [outbound], so that there is mail for others; or if the domain is one of this server, put it into `domains`

  × ann@example.org stands here twice
    ╭─[mail.toml:22:7]
 22 │ to = ["ann@example.org", "bob@elsewhere.example", "ann@example.org"]
    ·       ────────┬────────                           ────────┬────────
    ·               │                                           ╰── again
    ·               ╰── first here
    ╰────

  × a@example.org leads to itself: a@example.org → b@example.org → a@example.org
    ╭─[mail.toml:26:26]
 26 │ to = ["ann@example.org", "b+tag@example.org"]
    ·                          ─────────┬─────────
    ·                                   ╰── in a circle
    ╰────
  help: who has a mailbox is a user: name one, or leave this out

  × a list is wanted here
    ╭─[mail.toml:34:6]
 34 │ to = "ann@example.org"
    ·      ────────┬────────
    ·              ╰── this is text
    ╰────
  help: write [..., ...]

  × `alias.to` is missing
    ╭─[mail.toml:36:1]
 36 │ [[alias]]
    · ────┬────
    ·     ╰── not in here
    ╰────
  help: for example: to = ["ann@example.org", "bob@elsewhere.example"]

  × @example.org is an alias twice
    ╭─[mail.toml:33:11]
 33 │ address = "@example.org"
    ·           ───────┬──────
    ·                  ╰── first here
 34 │ to = "ann@example.org"
 35 │
 36 │ [[alias]]
 37 │ address = "@Example.org"
    ·           ───────┬──────
    ·                  ╰── again
    ╰────

  × unknown key `target` in `alias`
    ╭─[mail.toml:38:1]
 38 │ target = ["ann@example.org"]
    · ───┬──
    ·    ╰── no such key
    ╰────
  help: the keys here are: address, to

mail.toml: 11 errors
"#,
    );
}

/// One alias, or two, and what is said of them.
#[test]
fn mistakes() {
    let ann = "\"ann@example.org\"";
    for (aliases, what) in [
        (
            &[("sales@example.org", ann), ("SALES@example.org", ann)][..],
            "sales@example.org is an alias twice",
        ),
        (&[("@example.org", ann), ("@example.org", ann)], "@example.org is an alias twice"),
        (&[("@elsewhere.example", ann)], "elsewhere.example is no domain of this server"),
        (&[("@", ann)], "this is not an address of an alias"),
        (&[("@[192.0.2.1]", ann)], "an address literal"),
        (&[("a@example.org", "\"x\"")], "this is not a mail address"),
        (&[("a@example.org", "\"@example.org\"")], "this is not a mail address"),
        (&[("a@example.org", "\"x@[192.0.2.1]\"")], "mail for [192.0.2.1] would not be passed on"),
        (
            &[("a@example.org", "\"a@example.org\"")],
            "a@example.org leads to itself: a@example.org → a@example.org",
        ),
        (
            &[("a@example.org", "\"A+x@example.org\"")],
            "a@example.org leads to itself: a@example.org → a@example.org",
        ),
        (
            &[
                ("x@example.org", "\"b@example.org\""),
                ("a@example.org", "\"b@example.org\""),
                ("b@example.org", "\"a@example.org\""),
            ],
            "b@example.org leads to itself: b@example.org → a@example.org → b@example.org",
        ),
    ] {
        let report = parse(aliases, "").unwrap_err();
        assert!(report.contains(what) && report.contains("mail.toml: 1 error"), "no {what:?} in\n{report}");
    }
}

#[test]
fn circles_are_told_once_each() {
    let mut aliases = row(30);
    aliases[29].1 = "\"a0@example.org\", \"b@example.org\"".to_owned();
    aliases.push(("b@example.org".to_owned(), "\"ann@example.org\", \"b@example.org\"".to_owned()));
    let report = parse(&borrowed(&aliases), "").unwrap_err();
    assert!(report.contains("mail.toml: 2 errors"), "{report}");
    assert!(report.contains("a9@example.org → ... → a0@example.org"), "{report}");
    assert!(report.contains("b@example.org → b@example.org"), "{report}");
}

#[test]
fn aliases_in_a_row_are_counted() {
    assert!(parse(&borrowed(&row(10)), "").is_ok());
    for count in [11, 12, 40_000] {
        let report = parse(&borrowed(&row(count)), "").unwrap_err();
        let first = format!("a{}@example.org is the first of 11 aliases", count - 11);
        assert!(report.contains(&first) && report.contains("mail.toml: 1 error"), "{report}");
    }
}

#[test]
fn addresses_are_counted() {
    let targets = |count: usize, letter: char| {
        (0..count).map(|index| format!("\"{letter}{index}@example.org\"")).collect::<Vec<_>>().join(", ")
    };
    let team = format!("{}, \"all@example.org\"", targets(5, 'x'));
    let limit = "[limits]\nalias_targets = 10\n";
    let most = [("all@example.org", &*targets(4, 'y')), ("team@example.org", &*team)];
    assert!(parse(&most, limit).is_ok());
    let more = [
        ("all@example.org", &*targets(5, 'y')),
        ("team@example.org", &*team),
        ("@example.org", "\"team@example.org\""),
    ];
    let report = parse(&more, limit).unwrap_err();
    assert!(report.contains("team@example.org leads to 11 addresses"), "{report}");
    assert!(report.contains("more than 10") && report.contains("mail.toml: 1 error"), "{report}");
    // Each of these doubles what there is.
    let double = |index: usize| {
        let to = format!("\"a{0}@example.org\", \"b{0}@example.org\"", index + 1);
        ["a", "b"].map(|letter| (format!("{letter}{index}@example.org"), to.clone()))
    };
    let doubles: Vec<_> = (0..200).flat_map(double).collect();
    let report = parse(&borrowed(&doubles), "").unwrap_err();
    assert!(report.contains("leads to 1022 addresses"), "{report}");
}
