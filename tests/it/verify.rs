//! `mailwright verify` looks at a data directory that a server has left.

use std::fs;
use std::process::Command;

use crate::support::{Dev, Folder, Ran, Wire, binary, run};

fn verify(folder: &Folder, args: &[&str]) -> Ran {
    run(Command::new(binary()).arg("verify").arg(folder.path()).args(args), b"")
}

#[test]
fn what_is_damaged_is_told() {
    let folder = Folder::new();
    let dir = folder.path().display().to_string();
    let dev = Dev::start_with(&["--keep", &dir]);
    assert!(verify(&folder, &[]).ended(69).text().contains("another mailwright process"));
    Wire::smtp(dev.smtp).mail("ann@localhost", "Subject: kept\r\n\r\nthe octets of this body\r\n");

    assert!(dev.stop().0.success());
    let sound = verify(&folder, &[]).ok().text();
    assert!(sound.contains("everything is as it was written"), "{sound}");

    let segments = fs::read_dir(folder.path().join("log")).unwrap().map(|entry| entry.unwrap().path());
    let body = |path: &std::path::PathBuf| {
        let content = fs::read(path).unwrap();
        content
            .windows(23)
            .position(|part| part == b"the octets of this body")
            .map(|at| (path.clone(), content, at))
    };
    let (path, mut content, at) = segments.collect::<Vec<_>>().iter().find_map(body).unwrap();
    content[at] ^= 1;
    fs::write(path, content).unwrap();
    let damaged = verify(&folder, &[]).ended(1).text();
    assert!(damaged.contains("Body"), "{damaged}");
    let json: String = verify(&folder, &["--json"]).ended(1).text();
    assert!(json.contains(r#""sound":false"#) && json.contains(r#""kind":"Body""#), "{json}");
    // It is served all the same, but for that message.
    let dev = Dev::start_with(&["--keep", &dir]);
    Wire::smtp(dev.smtp).mail("ann@localhost", "Subject: after\r\n\r\nand another\r\n");

    assert!(dev.stop().0.success());
}
