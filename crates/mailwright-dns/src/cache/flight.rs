//! One lookup for all who want to know the same at the same time.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;

use crate::answer::Answer;
use crate::error::LookupError;
use crate::record::Question;

type Outcome = Result<Answer, LookupError>;
type Cell = Arc<OnceCell<Outcome>>;

/// Lookups under way. There are never more than there are callers.
#[derive(Debug, Default)]
pub(super) struct Flights(Mutex<HashMap<Question, Cell>>);

impl Flights {
    /// The outcome of the lookup that is under way, or else of `ask`. If whoever asks goes away, the next one who
    /// waits asks anew.
    pub(super) async fn join(&self, question: &Question, ask: impl Future<Output = Outcome>) -> Outcome {
        let place = Place { flights: self, question, cell: self.enter(question) };
        let asked = async {
            let outcome = ask.await;
            // Whoever comes from now on finds it in the table, or is to ask again.
            self.leave(question, &place.cell);
            outcome
        };
        place.cell.get_or_init(|| asked).await.clone()
    }

    fn enter(&self, question: &Question) -> Cell {
        Arc::clone(self.cells().entry(question.clone()).or_default())
    }

    fn leave(&self, question: &Question, cell: &Cell) {
        let mut cells = self.cells();
        if cells.get(question).is_some_and(|other| Arc::ptr_eq(cell, other)) {
            cells.remove(question);
        }
    }

    fn cells(&self) -> MutexGuard<'_, HashMap<Question, Cell>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who waits for an outcome. The last one to go away takes the cell along.
struct Place<'a> {
    flights: &'a Flights,
    question: &'a Question,
    cell: Cell,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut cells = self.flights.cells();
        // The map's, and ours: cells are only cloned under its lock.
        if cells.get(self.question).is_some_and(|other| Arc::ptr_eq(&self.cell, other))
            && Arc::strong_count(&self.cell) == 2
        {
            cells.remove(self.question);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    #[test]
    fn who_goes_away_leaves_nothing_behind() {
        let flights = Flights::default();
        let question = Question::new("example.org".parse().unwrap(), crate::record::RecordType::Mx);
        {
            let mut cx = Context::from_waker(Waker::noop());
            let mut first = pin!(flights.join(&question, pending()));
            assert!(first.as_mut().poll(&mut cx).is_pending());
            let mut second = pin!(flights.join(&question, pending()));
            assert!(second.as_mut().poll(&mut cx).is_pending());
            assert_eq!(flights.cells().len(), 1);
        }
        assert!(flights.cells().is_empty());
    }
}
