//! Links in texts.

/// Adds the web links in `text` that are not there yet, in order.
pub(crate) fn collect(text: &str, is_html: bool, links: &mut Vec<String>) {
    let mut rest = text;
    while let Some(at) = next(rest) {
        rest = rest.get(at..).unwrap_or_default();
        let ends = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '\'' | '<' | '>' | '`');
        let (found, after) =
            rest.split_at_checked(rest.find(ends).unwrap_or(rest.len())).unwrap_or((rest, ""));
        rest = after;
        let link = trim(found);
        let link = if is_html { link.replace("&amp;", "&") } else { link.to_owned() };
        if !links.contains(&link) {
            links.push(link);
        }
    }
}

fn next(text: &str) -> Option<usize> {
    [text.find("https://"), text.find("http://")].into_iter().flatten().min()
}

/// Without what ends the sentence around it.
fn trim(link: &str) -> &str {
    let mut link = link;
    loop {
        let shorter = link.trim_end_matches(['.', ',', ';', ':', '!', '?', '*', ']', '}']);
        // A closing parenthesis belongs to the link if the opening one does.
        let shorter = match shorter.strip_suffix(')') {
            Some(inside) if !inside.contains('(') => inside,
            _ => shorter,
        };
        if shorter == link {
            return link;
        }
        link = shorter;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_texts() {
        for (text, is_html, expected) in [
            (
                "go to https://a.example/confirm/1?x=2&y=3.",
                false,
                vec!["https://a.example/confirm/1?x=2&y=3"],
            ),
            (
                "(see http://a.example/b) or <https://c.example>",
                false,
                vec!["http://a.example/b", "https://c.example"],
            ),
            ("https://a.example/x_(y)!", false, vec!["https://a.example/x_(y)"]),
            (
                "<a href='https://a.example/?b&amp;c'>https://a.example/?b&amp;c</a>",
                true,
                vec!["https://a.example/?b&c"],
            ),
            ("http://a.example http://a.example", false, vec!["http://a.example"]),
            ("mailto:ann@example.org, ftp://a.example", false, vec![]),
            ("", false, vec![]),
        ] {
            let mut links = Vec::new();
            collect(text, is_html, &mut links);
            assert_eq!(links, expected, "{text}");
        }
    }
}
