//! What a relay does while it leads: look before it seals, then seal and publish
//! side by side.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use dragoman_core::{Backoff, Position, chain};
use dragoman_store::{Leadership, LedgerTip, SealedBatch, Store};
use dragoman_stream::{KafkaOptions, Producer};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::lease::LEASE;
use crate::lineage::{KnownTails, Lineage};
use crate::publish::Publisher;
use crate::publish_loop::{Intake, PublishEnd, Rhythm, publish_loop};
use crate::recovery::{Recovered, recover};
use crate::schema_check::{SchemaCheck, check_loop, unchecked};
use crate::seal::{Outlets, SealEnd, Sealer, seal_loop};
use crate::stall::ProducerWatch;
use crate::task::Task;
use crate::{RelayError, RelayOptions, telemetry};

/// The rests between tries while Postgres or Kafka is away.
const AWAY: Backoff = Backoff::new(Duration::from_millis(200), Duration::from_secs(5));
/// Batches on their way from the sealer to the publisher.
const BATCHES_BETWEEN: usize = 2;

/// Why a term ended without an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LeadEnd {
    /// The relay was asked to stop.
    Stopped,
    /// The lease is another's.
    LostLease,
}

/// One term of leading.
pub(crate) struct Term<'a> {
    pub(crate) options: &'a RelayOptions,
    pub(crate) store: &'a Store,
    pub(crate) schema_check: &'a SchemaCheck,
    pub(crate) known_tails: &'a KnownTails,
    pub(crate) stop: &'a CancellationToken,
    pub(crate) leadership: &'a Arc<Leadership>,
}

/// What was found before the first seal.
struct Prepared {
    lineage: Arc<Lineage>,
    recovered: Option<Recovered>,
    tip: LedgerTip,
    through: Position,
}

impl Term<'_> {
    /// Looks, then seals and publishes until asked to stop or the lease is lost.
    ///
    /// # Errors
    /// Whatever halts a relay.
    pub(crate) async fn serve(&self) -> Result<LeadEnd, RelayError> {
        let Some(prepared) = self.patiently(|| self.prepare()).await? else {
            return Ok(self.why_not());
        };
        if let Err(error) = self.store.clear_halt(LEASE).await {
            tracing::debug!(error = %chain(&error), "an old halt was not taken back");
        }
        let head = Position(prepared.tip.next_position.0 - 1);
        let (head_sender, head) = watch::channel(head);
        let (batch_sender, batches) = mpsc::channel::<SealedBatch>(BATCHES_BETWEEN);
        let (unchecked, to_check) = unchecked();
        let checker = Task::start(check_loop(
            self.store.clone(),
            Arc::clone(self.schema_check),
            to_check,
        ));
        let outlets = Outlets {
            batches: prepared.recovered.is_some().then_some(batch_sender),
            head: head_sender,
            unchecked,
            behind: false,
        };
        let stop = self.stop.child_token();
        let sealer = self.start_sealer(&prepared.lineage, prepared.tip, outlets, &stop);
        let published = match (&self.options.kafka, prepared.recovered) {
            (Some(kafka), Some(recovered)) => {
                let mut intake = Intake { batches, head };
                let publishing = Publishing {
                    term: self,
                    kafka,
                    lineage: &prepared.lineage,
                    stop: &stop,
                };
                publishing
                    .serve(recovered, prepared.through, &mut intake)
                    .await
            }
            (Some(_) | None, _) => self.seal_only(&stop).await,
        };
        stop.cancel();
        let sealed = sealer.end().await?;
        let checked = tokio::time::timeout(self.options.drain_timeout, checker.end()).await;
        if checked.is_err() {
            tracing::warn!("some events that came by SQL were not checked against their schema");
        }
        match (published?, sealed?) {
            (LeadEnd::Stopped, SealEnd::Stopped) => Ok(LeadEnd::Stopped),
            (LeadEnd::LostLease, _) | (_, SealEnd::LostLease) => Ok(LeadEnd::LostLease),
        }
    }

    /// Everything that must be known before the first seal.
    async fn prepare(&self) -> Result<Prepared, RelayError> {
        let lineage = Arc::new(Lineage::new(Arc::clone(self.known_tails)));
        let recovered = match &self.options.kafka {
            Some(kafka) => Some(recover(self.store, kafka).await?),
            None => None,
        };
        if let Some(recovered) = &recovered {
            lineage.published(recovered.tails());
        }
        let tip = lineage.check(self.store).await?;
        let through = self.store.published_through().await;
        let through = through.map_err(RelayError::store)?;
        Ok(Prepared {
            lineage,
            recovered,
            tip,
            through,
        })
    }

    fn start_sealer(
        &self,
        lineage: &Arc<Lineage>,
        tip: LedgerTip,
        outlets: Outlets,
        stop: &CancellationToken,
    ) -> Task<Result<SealEnd, RelayError>> {
        let store = self.store.clone();
        let leadership = Arc::clone(self.leadership);
        let lineage = Arc::clone(lineage);
        let batch_limit = self.options.batch_limit;
        let stop = stop.clone();
        Task::start(async move {
            let sealer = Sealer {
                store: &store,
                leadership: &leadership,
                lineage: &lineage,
                batch_limit,
                verified: Some(tip),
                session: None,
            };
            // A session may hang without an error: the lease bounds that too.
            let ended = tokio::select! {
                ended = seal_loop(sealer, outlets, stop.clone()) => ended,
                () = leadership.lost() => Ok(SealEnd::LostLease),
            };
            // However it ended, publishing ends with it.
            stop.cancel();
            ended
        })
    }

    async fn seal_only(&self, stop: &CancellationToken) -> Result<LeadEnd, RelayError> {
        tokio::select! {
            () = stop.cancelled() => Ok(LeadEnd::Stopped),
            () = self.leadership.lost() => Ok(LeadEnd::LostLease),
        }
    }

    /// Tries until it succeeds. `None` when asked to stop or the lease is lost first.
    async fn patiently<T, F>(&self, attempt: impl Fn() -> F) -> Result<Option<T>, RelayError>
    where
        F: Future<Output = Result<T, RelayError>>,
    {
        let mut failures = 0;
        loop {
            let tried = tokio::select! {
                tried = attempt() => tried,
                () = self.stop.cancelled() => return Ok(None),
                () = self.leadership.lost() => return Ok(None),
            };
            match tried {
                Ok(done) => return Ok(Some(done)),
                Err(error) if error.is_unavailable() => {
                    failures += 1;
                    tracing::warn!(error = %chain(&error), "the relay cannot start yet; it tries again");
                }
                Err(error) => return Err(error),
            }
            tokio::select! {
                () = tokio::time::sleep(AWAY.wait(failures, rand::random())) => {}
                () = self.stop.cancelled() => return Ok(None),
                () = self.leadership.lost() => return Ok(None),
            }
        }
    }

    fn why_not(&self) -> LeadEnd {
        if self.stop.is_cancelled() {
            LeadEnd::Stopped
        } else {
            LeadEnd::LostLease
        }
    }
}

