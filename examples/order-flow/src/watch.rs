//! Whoever looks at everybody now and then.

use std::time::Duration;

use stage::{Deadline, StageError};
use tokio::time::sleep;

use crate::house::House;
use crate::screen::{Progress, Screen};
use crate::services::Services;
use crate::status::Status;

/// How often everybody is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// For how long nothing may move, in seconds.
const STANDSTILL: u64 = 90;

/// Whoever looks.
#[derive(Debug)]
pub(crate) struct Watch<'a> {
    pub(crate) house: &'a House,
    pub(crate) services: &'a Services,
}

/// That something moves.
#[derive(Debug)]
pub(crate) struct Movement {
    last: u64,
    deadline: Deadline,
}

impl Movement {
    pub(crate) fn new() -> Self {
        Self {
            last: 0,
            deadline: Deadline::within(STANDSTILL),
        }
    }

    /// Notes where things are. Says whether they have stood still for too long.
    pub(crate) fn stands(&mut self, sum: u64) -> bool {
        if sum != self.last {
            *self = Self {
                last: sum,
                ..Self::new()
            };
        }
        self.deadline.is_over()
    }
}

impl Watch<'_> {
    /// Until something is wrong, or nothing moves.
    pub(crate) async fn forever(&self, screen: &Screen) -> StageError {
        let mut movement = Movement::new();
        loop {
            match self.look(screen).await {
                Err(error) => return error,
                Ok((_, progress)) if movement.stands(progress.sum()) => {
                    return StageError::TooLate {
                        what: "something moves".to_owned(),
                        seconds: STANDSTILL,
                    };
                }
                Ok(_) => sleep(LOOK).await,
            }
        }
    }

    /// Looks once, and shows it.
    ///
    /// # Errors
    /// When a service has ended by itself, or there is no status.
    pub(crate) async fn look(&self, screen: &Screen) -> Result<(Status, Progress), StageError> {
        self.services.must_run().await?;
        let status = Status::ask(&self.house.hub).await?;
        let counters = &self.house.counters;
        let orders = self.house.plan.orders;
        let stored = status.log.stored;
        let sealed = status.log.sealed;
        let published = (status.log.published, stored);
        let applied = status.projection("order_state").applied;
        let progress = Progress {
            parts: [
                Some((counters.orders.get(), orders)),
                Some((sealed, stored)),
                self.house.with_kafka.then_some(published),
                Some((counters.charges.get(), orders)),
                Some((counters.releases.get(), orders)),
                Some((counters.read.get(), orders)),
                Some((counters.known.get(), orders)),
                Some((counters.messages.get(), 2 * orders)),
                Some((applied.unwrap_or_default(), sealed)),
            ],
        };
        screen.show(&progress);
        Ok((status, progress))
    }
}
