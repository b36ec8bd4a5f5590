//! Where the mail of a domain goes (RFC 5321 §5.1).

mod candidates;
mod hosts;
mod lookup;
mod refusal;

pub use candidates::{Candidate, Candidates, Identity, MxLimits, candidates};
pub use hosts::{Host, Hosts, MailHosts, Source, Unusable, collect};
pub use lookup::mail_hosts;
pub use refusal::Party;
