//! Commands as clients print them are read as what they mean.

use mailwright_imap::types::{
    FetchItem, Flag, MessageSet, Partial, Section, SectionName, SectionText, SeqNumber, SequenceSet,
};
use mailwright_imap::{Command, CommandLine, Grammar, StoreAction, encode_mailbox};
use proptest::prelude::*;

fn parsed(command: &str, utf8: bool) -> Command {
    let grammar = Grammar { utf8, ..Grammar::default() };
    CommandLine::parse(format!("t1 {command}\r\n").as_bytes(), &grammar).unwrap().command.unwrap()
}

fn seq_number() -> impl Strategy<Value = SeqNumber> {
    prop_oneof![3 => (1..=u32::MAX).prop_map(SeqNumber::Number), 1 => Just(SeqNumber::Last)]
}

fn set() -> impl Strategy<Value = SequenceSet> {
    let ranges = prop::collection::vec((seq_number(), seq_number()), 1..6);
    prop_oneof![
        9 => ranges.prop_map(|ranges| SequenceSet::Ranges(ranges.into_iter().collect())),
        1 => Just(SequenceSet::Saved),
    ]
}

fn print_set(set: &SequenceSet) -> String {
    let number = |number: SeqNumber| match number {
        SeqNumber::Number(number) => number.to_string(),
        SeqNumber::Last => "*".to_owned(),
    };
    let SequenceSet::Ranges(ranges) = set else { return "$".to_owned() };
    let range = |&(first, last): &(SeqNumber, SeqNumber)| match first == last {
        true => number(first),
        false => format!("{}:{}", number(first), number(last)),
    };
    ranges.iter().map(range).collect::<Vec<_>>().join(",")
}

/// Atom, quoted or literal: what can be which is the client's to know.
fn print_string(text: &str, form: u8) -> String {
    let is_atom = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&'+,-./:;<=>?@[]^_`|}~".contains(&byte);
    if form == 0 && !text.is_empty() && text.bytes().all(is_atom) {
        text.to_owned()
    } else if form == 1 && !text.contains(['\r', '\n', '\0']) {
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        format!("{{{}}}\r\n{text}", text.len())
    }
}

fn mailbox() -> impl Strategy<Value = String> {
    let usual = |name: &String| !name.is_empty() && !name.contains(char::is_control);
    prop_oneof!["[a-z/&*% \"\\\\]{1,12}", any::<String>().prop_filter("no control characters", usual)]
        .prop_filter("INBOX has a case of its own", |name| !name.eq_ignore_ascii_case("INBOX"))
}

fn flags() -> impl Strategy<Value = Vec<Flag>> {
    let flag = prop_oneof![
        prop::sample::select(Flag::SYSTEM.to_vec()),
        "[a-zA-Z$_][a-zA-Z0-9.:-]{0,8}".prop_map(|flag| flag.parse::<Flag>().unwrap()),
    ];
    prop::collection::vec(flag, 0..5)
}

fn section() -> impl Strategy<Value = Section> {
    let fields = || prop::collection::vec("[A-Za-z-]{1,12}", 1..4);
    let text = prop_oneof![
        Just(SectionText::All),
        Just(SectionText::Header),
        Just(SectionText::Text),
        Just(SectionText::Mime),
        fields().prop_map(SectionText::HeaderFields),
        fields().prop_map(SectionText::HeaderFieldsNot),
    ];
    let part = prop::collection::vec(1..100u32, 0..4);
    (part, text).prop_map(|(part, text)| Section { part, text }).prop_filter("MIME is of a part", |section| {
        !section.part.is_empty() || section.text != SectionText::Mime
    })
}

fn print_section(section: &Section) -> String {
    let mut pieces: Vec<_> = section.part.iter().map(u32::to_string).collect();
    match &section.text {
        SectionText::All => {}
        SectionText::Header => pieces.push("HEADER".to_owned()),
        SectionText::Text => pieces.push("TEXT".to_owned()),
        SectionText::Mime => pieces.push("MIME".to_owned()),
        SectionText::HeaderFields(names) => pieces.push(format!("HEADER.FIELDS ({})", names.join(" "))),
        SectionText::HeaderFieldsNot(names) => {
            pieces.push(format!("HEADER.FIELDS.NOT ({})", names.join(" ")));
        }
    }
    format!("[{}]", pieces.join("."))
}

mailwright_core::properties! {
    #[test]
    fn mailbox_names(name in mailbox(), form in 0..3u8, utf8 in any::<bool>()) {
        let wire = if utf8 { name.clone() } else { encode_mailbox(&name).into_owned() };
        // The grammar lets atoms be ASCII only.
        let command = format!("SUBSCRIBE {}", print_string(&wire, form));
        prop_assert_eq!(parsed(&command, utf8), Command::Subscribe { mailbox: name });
    }

    #[test]
    fn fetches(set in set(), uid in any::<bool>(), section in section(), peek in any::<bool>(), from in any::<u32>()) {
        let prefix = if uid { "UID " } else { "" };
        let body = if peek { "BODY.PEEK" } else { "BODY" };
        let printed = print_section(&section);
        let command = format!("{prefix}FETCH {} (UID {body}{printed}<{from}.7>)", print_set(&set));
        let partial = Some(Partial { offset: from.into(), length: 7 });
        let item = FetchItem::Section { section, partial, peek, name: SectionName::Body };
        let expected = Command::Fetch {
            set: MessageSet { uid, set },
            items: vec![FetchItem::Uid, item],
            changed_since: None,
            vanished: false,
        };
        prop_assert_eq!(parsed(&command, false), expected);
    }

    #[test]
    fn stores(set in set(), flags in flags(), silent in any::<bool>()) {
        let names: Vec<_> = flags.iter().map(Flag::as_str).collect();
        let suffix = if silent { ".SILENT" } else { "" };
        let command = format!("STORE {} +FLAGS{suffix} ({})", print_set(&set), names.join(" "));
        let set = MessageSet::numbers(set);
        let expected = Command::Store { set, unchanged_since: None, action: StoreAction::Add, silent, flags };
        prop_assert_eq!(parsed(&command, false), expected);
    }

    #[test]
    fn logins(user in any::<String>(), password in any::<String>(), forms in (0..3u8, 0..3u8)) {
        let (user, password) = (user.replace('\0', ""), password.replace('\0', ""));
        let (one, other) = (print_string(&user, forms.0), print_string(&password, forms.1));
        let expected = Command::Login { user, password: password.as_str().into() };
        prop_assert_eq!(parsed(&format!("LOGIN {one} {other}"), false), expected);
    }
}
