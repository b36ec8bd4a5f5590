//! The default file: every key with its documentation.

use super::keys::Root;
use super::section::{Absent, Key, Shape, When};

const HEAD: &str = "\
# The configuration of mailwright, with all keys there are. `mailwright config check` finds mistakes.
#
# A variable of the environment goes before what stands here: MAILWRIGHT__LIMITS__RECIPIENTS=200 is
# `recipients` below [limits]. Relative paths begin at the folder of this file. SIGHUP has the server read it
# again; what then needs a restart is told in the log, and stands here as `(restart)`.
";

/// The whole file.
pub(crate) fn document() -> String {
    let mut text = HEAD.to_owned();
    let (values, sections): (Vec<&Key>, Vec<&Key>) =
        Root::KEYS.iter().partition(|key| matches!(key.shape, Shape::Value));
    for key in values {
        text.push('\n');
        value(key, "", &mut text);
    }
    for key in sections {
        text.push('\n');
        section(key, &mut text);
    }
    text
}

fn section(key: &Key, text: &mut String) {
    let (keys, head) = match key.shape {
        Shape::Section(keys) => (keys, format!("[{}]\n", key.name)),
        Shape::Sections(keys) => (keys, format!("[[{}]]\n", key.name)),
        Shape::Value => return,
    };
    comment(key, text);
    // Only one of them can be guessed: a certificate everybody needs, a user of that name nobody has.
    let off = match (key.absent, key.shape) {
        (Absent::Off(_), Shape::Sections(_)) => "#",
        _ => "",
    };
    text.push_str(off);
    text.push_str(&head);
    for key in keys {
        value(key, off, text);
    }
    if let (Absent::Required(list), Shape::Sections(_)) = (key.absent, key.shape) {
        more(&head, list, text);
    }
}

/// The other elements of a list, without comments: the first was shown with them.
fn more(head: &str, list: &str, text: &mut String) {
    for line in list.lines().skip(2) {
        if let Some(pairs) = line.strip_prefix("{ ").and_then(|line| line.strip_suffix(" },")) {
            text.push('\n');
            text.push_str(head);
            text.push_str(&pairs.replace(", ", "\n"));
            text.push('\n');
        }
    }
}

fn value(key: &Key, off: &str, text: &mut String) {
    comment(key, text);
    let (off, value) = match key.absent {
        Absent::Required(value) | Absent::Default(value) => (off, value),
        Absent::Off(value) => ("#", value),
    };
    text.push_str(&format!("{off}{} = {value}\n", key.name));
}

/// The documentation, in its lines.
fn comment(key: &Key, text: &mut String) {
    for line in key.docs {
        text.push('#');
        text.push_str(line);
        text.push('\n');
    }
    if key.when == When::Restart && !matches!(key.shape, Shape::Section(_)) {
        text.truncate(text.trim_end().len());
        text.push_str(" (restart)\n");
    }
}
