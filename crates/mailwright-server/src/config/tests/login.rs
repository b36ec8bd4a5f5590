//! How users log in.

use mailwright_auth::{ScramHash, ScramKeys};

use super::*;
use crate::configure::ConfigArgs;

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
        let login = format!("[login]\nscram_iterations = 4096\n{login}\n");
        let config = folder.parse(&format!("{SMALL}{login}{users}")).unwrap();
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

/// Decoys have what new keys have: whose keys have others is told apart from who is not there.
#[test]
fn whose_keys_have_other_iterations_is_told() {
    let folder = Folder::new();
    let keys = |hash, iterations| ScramKeys::derive(hash, b"secret", [7; 16], iterations).unwrap().to_text();
    let (new, old) = (keys(ScramHash::Sha256, 5000), keys(ScramHash::Sha256, 4096));
    let old_sha_1 = keys(ScramHash::Sha1, 4096);
    let users = format!(
        "[[user]]\naddress = \"ann@example.org\"\npassword = \"{HASH} {new} {old_sha_1}\"\n\
         [[user]]\naddress = \"bob@example.org\"\npassword = \"{HASH} {old}\"\n"
    );
    let warnings = |login: &str| {
        let config = folder.parse(&format!("{SMALL}[login]\n{login}\n{users}")).unwrap();
        if config.warnings.is_empty() { String::new() } else { config.warnings.render(false) }
    };
    let found = warnings("scram = [\"sha-256\"]\nscram_iterations = 5000");
    assert!(found.contains("the keys of bob@example.org for SCRAM-SHA-256 have 4096 iterations"), "{found}");
    assert!(found.contains("mailwright config hash --scram sha-256 --scram-iterations 5000"), "{found}");
    assert!(!found.contains("ann@"), "keys that are not offered are shown to nobody: {found}");
    assert!(!found.contains(old.rsplit('$').next().unwrap()), "{found}");
    let found = warnings("scram = [\"sha-256\"]\nscram_iterations = 4096");
    assert!(found.contains("ann@") && !found.contains("bob@"), "{found}");
    assert_eq!(warnings("scram_iterations = 10000"), "");
    // Who makes it anew for one hash alone would lose the keys by the other.
    let found = warnings("scram = [\"sha-256\", \"sha-1\"]\nscram_iterations = 4096");
    assert!(found.contains("config hash --scram sha-256 --scram sha-1"), "{found}");
}

#[test]
fn new_hashes_have_the_iterations_of_the_configuration() {
    let folder = Folder::new();
    let args = ConfigArgs { file: folder.0.join("mail.toml") };
    assert_eq!(args.scram_iterations(), ScramKeys::ITERATIONS, "there is none");
    folder.write("mail.toml", &format!("{SMALL}[login]\nscram_iterations = 5000\n"));
    assert_eq!(args.scram_iterations(), 5000);
    folder
        .write("mail.toml", &format!("{SMALL}[login]\nscram_iterations = 5000\n[[user]]\npassword = \"\"\n"));
    assert_eq!(args.scram_iterations(), ScramKeys::ITERATIONS, "it is of no use");
}
