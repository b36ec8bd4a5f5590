//! Tables with a fixed set of keys. What is known of a key stands in one place, at its field: its documentation,
//! its default, and whether a reload reaches it. From there it is read, checked, compared and documented.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::report::{Problem, Problems};
use super::span::Span;
use super::tree::{Entry, Kind, Node, Table, parse_value};

/// A source of its own: what stands in the program.
pub(crate) const BUILT_IN: usize = usize::MAX;

/// What values are read with.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    pub(crate) problems: Problems,
    /// Where relative paths begin: the folder of the file.
    pub(crate) folder: PathBuf,
    /// The environment, for secrets that stand there.
    pub(crate) environment: BTreeMap<String, String>,
    /// Something could not be parsed: what is missing may stand there.
    pub(crate) is_torn: bool,
    /// All keys there are, to tell where one belongs that stands elsewhere.
    pub(crate) all: &'static [Key],
}

/// Whether a reload reaches a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    Reload,
    Restart,
}

/// A key that was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) key: String,
    pub(crate) when: When,
}

/// What becomes of a key that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Absent {
    /// It has to be; the text is an example.
    Required(&'static str),
    /// The text is what it is then.
    Default(&'static str),
    /// It is off; the text is an example.
    Off(&'static str),
}

/// What is known of a key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) docs: &'static [&'static str],
    pub(crate) absent: Absent,
    pub(crate) when: When,
    pub(crate) shape: Shape,
}

/// What a key has.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    Value,
    Section(&'static [Key]),
    Sections(&'static [Key]),
}

/// What can stand behind a key.
pub(crate) trait Setting: Sized + PartialEq + Clone {
    /// What it has.
    const SHAPE: Shape = Shape::Value;

    /// Reads it; `None` after having said why not.
    fn read(node: Node, cx: &mut Reading) -> Option<Self>;

    /// What it is if the key is off.
    fn off() -> Option<Self> {
        None
    }

    /// What has changed under `key`.
    fn changes(&self, new: &Self, key: &str, when: When, changes: &mut Vec<Change>) {
        if self != new {
            changes.push(Change { key: key.to_owned(), when });
        }
    }

    /// Becomes what is in force where `old` was: what needs a restart stays as it was.
    fn keep(&mut self, old: &Self, when: When) {
        if when == When::Restart {
            self.clone_from(old);
        }
    }
}

/// The value of a key. If there is none, or a wrong one, the problem is said and the example stands in, so that
/// what follows can be looked at too. `None` only if the program's own text is wrong.
pub(crate) fn take<T: Setting>(table: &mut Taken, key: &Key, cx: &mut Reading) -> Option<T> {
    let stand_in = |text: &str, cx: &mut Reading| T::read(parse_value(text, BUILT_IN, 0)?, cx);
    match (table.entries.remove(key.name), key.absent) {
        (Some(entry), Absent::Required(text) | Absent::Default(text)) => {
            T::read(entry.value, cx).or_else(|| stand_in(text, cx))
        }
        (Some(entry), Absent::Off(_)) => T::read(entry.value, cx).or_else(T::off),
        (None, Absent::Default(text)) => stand_in(text, cx),
        (None, Absent::Off(_)) => T::off(),
        (None, Absent::Required(text)) if cx.is_torn => stand_in(text, cx),
        (None, Absent::Required(text)) => {
            let message = format!("`{}` is missing", table.path(key.name));
            let example = text.lines().next().unwrap_or_default();
            let problem = Problem::error(&table.at, message, "not in here");
            cx.problems.push(problem.with_help(format!("for example: {} = {example}", key.name)));
            stand_in(text, cx)
        }
    }
}

/// A table of which keys are taken.
pub(crate) struct Taken {
    entries: BTreeMap<String, Entry>,
    at: Span,
    name: &'static str,
}

impl Taken {
    /// Of the table named `name`, of the file itself if that is empty.
    pub(crate) fn new(name: &'static str, node: Node, cx: &mut Reading) -> Option<Self> {
        match node.kind {
            Kind::Table(Table { entries }) => Some(Self { entries, at: node.at, name }),
            other => {
                let label = format!("this is {}", other.name());
                let problem = Problem::error(&node.at, format!("`{name}` is a table"), label);
                cx.problems
                    .push(problem.with_help("write its name in brackets, and its keys in the lines below"));
                None
            }
        }
    }

    fn path(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }

    /// What has not been taken is unknown.
    pub(crate) fn finish(self, known: &[Key], cx: &mut Reading) {
        for (name, entry) in self.entries {
            let names = known.iter().map(|key| key.name);
            let label = match (home(&name, cx.all), nearest(&name, names.clone())) {
                (Some(home), _) => format!("this key belongs {home}"),
                (None, Some(near)) => format!("did you mean `{near}`?"),
                (None, None) => "no such key".to_owned(),
            };
            let place = if self.name.is_empty() { String::new() } else { format!(" in `{}`", self.name) };
            let all = names.collect::<Vec<_>>().join(", ");
            let problem = Problem::error(&entry.key, format!("unknown key `{name}`{place}"), label);
            cx.problems.push(problem.with_help(format!("the keys here are: {all}")));
        }
    }
}

/// Where there is a key of that name. In TOML, whatever follows a table's name belongs to the table.
fn home(name: &str, all: &[Key]) -> Option<String> {
    let has = |keys: &[Key]| keys.iter().any(|key| key.name == name);
    if has(all) {
        return Some("to the top, before the first table".to_owned());
    }
    let mut sections = all.iter().filter_map(|key| match key.shape {
        Shape::Section(keys) if has(keys) => Some((false, format!("into [{}]", key.name))),
        Shape::Sections(keys) if has(keys) => Some((true, format!("into [[{}]]", key.name))),
        _ => None,
    });
    // What holds for all goes before what holds for one of several.
    let first = sections.next()?;
    let home = if first.0 { sections.find(|(of_one, _)| !of_one).unwrap_or(first) } else { first };
    Some(home.1)
}

/// The name that was probably meant.
pub(crate) fn nearest<'a>(wrong: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const ALIKE: f64 = 0.8;
    let wrong = wrong.to_ascii_lowercase();
    let scored = names.map(|name| (strsim::jaro_winkler(&wrong, name), name));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0));
    best.filter(|(score, _)| *score >= ALIKE).map(|(_, name)| name)
}

