//! `mailwright config`, and what commands say of a wrong configuration.

use std::fs;

use crate::serve_process::Site;

#[test]
fn the_default_file_and_the_examples_pass_the_check() {
    let Some(site) = Site::new() else { return };
    let shown = site.shown();
    assert!(shown.len() > 3, "{shown:?}");
    for (name, text) in shown {
        site.write_config(&text);
        let checked = site.admin(&["config", "check"], "").ok();
        assert_eq!(checked.text().trim(), "", "{name}");
    }
}

#[test]
fn mistakes_end_with_78() {
    let Some(site) = Site::new() else { return };
    let text = fs::read_to_string(site.path("mail.toml")).unwrap();
    site.write_config(
        &text.replace("\"smtp\"", "\"smpt\"").replace("hostname", "hostnam").replace("key.pem", "gone.pem"),
    );
    for command in [&["config", "check"][..], &["serve"], &["user", "list"], &["domain", "list"]] {
        let text = site.admin(command, "").ended(78).text();
        let parts = [
            "did you mean `smtp`?",
            "did you mean `hostname`?",
            "`hostname` is missing",
            "gone.pem: No such",
            "4 errors",
        ];
        for part in parts {
            assert!(text.contains(part), "no {part} in:\n{text}");
        }
        // Colours are for terminals.
        assert!(!text.contains('\u{1b}'), "{text}");
    }
    fs::remove_file(site.path("mail.toml")).unwrap();
    let text = site.admin(&["config", "check"], "").ended(78).text();
    assert!(text.contains("mailwright config default"), "{text}");
}

#[test]
fn a_wrong_call_ends_with_64() {
    let Some(site) = Site::new() else { return };
    for command in [&["serve", "--no-such-option"][..], &["config"], &["user", "add"], &["nonsense"]] {
        site.command(command, "").ended(64);
    }
    site.command(&["--help"], "").ok();
}
