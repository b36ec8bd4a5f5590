//! Rust code as a flat list of words, without comments, so that a pattern is a list of words too.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// An identifier, a sign, a literal or one half of a bracket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) text: String,
    pub(crate) line: usize,
}

pub(crate) fn flatten(stream: TokenStream) -> Vec<Word> {
    let mut words = Vec::new();
    push_all(stream, &mut words);
    words
}

/// The words of a whole file. One that does not parse has none: the compiler complains about it.
pub(crate) fn words(text: &str) -> Vec<Word> {
    text.parse().map(flatten).unwrap_or_default()
}

fn push_all(stream: TokenStream, words: &mut Vec<Word>) {
    for tree in stream {
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = brackets(group.delimiter());
                words.push(Word { text: open.into(), line: group.span_open().start().line });
                push_all(group.stream(), words);
                words.push(Word { text: close.into(), line: group.span_close().start().line });
            }
            tree => words.push(Word { text: tree.to_string(), line: tree.span().start().line }),
        }
    }
}

fn brackets(delimiter: Delimiter) -> (&'static str, &'static str) {
    match delimiter {
        Delimiter::Parenthesis => ("(", ")"),
        Delimiter::Brace => ("{", "}"),
        Delimiter::Bracket => ("[", "]"),
        Delimiter::None => ("", ""),
    }
}

/// Every place where `pattern` stands in `words`: its line, and the words behind it.
pub(crate) fn find<'a>(words: &'a [Word], pattern: &'a [&str]) -> impl Iterator<Item = (usize, &'a [Word])> {
    (0..words.len()).filter_map(move |start| {
        let (head, rest) = words.get(start..)?.split_at_checked(pattern.len())?;
        let matches = head.iter().zip(pattern).all(|(word, text)| word.text == *text);
        matches.then_some((head.first()?.line, rest))
    })
}

/// The words up to the bracket that closes what was opened just before them.
pub(crate) fn inside(words: &[Word]) -> &[Word] {
    let mut depth = 1;
    for (index, word) in words.iter().enumerate() {
        match word.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return words.get(..index).unwrap_or_default();
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_code_but_neither_comments_nor_strings() {
        let words = words("// x.read_to_end(\nlet a = \"x.read_to_end(\";\nx\n    .read_to_end(&mut y)");
        let lines: Vec<usize> = find(&words, &[".", "read_to_end", "("]).map(|(line, _)| line).collect();
        assert_eq!(lines, [4]);
    }

    #[test]
    fn inside_ends_at_the_closing_bracket() {
        let words = words("cfg!(any(a, b)) c");
        let (_, rest) = find(&words, &["cfg", "!", "("]).next().unwrap();
        let texts: Vec<&str> = inside(rest).iter().map(|word| word.text.as_str()).collect();
        assert_eq!(texts, ["any", "(", "a", ",", "b", ")"]);
    }
}
