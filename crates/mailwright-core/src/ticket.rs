//! Tickets: the right, and the duty, to answer one question of one machine.

use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering};

/// The right to answer one question of one machine, once.
///
/// `Q` names the question, and with it the type of the answer. A ticket is neither `Clone` nor `Copy` and is
/// given up with the answer, so answering twice does not compile:
///
/// ```compile_fail
/// # fn f(machine: &mut mailwright_core::Desk, ticket: mailwright_core::Ticket<()>) {
/// machine.close(ticket);
/// machine.close(ticket); // use of moved value
/// # }
/// ```
///
/// Dropping one, or giving it to another machine, is a mistake of the caller; the peer is answered all the
/// same, when the machine's deadline on its application passes.
#[must_use = "an unanswered ticket leaves the peer waiting for the reply deadline"]
pub struct Ticket<Q> {
    machine: u64,
    question: u64,
    kind: PhantomData<fn() -> Q>,
}

impl<Q> fmt::Debug for Ticket<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket")
    }
}

/// The ticket is past its deadline or of another machine. Nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the question was withdrawn, or was asked by another machine")]
pub struct Stale;

/// The machine's side of its tickets: at most one question is open at a time.
#[derive(Debug)]
pub struct Desk {
    machine: u64,
    asked: u64,
    open: bool,
}

impl Desk {
    /// A desk whose tickets no other desk takes.
    #[expect(clippy::new_without_default, reason = "each desk is another one: `default()` would hide that")]
    pub fn new() -> Self {
        // Only ever compared for equality, so the order of creation never shows in behaviour.
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self { machine: NEXT.fetch_add(1, Ordering::Relaxed), asked: 0, open: false }
    }

    /// Asks. A question that was still open is withdrawn.
    pub fn open<Q>(&mut self) -> Ticket<Q> {
        self.asked += 1;
        self.open = true;
        Ticket { machine: self.machine, question: self.asked, kind: PhantomData }
    }

    /// Whether a question is open.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Checks a ticket without giving it up: for answers that come in several parts.
    ///
    /// # Errors
    /// [`Stale`] if the ticket is not that of the open question.
    pub fn check<Q>(&self, ticket: &Ticket<Q>) -> Result<(), Stale> {
        if self.open && ticket.machine == self.machine && ticket.question == self.asked {
            Ok(())
        } else {
            Err(Stale)
        }
    }

    /// Takes the ticket back; the question is answered.
    ///
    /// # Errors
    /// [`Stale`] if the ticket is not that of the open question, which then stays open.
    #[expect(clippy::needless_pass_by_value, reason = "taking it is the point: a ticket is used up")]
    pub fn close<Q>(&mut self, ticket: Ticket<Q>) -> Result<(), Stale> {
        self.check(&ticket)?;
        self.open = false;
        Ok(())
    }

    /// Withdraws the open question: its ticket is stale from now on.
    pub fn withdraw(&mut self) {
        self.open = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_taken_once_by_its_own_desk() {
        let (mut a, mut b) = (Desk::new(), Desk::new());
        let ticket = a.open::<()>();
        let foreign = b.open::<()>();
        assert_eq!(a.close(foreign), Err(Stale));
        assert!(a.is_open(), "a foreign ticket changes nothing");
        assert_eq!(a.close(ticket), Ok(()));
        assert!(!a.is_open());
    }

    #[test]
    fn a_withdrawn_question_takes_no_answer() {
        let mut desk = Desk::new();
        let late = desk.open::<()>();
        desk.withdraw();
        assert_eq!(desk.check(&late), Err(Stale));
        let next = desk.open::<()>();
        assert_eq!(desk.close(late), Err(Stale), "nor does the next question take it");
        assert_eq!(desk.close(next), Ok(()));
    }
}