/// A table and its keys: `reload` or `restart`, a name, a type, and what it is if it is absent.
macro_rules! section {
    ($(#[doc = $about:literal])* $name:ident $path:literal {
        $($(#[doc = $doc:literal])* $when:ident $field:ident: $type:ty = $absent:ident($text:literal);)*
    }) => {
        $(#[doc = $about])*
        #[derive(Debug, Clone, PartialEq)]
        pub(crate) struct $name { $($(#[doc = $doc])* pub(crate) $field: $type,)* }

        impl $name {
            /// All keys, in the order in which they are shown.
            pub(crate) const KEYS: &'static [$crate::config::section::Key] = &[
                $($crate::config::section::Key {
                    name: stringify!($field),
                    docs: &[$($doc),*],
                    absent: $crate::config::section::Absent::$absent($text),
                    when: $crate::config::section::When::$when,
                    shape: <$type as $crate::config::section::Setting>::SHAPE,
                }),*
            ];
        }

        impl $crate::config::section::Setting for $name {
            const SHAPE: $crate::config::section::Shape = $crate::config::section::Shape::Section(Self::KEYS);

            fn read(
                node: $crate::config::tree::Node,
                cx: &mut $crate::config::section::Reading,
            ) -> Option<Self> {
                let mut table = $crate::config::section::Taken::new($path, node, cx)?;
                let mut keys = Self::KEYS.iter();
                // The keys come in the order of the fields.
                $(let $field = keys.next().and_then(|key| $crate::config::section::take(&mut table, key, cx));)*
                table.finish(Self::KEYS, cx);
                Some(Self { $($field: $field?),* })
            }

            fn changes(
                &self,
                new: &Self,
                key: &str,
                _: $crate::config::section::When,
                changes: &mut Vec<$crate::config::section::Change>,
            ) {
                let path = |name| if key.is_empty() { String::from(name) } else { format!("{key}.{name}") };
                let mut keys = Self::KEYS.iter();
                $(if let Some(key) = keys.next() {
                    self.$field.changes(&new.$field, &path(key.name), key.when, changes);
                })*
            }

            fn keep(&mut self, old: &Self, _: $crate::config::section::When) {
                let mut keys = Self::KEYS.iter();
                $(if let Some(key) = keys.next() {
                    self.$field.keep(&old.$field, key.when);
                })*
            }
        }
    };
}

pub(crate) use section;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_is_found() {
        let names = ["hostname", "domains", "listener"];
        let near = |wrong| nearest(wrong, names.into_iter());
        assert_eq!(near("hostnam"), Some("hostname"));
        assert_eq!(near("domian"), Some("domains"));
        assert_eq!(near("Listeners"), Some("listener"));
        assert_eq!(near("xyz"), None);
    }
}
