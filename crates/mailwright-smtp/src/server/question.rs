//! What a ticket is for decides what its answer is.

use super::event::{Accepted, AuthStep, ask};
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
            $question(Result<$answer, Rejection>),)*
        }

        $(
            impl sealed::Sealed for ask::$question {}
            impl Question for ask::$question {
                type Answer = Result<$answer, Rejection>;

                fn given(answer: Self::Answer) -> Given {
                    Given::$question(answer)
                }
            }
        )*
    };
}

questions! {
    Hello: (),
    Auth: AuthStep,
    Mail: (),
    Rcpt: (),
    Data: (),
    Message: Accepted,
}
