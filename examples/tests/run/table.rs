//! The table of examples, which must be right.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const FOLDER: &str = env!("CARGO_MANIFEST_DIR");

/// Lines that are neither empty nor comments. A module at the end is the program that is under test, and not counted.
pub(crate) fn lines_of_code(name: &str) -> usize {
    let text = fs::read_to_string(Path::new(FOLDER).join(name).with_extension("rs")).unwrap();
    let example = text.split("\nmod ").next().unwrap();
    example.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}

#[test]
fn the_table_has_each_example_and_its_length() {
    let files = fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap().path());
    let sources = files.filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    let name = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let there: BTreeMap<_, _> =
        sources.map(|path| (name(&path), lines_of_code(&name(&path)).to_string())).collect();
    let readme = fs::read_to_string(Path::new(FOLDER).join("README.md")).unwrap();
    let rows = readme.lines().filter(|line| line.starts_with("| `"));
    let cells = rows.map(|row| row.split('|').map(str::trim).collect::<Vec<_>>());
    let told: BTreeMap<_, _> = cells
        .map(|cells| match cells[..] {
            ["", name, _, lines, _, ""] => (name.trim_matches('`').to_owned(), lines.to_owned()),
            _ => panic!("not a row of the table: {cells:?}"),
        })
        .collect();
    assert_eq!(told, there);
}
