use std::str;

use bytes::BytesMut;
use mailwright_core::framing::{CommandFrame, CommandFramer};
use mailwright_imap::types::{
    Date, FetchItem, Flag, MessageSet, SearchKey, SearchReturn, SectionText, SeqNumber, SequenceSet,
};
use mailwright_imap::{
    Announced, AppendHead, Command, CommandLine, Grammar, StoreAction, append_end, append_head, append_next,
    decode_mailbox, encode_mailbox,
};

/// Commands with their literals, framed as the machine does: read or refused, and what is read is written and read
/// again. An octet says whether names are UTF-8.
pub fn imap_command(data: &[u8]) {
    let Some((&flags, octets)) = data.split_first() else { return };
    let grammar = Grammar { utf8: flags & 1 == 1, ..Grammar::default() };
    let (mut framer, input) = (CommandFramer::new(), BytesMut::from(octets));
    let len = loop {
        match framer.frame(&input, 1 << 20) {
            CommandFrame::Complete { len } => break len,
            CommandFrame::Prefix { len, literal } => match append_head(&octets[..len], &grammar) {
                Announced::Argument => framer.inline(literal),
                Announced::Message { tag, head } => {
                    check_tag(&tag);
                    assert!(head.mailbox.is_some());
                    check_head(&head);
                    return behind_message(&octets[len..], head.utf8, &grammar);
                }
                Announced::Invalid { tag, .. } => return tag.iter().for_each(|tag| check_tag(tag)),
            },
            _ => return,
        }
    };
    let whole = &octets[..len];
    let Ok(line) = CommandLine::parse(whole, &grammar) else { return };
    check_tag(&line.tag);
    let Ok(command) = &line.command else { return };
    check(command);
    // Case does not matter, nor do blanks at the end.
    let name = line.tag.len() + 1;
    let mut other_case = whole.to_vec();
    let letters = whole[name..].iter().take_while(|octet| octet.is_ascii_alphabetic()).count();
    other_case[name..name + letters].make_ascii_lowercase();
    assert_eq!(CommandLine::parse(&other_case, &grammar).as_ref(), Ok(&line));
    let with_blanks = [whole.strip_suffix(b"\r\n").unwrap_or(whole), b"  \r\n"].concat();
    assert_eq!(CommandLine::parse(&with_blanks, &grammar).as_ref(), Ok(&line));
    if let Some(written) = written(command, &grammar) {
        let again = CommandLine::parse(&[b"a ", &written[..], b"\r\n"].concat(), &grammar);
        let again = again.map(|line| line.command);
        assert_eq!(again.as_ref(), Ok(&line.command), "{}", written.escape_ascii());
    }
}

/// What follows a message of APPEND.
fn behind_message(octets: &[u8], in_utf8: bool, grammar: &Grammar) {
    let _ = append_end(octets, in_utf8);
    if let Ok(head) = append_next(octets, in_utf8, grammar) {
        assert!(head.mailbox.is_none());
        check_head(&head);
    }
}

fn check_tag(tag: &str) {
    let is_tag = |octet: u8| octet.is_ascii_graphic() && !b"(){%*\"\\+".contains(&octet);
    assert!(!tag.is_empty() && tag.bytes().all(is_tag), "{tag}");
}

fn check_head(head: &AppendHead) {
    head.mailbox.iter().for_each(|name| check_name(name));
    check_flags(&head.flags);
}

fn check_name(name: &str) {
    assert!(!name.is_empty() && !name.contains(char::is_control), "{name:?}");
    assert!(!name.eq_ignore_ascii_case("INBOX") || name == "INBOX");
}

fn check_flags(flags: &[Flag]) {
    assert!(flags.len() <= 1024);
    for flag in flags {
        assert_eq!(flag.as_str().parse().as_ref(), Ok(flag));
        assert!(!flag.is_system() || Flag::SYSTEM.contains(flag), "{flag}");
    }
}

