//! Flags, between client and store.

use mailwright_imap::Rejection;
use mailwright_imap::types::Flag;
use mailwright_store::{Flags, Keyword, SpecialUse, SystemFlag};

/// The names of flags.
pub(super) fn names(flags: &Flags) -> impl Iterator<Item = &str> {
    let system = flags.system().map(|flag| -> &str { flag.as_str() });
    system.chain(flags.keywords().iter().map(Keyword::as_str))
}

pub(super) fn system(flag: &Flag) -> Option<SystemFlag> {
    SystemFlag::ALL.into_iter().find(|system| flag.is(system.as_str()))
}

/// The flags, if they can be kept.
pub(super) fn parse(flags: &[Flag]) -> Result<Flags, Rejection> {
    flags.iter().try_fold(Flags::new(), |all, flag| match system(flag) {
        Some(system) => Ok(all.with(system)),
        None if flag.is_system() => {
            Err(Rejection::limit().with_text(format!("there is no flag {flag} in this server")))
        }
        None => match flag.as_str().parse() {
            Ok(keyword) => Ok(all.with_keyword(keyword)),
            Err(error) => Err(Rejection::limit().with_text(format!("{error}"))),
        },
    })
}

pub(super) fn of_keywords(keywords: &[Keyword]) -> impl Iterator<Item = Flag> {
    keywords.iter().filter_map(|keyword| keyword.as_str().parse().ok())
}

const USES: [SpecialUse; 8] = [
    SpecialUse::All,
    SpecialUse::Archive,
    SpecialUse::Drafts,
    SpecialUse::Flagged,
    SpecialUse::Important,
    SpecialUse::Junk,
    SpecialUse::Sent,
    SpecialUse::Trash,
];

pub(super) fn special_use(flag: &Flag) -> Option<SpecialUse> {
    USES.into_iter().find(|special| flag.is(special.as_str()))
}
