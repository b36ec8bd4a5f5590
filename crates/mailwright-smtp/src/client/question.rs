//! What a ticket is for decides what its answer is.

use mailwright_core::Secret;

use super::event::{GivenUp, Work, ask};

/// A question that [`Client::answer`](super::Client::answer) takes an answer to.
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
    Work: Work,
    Challenge: Result<Secret, GivenUp>,
    Body: Result<(), GivenUp>,
}