fn check_set(set: &SequenceSet) {
    if let SequenceSet::Ranges(ranges) = set {
        assert!(!ranges.is_empty());
        let is_sound = |number| number != SeqNumber::Number(0);
        assert!(ranges.iter().all(|&(first, last)| is_sound(first) && is_sound(last)));
    }
}

fn check(command: &Command) {
    match command {
        Command::Select { mailbox, .. } | Command::Create { mailbox, .. } | Command::Delete { mailbox } => {
            check_name(mailbox);
        }
        Command::Subscribe { mailbox } | Command::Unsubscribe { mailbox } => check_name(mailbox),
        Command::Rename { from, to } => [from, to].into_iter().for_each(|name| check_name(name)),
        Command::Status { mailbox, items } => {
            check_name(mailbox);
            assert!((1..=9).contains(&items.len()), "each once");
        }
        Command::Copy { set, mailbox } | Command::Move { set, mailbox } => {
            check_set(&set.set);
            check_name(mailbox);
        }
        Command::Fetch { set, items, changed_since, vanished } => {
            check_set(&set.set);
            assert!((1..=1024).contains(&items.len()));
            assert!(items.iter().enumerate().all(|(at, item)| !items[..at].contains(item)), "each once");
            assert!(!vanished || (set.uid && changed_since.is_some()));
        }
        Command::Store { set, flags, .. } => {
            check_set(&set.set);
            check_flags(flags);
        }
        Command::Search { key, .. } => check_key(key),
        Command::Expunge { uids } => uids.iter().for_each(check_set),
        Command::Enable(names) => {
            assert!(names.iter().all(|name| !name.bytes().any(|octet| octet.is_ascii_lowercase())));
        }
        Command::Id(pairs) => {
            let fits = |text: &str, max: usize| text.len() <= max * 3 && !text.contains(char::is_control);
            assert!(pairs.len() <= 30);
            assert!(pairs.iter().all(|(name, value)| {
                fits(name, 30) && value.as_ref().is_none_or(|value| fits(value, 1024))
            }));
        }
        _ => {}
    }
}

fn check_key(key: &SearchKey<MessageSet>) {
    let (mut keys, mut left) = (vec![(key, 0)], 1024);
    while let Some((key, depth)) = keys.pop() {
        assert!(depth <= 35, "nested too deeply");
        match key {
            SearchKey::And(inner) => keys.extend(inner.iter().map(|key| (key, depth + 1))),
            SearchKey::Or(both) => keys.extend([(&both.0, depth + 1), (&both.1, depth + 1)]),
            SearchKey::Not(key) => keys.push((key, depth + 1)),
            SearchKey::Messages(set) => check_set(&set.set),
            SearchKey::Body(text) | SearchKey::Text(text) => assert!(str::from_utf8(text).is_ok()),
            SearchKey::Header { name, text } => {
                assert!(str::from_utf8(text).is_ok());
                assert!(
                    !name.is_empty() && name.bytes().all(|octet| octet.is_ascii_graphic() && octet != b':')
                );
            }
            _ => {}
        }
        left -= 1;
        assert!(left >= -1100, "too many keys");
    }
}

