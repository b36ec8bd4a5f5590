//! Framing before grammar: whole lines, dot-ended bodies, literals. All scanning is memchr's, no byte is
//! looked at twice, and every limit is enforced here, so that grammar sees complete input only.

mod dot;
mod line;
mod literal;
mod octets;

pub use dot::{BodyFault, DotReader, DotStep, DotWriter};
pub use line::{Line, LineFramer, LineLimits};
pub use literal::{CommandFrame, CommandFramer, InvalidLiteral, Literal};
pub use octets::OctetReader;
