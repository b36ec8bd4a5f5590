//! What a ticket is for decides what its answer is.

use super::event::{Appended, AuthStep, Copied, Found, MailboxStatus, Stored, Synced, View, ask};
use crate::rejection::Rejection;

/// A question that [`Server::answer`](super::Server::answer) takes an answer to.
pub trait Question: sealed::Sealed {
    /// The answer.
    type Answer;

    #[doc(hidden)]
    fn given(answer: Self::Answer) -> Given;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! questions {
    ($($question:ident: $answer:ty,)*) => {
        /// An answer, with the question that it is to.
        #[doc(hidden)]
        #[derive(Debug)]
        pub enum Given {
            $(#[doc = concat!("To [`ask::", stringify!($question), "`].")]
            $question($answer),)*
        }

        $(
            impl sealed::Sealed for ask::$question {}
            impl Question for ask::$question {
                type Answer = $answer;

                fn given(answer: Self::Answer) -> Given {
                    Given::$question(answer)
                }
            }
        )*
    };
}

questions! {
    Login: Result<(), Rejection>,
    Auth: Result<AuthStep, Rejection>,
    Select: Result<View, Rejection>,
    Resume: Result<(), Rejection>,
    Done: Result<(), Rejection>,
    List: Result<(), Rejection>,
    Status: Result<MailboxStatus, Rejection>,
    AppendMessage: Result<(), Rejection>,
    AppendCommit: Result<Appended, Rejection>,
    Fetch: Result<(), Rejection>,
    Store: Result<Stored, Rejection>,
    Copy: Result<Option<Copied>, Rejection>,
    Move: Result<(), Rejection>,
    Search: Result<Found, Rejection>,
    Sync: Synced,
}
