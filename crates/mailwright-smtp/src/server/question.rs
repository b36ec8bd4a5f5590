//! What a ticket is for decides what its answer is.

use super::event::{Accepted, AuthStep, Etrn, ask};
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
    Connect: Result<(), Rejection>,
    Hello: Result<(), Rejection>,
    Auth: Result<AuthStep, Rejection>,
    XClient: Result<(), Rejection>,
    Mail: Result<(), Rejection>,
    Rcpt: Result<(), Rejection>,
    Data: Result<(), Rejection>,
    Burl: Result<u64, Rejection>,
    Message: Result<Accepted, Rejection>,
    Deliveries: Vec<Result<Accepted, Rejection>>,
    Vrfy: Result<Vec<String>, Rejection>,
    Expn: Result<Vec<String>, Rejection>,
    Etrn: Result<Etrn, Rejection>,
}
