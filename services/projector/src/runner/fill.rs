//! Bringing a partition's part of the log without Kafka: what Kafka lost, and what is left
//! of what a new reader begins with.

use dragoman_core::{Position, RecordedEvent};
use dragoman_store::{Gap, Portion};

use super::ProjectorError;
use super::cursor::{Cursor, Place};
use super::patience::{Quit, patiently};
use super::session::{Session, StepEnd};
use crate::{Reader, telemetry};

/// A stretch that a partition should have held.
#[derive(Debug, Clone)]
pub(super) struct Missing {
    /// The last position in it.
    pub(super) until: Place,
    /// The first position behind it; that of the mark, when nothing came behind.
    pub(super) before: Position,
    /// Whether the partition just ended.
    pub(super) at_end: bool,
}

impl Session {
    /// Brings what Kafka should have had, and says so, for `status` and in the log.
    ///
    /// # Errors
    /// See [`StepEnd`].
    pub(super) async fn fill_gap(
        &self,
        cursor: &mut Cursor,
        missing: Missing,
        quit: &Quit,
    ) -> Result<(), StepEnd> {
        let Reader::Partition {
            topic, partition, ..
        } = cursor.reader.clone()
        else {
            return Ok(());
        };
        let after = cursor.position();
        let portion = portion(cursor);
        let events = self
            .ask_log(quit, || {
                self.store
                    .count_portion(&portion, after, missing.until.position)
            })
            .await?;
        tracing::warn!(
            projection = self.name(), %topic, partition, %after, before = %missing.before,
            events, at_end = missing.at_end,
            "Kafka has lost records; they are brought from the log"
        );
        let gap = Gap {
            projection: self.name().to_owned(),
            topic,
            partition,
            after,
            before: missing.before,
            events,
            at_end: missing.at_end,
            found_at: chrono::DateTime::UNIX_EPOCH,
        };
        self.ask_log(quit, || self.store.report_gap(&gap)).await?;
        telemetry::gap(self.name(), events);
        self.fill(cursor, &missing.until, quit).await
    }

    /// Brings everything of a partition above the cursor, up to a place.
    ///
    /// # Errors
    /// See [`StepEnd`].
    pub(super) async fn fill(
        &self,
        cursor: &mut Cursor,
        until: &Place,
        quit: &Quit,
    ) -> Result<(), StepEnd> {
        let limit = self.options.batch_limit.max(1);
        let portion = portion(cursor);
        let until = self.identified(until, quit).await?;
        while cursor.position() < until.position {
            let after = cursor.position();
            let events = self
                .ask_log(quit, || {
                    self.store
                        .read_portion(&portion, after, until.position, limit)
                })
                .await?;
            let to = match events.last() {
                Some(last) if events.len() == limit => {
                    Place::of(last, cursor.reached().next_offset)
                }
                _ => until.clone(),
            };
            let wanted: Vec<RecordedEvent> = events
                .into_iter()
                .filter(|event| cursor.wants(event))
                .collect();
            match self.apply(cursor, &wanted, &to, quit).await {
                Ok(_) => {}
                Err(StepEnd::LostOwnership) => self.resynchronise(cursor, quit).await?,
                Err(end) => return Err(end),
            }
        }
        Ok(())
    }

    /// The place with the identity that the ledger has there.
    ///
    /// # Errors
    /// See [`StepEnd`].
    pub(super) async fn identified(&self, place: &Place, quit: &Quit) -> Result<Place, StepEnd> {
        let mut place = place.clone();
        if place.identity.is_none() && place.position > Position::ZERO {
            place.identity = self
                .ask_log(quit, || self.store.identity_at(place.position))
                .await?;
        }
        Ok(place)
    }

    async fn ask_log<T, F>(&self, quit: &Quit, ask: impl Fn() -> F) -> Result<T, StepEnd>
    where
        F: Future<Output = Result<T, dragoman_store::StoreError>>,
    {
        let answered = patiently(self.name(), quit, || async {
            ask().await.map_err(ProjectorError::store(self.name()))
        });
        answered.await?.ok_or(StepEnd::Quit)
    }
}

/// A reader's part of the log. The ledger as a whole has one partition.
fn portion(cursor: &Cursor) -> Portion {
    let (partition, partitions) = match &cursor.reader {
        Reader::Partition {
            partition,
            partitions,
            ..
        } => (*partition, *partitions),
        Reader::Ledger => (0, 1),
    };
    Portion {
        types: cursor.types.iter().cloned().collect(),
        partition,
        partitions,
    }
}
