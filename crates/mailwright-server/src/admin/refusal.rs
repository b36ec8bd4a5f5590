//! Why something cannot be done, as the command says it.

use mailwright_core::Domain;
use mailwright_store::{Cause, Unavailable};

use crate::exit::{Exit, Failure};

pub(super) fn parse_domain(text: &str) -> Result<Domain, Failure> {
    text.parse().map_err(|error| {
        Failure::new(Exit::Data, format!("{text:?} is no domain: {error}"))
            .with_remedy("a domain is like example.org")
    })
}

pub(super) fn refused(cause: Cause) -> Failure {
    match cause {
        Cause::Unavailable(error) => unavailable(error),
        Cause::NoSuchAccount => Failure::new(Exit::NoUser, "there is no such user any more"),
        Cause::NoSpace => Failure::new(Exit::IoError, "the store is full"),
        cause => Failure::new(Exit::Unavailable, format!("the store refuses it: {cause}")),
    }
}

pub(super) fn unavailable(error: Unavailable) -> Failure {
    let source = std::error::Error::source(&error).map_or_else(String::new, |source| format!(": {source}"));
    Failure::new(Exit::Unavailable, format!("{error}{source}"))
}
