use mailwright_smtp::Command;

/// Command lines: read or refused; what is read is written as something that is read as the same, and does not depend on
/// case or on blanks at the end.
pub fn smtp_command(data: &[u8]) {
    let parsed = Command::parse(data);
    let Ok(command) = parsed else { return };
    let again = match &command {
        Command::Ehlo(name) | Command::Helo(name) | Command::Lhlo(name) => {
            assert!((1..=255).contains(&name.len()) && name.bytes().all(|octet| octet.is_ascii_graphic()));
            None
        }
        Command::Mail(from, params) => Some(format!("MAIL FROM:{from}{params}")),
        Command::Rcpt(to, params) => Some(format!("RCPT TO:{to}{params}")),
        Command::Bdat { size, last } => Some(format!("BDAT {size}{}", if *last { " LAST" } else { "" })),
        Command::Burl { url, last } => {
            assert!(url.bytes().all(|octet| octet.is_ascii_graphic()));
            Some(format!("BURL {url}{}", if *last { " LAST" } else { "" }))
        }
        Command::Vrfy(text) | Command::Expn(text) | Command::Etrn(text) => {
            assert!(!text.is_empty() && !text.contains(char::is_control));
            None
        }
        Command::Auth { mechanism, initial } => {
            assert!((1..=20).contains(&mechanism.len()));
            assert!(initial.is_none_or(|initial| !initial.0.is_empty() && !initial.0.contains(&b' ')));
            if let Some(initial) = initial.filter(|initial| initial.0.len() >= 20) {
                let shown = format!("{command:?}");
                assert!(!shown.contains(&initial.0.escape_ascii().to_string()), "a secret is shown");
            }
            None
        }
        _ => None,
    };
    if let Some(again) = again {
        assert!(!again.contains(char::is_control), "{again:?}");
        assert_eq!(Command::parse(again.as_bytes()).as_ref(), Ok(&command), "{again}");
    }
    let verb = data.iter().take_while(|octet| octet.is_ascii_alphabetic()).count();
    let (verb, rest) = data.split_at(verb);
    assert_eq!(Command::parse(&[&verb.to_ascii_lowercase(), rest].concat()), Ok(command.clone()));
    assert_eq!(Command::parse(&[data, b"  "].concat()), Ok(command));
}
