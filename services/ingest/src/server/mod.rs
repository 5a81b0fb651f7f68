//! HTTP in front of the adapters.

mod api;
mod body;
mod connections;
mod hooks;
mod route;

use std::sync::Arc;
use std::time::Duration;

use dragoman_core::Clock;
use dragoman_store::{AppendOutcome, AppendRequest, Store};

pub(crate) use self::connections::{Limits, serve};
use crate::keys::Keys;
use crate::problem::{Problem, ProblemKind};
use crate::queue::{NotAppended, Queue};
use crate::refusals::Refusals;
use crate::{Adapters, Catalogue, telemetry};

/// What every request needs.
#[derive(Debug)]
pub(crate) struct Door<C> {
    pub(crate) store: Store,
    pub(crate) adapters: Adapters,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) keys: Keys,
    pub(crate) queue: Queue,
    pub(crate) refusals: Arc<Refusals>,
    pub(crate) body_limit: usize,
    pub(crate) body_timeout: Duration,
    pub(crate) store_timeout: Duration,
    pub(crate) clock: C,
}

/// A request that is sent back.
#[derive(Debug)]
struct Refused {
    problem: Problem,
    /// How many events it had, as far as it was known; one request that never got to
    /// be events counts as one.
    events: usize,
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self { problem, events: 1 }
    }
}

impl<C: Clock> Door<C> {
    /// Stores a request by way of the writers.
    ///
    /// # Errors
    /// There is no room, or it was not stored.
    async fn append(&self, request: AppendRequest) -> Result<AppendOutcome, Problem> {
        let submitted = self.queue.submit(request);
        telemetry::queued(self.queue.len());
        let Ok(replied) = submitted else {
            return Err(Problem::new(
                ProblemKind::Overloaded,
                "more is waiting to be written than there is room for",
            ));
        };
        match replied.await {
            Ok(Ok(outcome)) => Ok(outcome),
            Ok(Err(NotAppended::Refused)) => Err(Problem::new(
                ProblemKind::Internal,
                "the hub's database refuses this event",
            )),
            // A closed channel: the hub is stopping and its writers were cut off.
            Ok(Err(NotAppended::Unavailable)) | Err(_) => Err(unavailable()),
        }
    }
}

/// The database did not take it, or did not say whether it has.
fn unavailable() -> Problem {
    Problem::new(
        ProblemKind::Unavailable,
        "the hub's database is not available; send the same again",
    )
}