/// The command as some client might write it; `None` of those of which this is not asked.
fn written(command: &Command, grammar: &Grammar) -> Option<Vec<u8>> {
    let name = |name: &str| {
        let name = if grammar.utf8 { name.to_owned() } else { encode_mailbox(name).into_owned() };
        literal(name.as_bytes())
    };
    let uid = |set: &MessageSet| if set.uid { "UID " } else { "" };
    Some(match command {
        Command::Delete { mailbox } => [&b"DELETE "[..], &name(mailbox)].concat(),
        Command::Subscribe { mailbox } => [&b"SUBSCRIBE "[..], &name(mailbox)].concat(),
        // A separator at the end of a new name means nothing, once.
        Command::Rename { from, to } if !to.ends_with('/') => {
            [&b"RENAME "[..], &name(from), b" ", &name(to)].concat()
        }
        Command::Select { mailbox, read_only, condstore, qresync: None } => {
            let verb = if *read_only { &b"EXAMINE "[..] } else { b"SELECT " };
            [verb, &name(mailbox), if *condstore { b" (CONDSTORE)" } else { b"" }].concat()
        }
        Command::Login { user, password } => {
            [&b"LOGIN "[..], &literal(user.as_bytes()), b" ", &literal(password.expose())].concat()
        }
        Command::Copy { set, mailbox } => {
            let head = format!("{}COPY {} ", uid(set), written_set(&set.set));
            [head.as_bytes(), &name(mailbox)].concat()
        }
        Command::Expunge { uids: Some(set) } => format!("UID EXPUNGE {}", written_set(set)).into_bytes(),
        Command::Store { set, unchanged_since, action, silent, flags } => {
            let sign = match action {
                StoreAction::Replace => "",
                StoreAction::Add => "+",
                StoreAction::Remove => "-",
            };
            let since = unchanged_since.map(|since| format!("(UNCHANGEDSINCE {since}) ")).unwrap_or_default();
            let flags: Vec<&str> = flags.iter().map(Flag::as_str).collect();
            let silent = if *silent { ".SILENT" } else { "" };
            let set = format!("{}STORE {}", uid(set), written_set(&set.set));
            format!("{set} {since}{sign}FLAGS{silent} ({})", flags.join(" ")).into_bytes()
        }
        Command::Fetch { set, items, changed_since, vanished } => {
            let mut line = format!("{}FETCH {} (", uid(set), written_set(&set.set)).into_bytes();
            for (index, item) in items.iter().enumerate() {
                line.extend_from_slice(if index == 0 { b"" } else { b" " });
                line.extend(written_item(item)?);
            }
            line.push(b')');
            if let Some(since) = changed_since {
                let vanished = if *vanished { " VANISHED" } else { "" };
                line.extend(format!(" (CHANGEDSINCE {since}{vanished})").into_bytes());
            }
            line
        }
        // UNSEEN is written as NOT SEEN, which counts more.
        Command::Search { uid, returns, key } if size(key) < 500 && depth(key) < 30 => {
            let mut line = if *uid { b"UID SEARCH".to_vec() } else { b"SEARCH".to_vec() };
            line.extend(returns.map(written_returns).unwrap_or_default());
            line.push(b' ');
            line.extend(written_key(key)?);
            line
        }
        _ => return None,
    })
}

fn size(key: &SearchKey<MessageSet>) -> usize {
    match key {
        SearchKey::And(keys) => 1 + keys.iter().map(size).sum::<usize>(),
        SearchKey::Or(both) => 1 + size(&both.0) + size(&both.1),
        SearchKey::Not(key) => 1 + size(key),
        _ => 1,
    }
}

fn depth(key: &SearchKey<MessageSet>) -> usize {
    match key {
        SearchKey::And(keys) => 1 + keys.iter().map(depth).max().unwrap_or(0),
        SearchKey::Or(both) => 1 + depth(&both.0).max(depth(&both.1)),
        SearchKey::Not(key) => 1 + depth(key),
        _ => 0,
    }
}

/// Whatever octets: in a literal, that is not waited for.
fn literal(octets: &[u8]) -> Vec<u8> {
    [format!("{{{}+}}\r\n", octets.len()).as_bytes(), octets].concat()
}

fn written_set(set: &SequenceSet) -> String {
    let SequenceSet::Ranges(ranges) = set else { return "$".to_owned() };
    let number = |number| match number {
        SeqNumber::Number(number) => number.to_string(),
        SeqNumber::Last => "*".to_owned(),
    };
    let ranges = ranges.iter().map(|&(first, last)| {
        if first == last { number(first) } else { format!("{}:{}", number(first), number(last)) }
    });
    ranges.collect::<Vec<_>>().join(",")
}

