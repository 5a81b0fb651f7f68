//! What becomes of each event of a step once it is written, or cannot be.

use sqlx::PgConnection;

use super::careful::{Care, Failure, bring_in};
use super::destination::Destination;
use super::evaluate::Evaluated;
use super::folding::RowCache;
use super::plan::Plan;
use super::write::{OnFailure, Settled};
use crate::Order;

/// Where and how events take effect.
pub(super) struct Writing<'w> {
    pub(super) order: Order,
    pub(super) destination: Destination<'w>,
    pub(super) care: Care,
}

/// What became of each event of a step.
#[derive(Default)]
pub(super) struct Outcome<'a, 'e> {
    pub(super) applied: usize,
    pub(super) skipped: usize,
    /// The last event that is done with, before a stop.
    pub(super) last: Option<&'a Evaluated<'e>>,
    pub(super) failed: Vec<(&'a Evaluated<'e>, String)>,
    /// Those that wait, by position, with those that failed.
    pub(super) waiting: Vec<&'a Evaluated<'e>>,
    pub(super) stop: Option<(&'a Evaluated<'e>, String)>,
}

impl Writing<'_> {
    /// Writes what is to be written.
    pub(super) async fn outcome<'a, 'e>(
        &self,
        connection: &mut PgConnection,
        plan: Plan<'a, 'e>,
        cache: &mut RowCache,
    ) -> Result<Outcome<'a, 'e>, Failure> {
        let settled = self.written(connection, plan.effective, cache).await?;
        let mut failed = settled.failed;
        failed.extend(plan.failed);
        if self.order == Order::Total {
            return Ok(stopped(settled.applied, plan.skipped, failed));
        }
        let mut waiting = settled.behind;
        waiting.extend(plan.behind);
        waiting.extend(failed.iter().map(|(event, _)| *event));
        waiting.sort_unstable_by_key(|event| event.event().position);
        Ok(Outcome {
            applied: settled.applied.len(),
            skipped: plan.skipped.len(),
            failed,
            waiting,
            ..Outcome::default()
        })
    }

    async fn written<'a, 'e>(
        &self,
        connection: &mut PgConnection,
        events: Vec<&'a Evaluated<'e>>,
        cache: &mut RowCache,
    ) -> Result<Settled<'a, 'e>, Failure> {
        let on_failure = match self.order {
            Order::Subject => OnFailure::Park,
            Order::Total => OnFailure::Stop,
        };
        let how = (self.care, cache);
        bring_in(connection, self.destination, events, on_failure, how).await
    }
}

/// In a total order nothing counts that comes after the first that failed.
fn stopped<'a, 'e>(
    applied: Vec<&'a Evaluated<'e>>,
    skipped: Vec<&'a Evaluated<'e>>,
    failed: Vec<(&'a Evaluated<'e>, String)>,
) -> Outcome<'a, 'e> {
    let position = |event: &&Evaluated<'_>| event.event().position;
    let stop = failed
        .into_iter()
        .min_by_key(|(event, _)| event.event().position);
    let end = stop.as_ref().map(|(event, _)| event.event().position);
    let before = |event: &&Evaluated<'_>| end.is_none_or(|end| position(event) < end);
    let skipped: Vec<_> = skipped.into_iter().filter(before).collect();
    Outcome {
        applied: applied.len(),
        skipped: skipped.len(),
        last: applied.into_iter().chain(skipped).max_by_key(position),
        stop,
        ..Outcome::default()
    }
}
