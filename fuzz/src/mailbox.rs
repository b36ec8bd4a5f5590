use std::str;

use mailwright_store::MailboxName;

/// Names of mailboxes, three of them with NUL between: alone, below each other, and moved.
pub fn mailbox_name(data: &[u8]) {
    let texts = data.splitn(3, |&octet| octet == 0).map(|text| str::from_utf8(text).unwrap_or_default());
    let names: Vec<MailboxName> = texts.filter_map(|text| text.parse().ok()).collect();
    for name in &names {
        assert!(name.as_str().len() <= MailboxName::MAX && name.levels().count() <= MailboxName::MAX_LEVELS);
        assert!(name.levels().all(|level| (1..=MailboxName::MAX_LEVEL).contains(&level.len())));
        assert!(!name.as_str().contains(char::is_control));
        assert_eq!(name.to_string().parse().as_ref(), Ok(name));
        assert!(!name.is_below(name));
        if let Some(parent) = name.parent() {
            assert!(name.is_below(&parent) && !parent.is_below(name));
            assert_eq!(parent.as_str().parse().as_ref(), Ok(&parent));
        }
        let first_is_inbox = name.levels().next().is_some_and(|level| level.eq_ignore_ascii_case("INBOX"));
        assert_eq!(first_is_inbox, name.levels().next() == Some("INBOX"));
    }
    let [name, from, to] = &names[..] else { return };
    match name.moved(from, to) {
        None => assert!(name != from && !name.is_below(from)),
        Some(Ok(moved)) => {
            assert!(moved == *to || moved.is_below(to));
            assert_eq!(moved.as_str().parse().as_ref(), Ok(&moved));
            assert_eq!(moved.moved(to, from), Some(Ok(name.clone())));
        }
        Some(Err(_)) => assert!(name.is_below(from)),
    }
}