fn written_item(item: &FetchItem) -> Option<Vec<u8>> {
    let numbers = |part: &[u32]| part.iter().map(u32::to_string).collect::<Vec<_>>().join(".");
    let octets = |partial: &Option<mailwright_imap::types::Partial>| {
        partial.map(|partial| format!("<{}.{}>", partial.offset, partial.length)).unwrap_or_default()
    };
    let peek = |peek: bool| if peek { ".PEEK" } else { "" };
    Some(match item {
        FetchItem::Flags => b"FLAGS".to_vec(),
        FetchItem::InternalDate => b"INTERNALDATE".to_vec(),
        FetchItem::Size => b"RFC822.SIZE".to_vec(),
        FetchItem::Envelope => b"ENVELOPE".to_vec(),
        FetchItem::Body => b"BODY".to_vec(),
        FetchItem::BodyStructure => b"BODYSTRUCTURE".to_vec(),
        FetchItem::Uid => b"UID".to_vec(),
        FetchItem::ModSeq => b"MODSEQ".to_vec(),
        FetchItem::Binary { part, partial, peek: is_peek } => {
            format!("BINARY{}[{}]{}", peek(*is_peek), numbers(part), octets(partial)).into_bytes()
        }
        FetchItem::BinarySize { part } => format!("BINARY.SIZE[{}]", numbers(part)).into_bytes(),
        FetchItem::Section { section, partial, peek: is_peek, name } => {
            if *name != mailwright_imap::types::SectionName::Body {
                return None;
            }
            let dot = if section.part.is_empty() || section.text == SectionText::All { "" } else { "." };
            let mut line = format!("BODY{}[{}{dot}", peek(*is_peek), numbers(&section.part)).into_bytes();
            let (word, fields) = match &section.text {
                SectionText::All => ("", None),
                SectionText::Header => ("HEADER", None),
                SectionText::Text => ("TEXT", None),
                SectionText::Mime => ("MIME", None),
                SectionText::HeaderFields(names) => ("HEADER.FIELDS ", Some(names)),
                SectionText::HeaderFieldsNot(names) => ("HEADER.FIELDS.NOT ", Some(names)),
            };
            line.extend_from_slice(word.as_bytes());
            if let Some(names) = fields {
                let names: Vec<_> = names.iter().map(|name| literal(name.as_bytes())).collect();
                line.extend([b"(", &names.join(&b' ')[..], b")"].concat());
            }
            line.extend(format!("]{}", octets(partial)).into_bytes());
            line
        }
        _ => return None,
    })
}

fn written_returns(returns: SearchReturn) -> Vec<u8> {
    let SearchReturn { min, max, all, count, save } = returns;
    let options = [(min, "MIN"), (max, "MAX"), (all, "ALL"), (count, "COUNT"), (save, "SAVE")];
    let chosen: Vec<&str> = options.iter().filter(|option| option.0).map(|option| option.1).collect();
    format!(" RETURN ({})", chosen.join(" ")).into_bytes()
}

fn written_date(date: &Date) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    format!("{}-{}-{:04}", date.day, MONTHS[usize::from(date.month) - 1], date.year)
}

