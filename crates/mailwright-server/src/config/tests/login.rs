//! How users log in.

use mailwright_auth::{ScramHash, ScramKeys};

use super::*;

#[test]
fn scram_is_off_unless_it_is_said() {
    let folder = Folder::new();
    let login = |text: &str| folder.parse(&format!("{SMALL}[login]\n{text}\n"));
    let default = folder.parse(SMALL).unwrap().root.login;
    assert_eq!((default.scram.len(), default.scram_iterations.0), (0, u64::from(ScramKeys::ITERATIONS)));
    let both = login("scram = [\"sha-1\", \"sha-256\"]\nscram_iterations = 4096").unwrap().root.login;
    let hashes: Vec<ScramHash> = both.scram.iter().map(|hash| hash.value).collect();
    assert_eq!((hashes, both.scram_iterations.0), (vec![ScramHash::Sha1, ScramHash::Sha256], 4096));
    for (wrong, said) in [
        ("scram = [\"sha-512\"]", "one of: sha-256, sha-1"),
        ("scram = [\"sha256\"]", "did you mean `sha-256`?"),
        ("scram = true", "list"),
        ("scram_iterations = 1000", "from 4096 to 10000000"),
    ] {
        let report = login(wrong).unwrap_err();
        assert!(report.contains(said), "{report}");
    }
}

#[test]
fn who_has_no_keys_is_told() {
    let folder = Folder::new();
    let keys = ScramKeys::derive(ScramHash::Sha256, b"secret", [7; 16], 4096).unwrap().to_text();
    let users = format!(
        "[[user]]\naddress = \"ann@example.org\"\npassword = \"{HASH}\"\n\
         [[user]]\naddress = \"bob@example.org\"\npassword = \"{HASH} {keys}\"\n"
    );
    let warnings = |login: &str| {
        let config = folder.parse(&format!("{SMALL}[login]\n{login}\n{users}")).unwrap();
        if config.warnings.is_empty() { String::new() } else { config.warnings.render(false) }
    };
    assert_eq!(warnings(""), "");
    let sha_256 = warnings("scram = [\"sha-256\"]");
    assert!(sha_256.contains("ann@example.org has no keys for SCRAM-SHA-256, which is offered"), "{sha_256}");
    assert!(
        sha_256.contains("mailwright config hash --scram sha-256") && !sha_256.contains("bob@"),
        "{sha_256}"
    );
    let sha_1 = warnings("scram = [\"sha-1\"]");
    assert!(sha_1.contains("ann@") && sha_1.contains("bob@") && sha_1.contains("--scram sha-1"), "{sha_1}");

    // What is wrong with it is said, and it is not shown.
    let torn = format!("{SMALL}[[user]]\naddress = \"ann@example.org\"\npassword = \"{HASH} {keys}x\"\n");
    let report = folder.parse(&torn).unwrap_err();
    assert!(report.contains("the hash is of no use: not keys of SCRAM"), "{report}");
    assert!(!report.contains(keys.rsplit('$').next().unwrap()), "{report}");
}
