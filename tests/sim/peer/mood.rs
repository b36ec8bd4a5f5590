//! What a server is like for a while.

use crate::random::Random;

/// How far a session has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Banner,
    Hello,
    Mail,
    Rcpt,
    Data,
    /// In the content, at some line.
    Body,
    /// The content is there: 250 is due.
    End,
}

impl Stage {
    const ALL: [Self; 7] =
        [Self::Banner, Self::Hello, Self::Mail, Self::Rcpt, Self::Data, Self::Body, Self::End];
}

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// It takes everything.
    Fine,
    /// It refuses at a stage, for now or for good.
    Refuses(Stage, u16),
    /// It says nothing more.
    Stalls(Stage),
    /// It hangs up.
    HangsUp(Stage),
    /// What it has not seen for a while is to come again.
    Grey,
    /// It takes the message, and its 250 never leaves.
    SwallowsReply,
    /// One recipient of two is refused for good.
    Picky,
}

impl Mood {
    pub(crate) fn any(random: &mut Random) -> Self {
        let stage = *random.pick(&Stage::ALL);
        match random.below(10) {
            0 | 1 => Self::Fine,
            2 => Self::Refuses(stage, 451),
            3 => Self::Refuses(stage, 421),
            4 => Self::Refuses(stage, 550),
            5 => Self::Stalls(stage),
            6 => Self::HangsUp(stage),
            7 => Self::Grey,
            8 => Self::SwallowsReply,
            _ => Self::Picky,
        }
    }
}