/// The publishing side of a term.
struct Publishing<'a> {
    term: &'a Term<'a>,
    kafka: &'a KafkaOptions,
    lineage: &'a Lineage,
    stop: &'a CancellationToken,
}

impl Publishing<'_> {
    /// Publishes, and looks at the catalogue and the topics again whenever an event
    /// of a new type comes or the producer has to be replaced.
    async fn serve(
        &self,
        mut recovered: Recovered,
        mut through: Position,
        intake: &mut Intake,
    ) -> Result<LeadEnd, RelayError> {
        let mut asked_for = None;
        let mut in_vain = 0;
        loop {
            let published = self.publish(recovered, through, in_vain, intake);
            match published.await? {
                PublishEnd::Stopped => return Ok(LeadEnd::Stopped),
                PublishEnd::LostLease => return Ok(LeadEnd::LostLease),
                PublishEnd::UnknownType {
                    event_type,
                    through: reached,
                } => {
                    if asked_for.as_ref() == Some(&event_type) {
                        return Err(RelayError::UnknownType {
                            event_type,
                            position: reached.next(),
                        });
                    }
                    tracing::info!(%event_type, "a new type: looking at the catalogue and the topics again");
                    asked_for = Some(event_type);
                    through = reached;
                }
                PublishEnd::Stalled { through: reached } => {
                    in_vain = if reached == through { in_vain + 1 } else { 0 };
                    tracing::warn!(
                        through = %reached,
                        "the Kafka client has stopped delivering while the partitions have leaders; going on with a new one behind what they hold"
                    );
                    telemetry::producer_replaced();
                    through = reached;
                }
            }
            let looked = self.term.patiently(|| recover(self.term.store, self.kafka));
            match looked.await? {
                Some(found) => recovered = found,
                None => return Ok(self.term.why_not()),
            }
        }
    }

    async fn publish(
        &self,
        recovered: Recovered,
        through: Position,
        in_vain: u32,
        intake: &mut Intake,
    ) -> Result<PublishEnd, RelayError> {
        let options = self.term.options;
        let producer =
            Producer::connect(self.kafka, recovered.limits).map_err(RelayError::stream)?;
        let mut publisher = Publisher::new(
            self.term.store,
            self.term.leadership,
            producer,
            recovered.lanes,
            through,
            options.batch_limit,
            options.in_flight_limit,
        );
        let rhythm = Rhythm {
            mark_interval: options.mark_interval,
            drain_timeout: options.drain_timeout,
        };
        let publishing = publish_loop(
            &mut publisher,
            ProducerWatch::new(self.kafka, through, in_vain),
            self.term.leadership,
            self.lineage,
            intake,
            &rhythm,
            self.stop,
        );
        let ended = tokio::select! {
            ended = publishing => ended,
            () = self.term.leadership.lost() => Ok(PublishEnd::LostLease),
        };
        publisher.abandon().await;
        ended
    }
}
