//! The fuzz targets hold for every input that was ever worth keeping.

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

use mailwright_fuzz::TARGETS;

#[test]
fn fuzz_corpus_replays() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    let mut faults = Vec::new();
    for &(name, target) in TARGETS {
        let folder = corpora.join(name);
        let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{name} has no corpus: {error}"));
        let mut count = 0;
        for file in files {
            let path = file.unwrap().path();
            let input = fs::read(&path).unwrap();
            count += 1;
            if catch_unwind(|| target(&input)).is_err() {
                faults.push(format!("{name}: {}", path.display()));
            }
        }
        assert!(count > 0, "the corpus of {name} is empty");
        println!("{name}: {count} inputs");
    }
    assert!(faults.is_empty(), "these inputs fail:\n{}", faults.join("\n"));
}
