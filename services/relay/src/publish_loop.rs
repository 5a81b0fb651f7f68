//! Publishing for as long as the lease lasts.

use std::time::{Duration, Instant};

use dragoman_core::{Backoff, Position, chain};
use dragoman_store::{Leadership, SealedBatch};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::RelayError;
use crate::lineage::Lineage;
use crate::publish::{MarkStep, PublishStep, Publisher};
use crate::recovery::tails_of;
use crate::stall::ProducerWatch;

/// The rests between tries while the database is away.
const AWAY: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(2));

/// Why the loop ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PublishEnd {
    /// It was asked to stop, and drained as far as it could in time.
    Stopped,
    /// The lease is another's.
    LostLease,
    /// An event has a type that the lanes do not know: look at the catalogue again.
    UnknownType {
        /// The type.
        event_type: String,
        /// How far everything is through.
        through: Position,
    },
    /// The producer has stopped working while Kafka works: go on with a new one.
    Stalled {
        /// How far everything is through.
        through: Position,
    },
}

/// What the sealer hands over.
pub(crate) struct Intake {
    pub(crate) batches: mpsc::Receiver<SealedBatch>,
    pub(crate) head: watch::Receiver<Position>,
}

/// How often and how long.
pub(crate) struct Rhythm {
    pub(crate) mark_interval: Duration,
    pub(crate) drain_timeout: Duration,
}

/// Publishes until asked to stop or the lease is lost.
///
/// # Errors
/// Whatever halts a relay.
pub(crate) async fn publish_loop(
    publisher: &mut Publisher<'_>,
    mut watch: ProducerWatch<'_>,
    leadership: &Leadership,
    lineage: &Lineage,
    intake: &mut Intake,
    rhythm: &Rhythm,
    stop: &CancellationToken,
) -> Result<PublishEnd, RelayError> {
    let mut marked = Instant::now();
    let mut stopping: Option<Instant> = None;
    let mut unknown: Option<String> = None;
    let mut failures = 0;
    loop {
        if !leadership.holds() {
            return Ok(PublishEnd::LostLease);
        }
        publisher.settle_step()?;
        match publisher.publish_step()? {
            PublishStep::Drained | PublishStep::Full => {}
            PublishStep::UnknownType(event_type) => unknown = Some(event_type),
            PublishStep::LostLease => return Ok(PublishEnd::LostLease),
        }
        let leaving = ending(publisher, stopping, unknown.is_some(), rhythm);
        if leaving || marked.elapsed() >= rhythm.mark_interval {
            marked = Instant::now();
            lineage.published(tails_of(publisher.lanes()));
            publisher.report_lag(*intake.head.borrow());
            match publisher.mark_step().await {
                Ok(MarkStep::Marked | MarkStep::Nothing) => {}
                Ok(MarkStep::LostLease) => return Ok(PublishEnd::LostLease),
                Err(error) if error.is_unavailable() => {
                    tracing::warn!(error = %chain(&error), "marks wait for the database");
                }
                Err(error) => return Err(error),
            }
            if watch.has_stalled(publisher).await {
                return Ok(PublishEnd::Stalled {
                    through: publisher.through(),
                });
            }
        }
        if leaving {
            return Ok(match unknown {
                Some(event_type) if stopping.is_none() => PublishEnd::UnknownType {
                    event_type,
                    through: publisher.through(),
                },
                Some(_) | None => PublishEnd::Stopped,
            });
        }
        let mut rest = rhythm.mark_interval.saturating_sub(marked.elapsed());
        if stopping.is_none() && unknown.is_none() && publisher.has_room() {
            match publisher.take_step(&mut intake.batches, &intake.head).await {
                Ok(true) => {
                    failures = 0;
                    tokio::task::yield_now().await;
                    continue;
                }
                Ok(false) => failures = 0,
                Err(error) if error.is_unavailable() => {
                    failures += 1;
                    rest = AWAY.wait(failures, rand::random());
                    tracing::warn!(error = %chain(&error), "publishing waits for the database");
                }
                Err(error) => return Err(error),
            }
        }
        let room = publisher.has_room() && failures == 0;
        tokio::select! {
            () = publisher.producer().progress() => {}
            changed = intake.head.changed(), if room && stopping.is_none() => {
                if changed.is_err() {
                    // The sealer has ended; whoever started it says what comes next.
                    stopping.get_or_insert_with(Instant::now);
                }
            }
            () = stop.cancelled(), if stopping.is_none() => stopping = Some(Instant::now()),
            () = tokio::time::sleep(rest) => {}
        }
    }
}

/// Whether it is time to leave: nothing more is taken in, and what was is
/// acknowledged or has had its time.
fn ending(
    publisher: &Publisher<'_>,
    stopping: Option<Instant>,
    unknown: bool,
    rhythm: &Rhythm,
) -> bool {
    if unknown {
        return publisher.in_flight() == 0;
    }
    let Some(since) = stopping else {
        return false;
    };
    publisher.is_drained() || since.elapsed() >= rhythm.drain_timeout
}