fn written_key(key: &SearchKey<MessageSet>) -> Option<Vec<u8>> {
    Some(match key {
        SearchKey::All => b"ALL".to_vec(),
        SearchKey::Messages(set) if set.uid => format!("UID {}", written_set(&set.set)).into_bytes(),
        SearchKey::Messages(set) => written_set(&set.set).into_bytes(),
        SearchKey::And(keys) => {
            let keys = keys.iter().map(written_key).collect::<Option<Vec<_>>>()?;
            [b"(", &keys.join(&b' ')[..], b")"].concat()
        }
        SearchKey::Or(both) => {
            [b"OR ", &written_key(&both.0)?[..], b" ", &written_key(&both.1)?[..]].concat()
        }
        SearchKey::Not(key) => [b"NOT ", &written_key(key)?[..]].concat(),
        SearchKey::Flag(flag) => match flag.as_str() {
            "\\Answered" => b"ANSWERED".to_vec(),
            "\\Deleted" => b"DELETED".to_vec(),
            "\\Draft" => b"DRAFT".to_vec(),
            "\\Flagged" => b"FLAGGED".to_vec(),
            "\\Seen" => b"SEEN".to_vec(),
            keyword => format!("KEYWORD {keyword}").into_bytes(),
        },
        SearchKey::Before(date) => format!("BEFORE {}", written_date(date)).into_bytes(),
        SearchKey::On(date) => format!("ON {}", written_date(date)).into_bytes(),
        SearchKey::Since(date) => format!("SINCE \"{}\"", written_date(date)).into_bytes(),
        SearchKey::SentBefore(date) => format!("SENTBEFORE {}", written_date(date)).into_bytes(),
        SearchKey::SentOn(date) => format!("SENTON {}", written_date(date)).into_bytes(),
        SearchKey::SentSince(date) => format!("SENTSINCE {}", written_date(date)).into_bytes(),
        SearchKey::Larger(size) => format!("LARGER {size}").into_bytes(),
        SearchKey::Smaller(size) => format!("SMALLER {size}").into_bytes(),
        SearchKey::Older(seconds) => format!("OLDER {seconds}").into_bytes(),
        SearchKey::Younger(seconds) => format!("YOUNGER {seconds}").into_bytes(),
        SearchKey::Header { name, text } => {
            [&b"HEADER "[..], &literal(name.as_bytes()), b" ", &literal(text)].concat()
        }
        SearchKey::Body(text) => [&b"BODY "[..], &literal(text)].concat(),
        SearchKey::Text(text) => [&b"TEXT "[..], &literal(text)].concat(),
        SearchKey::ModSeq(modseq) => format!("MODSEQ {modseq}").into_bytes(),
        _ => return None,
    })
}

/// Search programs and sets of messages, without literals: what is read is written and read again, and sets are as
/// the plainest reading of them has it.
pub fn imap_search(data: &[u8]) {
    if data.iter().any(|octet| matches!(octet, b'\r' | b'\n')) {
        return;
    }
    let grammar = Grammar::default();
    let read = |line: &[u8]| CommandLine::parse(&[b"a ", line, b"\r\n"].concat(), &grammar);
    if let Ok(CommandLine { command: Ok(command), .. }) = read(&[b"SEARCH ", data].concat()) {
        check(&command);
        if let Some(written) = written(&command, &grammar) {
            assert_eq!(
                read(&written).map(|line| line.command),
                Ok(Ok(command)),
                "{}",
                written.escape_ascii()
            );
        }
    }
    if data.iter().all(|octet| b"0123456789*:,$".contains(octet)) {
        let set = match read(&[b"UID EXPUNGE ", data].concat()) {
            Ok(CommandLine { command: Ok(Command::Expunge { uids }), .. }) => uids,
            _ => None,
        };
        assert_eq!(set, plain_set(str::from_utf8(data).expect("ASCII")));
    }
}

fn plain_set(text: &str) -> Option<SequenceSet> {
    if text == "$" {
        return Some(SequenceSet::Saved);
    }
    let number = |text: &str| match text {
        "*" => Some(SeqNumber::Last),
        text if text.starts_with('0') => None,
        text => text.parse().ok().map(SeqNumber::Number),
    };
    let range = |text: &str| match text.split_once(':') {
        None => Some((number(text)?, number(text)?)),
        Some((first, last)) => Some((number(first)?, number(last)?)),
    };
    text.split(',').map(range).collect::<Option<_>>().map(SequenceSet::Ranges)
}

/// Modified UTF-7: each name has one form, and each text has a name.
pub fn imap_utf7(data: &[u8]) {
    if let Ok(name) = decode_mailbox(data) {
        assert_eq!(encode_mailbox(&name).as_bytes(), data, "{name:?}");
    }
    let text = String::from_utf8_lossy(data);
    let encoded = encode_mailbox(&text);
    assert!(encoded.bytes().all(|octet| matches!(octet, b' '..=b'~')), "{encoded}");
    assert_eq!(decode_mailbox(encoded.as_bytes()).as_deref(), Ok(&*text));
}
