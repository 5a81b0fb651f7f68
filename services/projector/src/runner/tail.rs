//! What a partition lost at its end, where no record behind it tells.

use std::time::{Duration, Instant};

use dragoman_core::{Identity, chain};
use dragoman_faults::{Bug, planted};
use dragoman_stream::read_end;

use super::cursor::Place;
use super::fill::Missing;
use super::lane::Lane;
use super::session::StepEnd;
use crate::telemetry;

/// How long a partition must have been quiet before it is asked for its end.
const QUIET: Duration = Duration::from_secs(1);

impl Lane {
    /// Compares a quiet partition with the relay's mark. A mark is written after the
    /// record was acknowledged, so its record is in Kafka before the end is asked for:
    /// if nothing is there that is still to come, it was lost.
    ///
    /// # Errors
    /// See [`StepEnd`].
    pub(super) async fn check_tail(&mut self) -> Result<(), StepEnd> {
        if planted(Bug::TailUnchecked) || self.heard.elapsed() < QUIET {
            return Ok(());
        }
        let nothing_waits = self.records.is_empty();
        if !nothing_waits.map_err(|error| self.given_up(error))? {
            return Ok(());
        }
        let mark = self.mark();
        let Some(mark) = mark.filter(|mark| mark.position > self.cursor.position()) else {
            return Ok(());
        };
        let asked = tokio::select! {
            () = self.quit.cancelled() => return Err(StepEnd::Quit),
            asked = read_end(&self.kafka, self.partition()) => asked,
        };
        self.heard = Instant::now();
        let end = match asked {
            Ok(end) => end,
            Err(error) => {
                // It is away, which is no silence of the client.
                self.silence.broken(self.heard);
                tracing::debug!(partition = %self.partition(), error = %chain(&error), "the end of a partition is not known");
                return Ok(());
            }
        };
        if end.low < end.end && self.next_offset < end.end {
            if self.silence.is_suspicious(self.heard) {
                tracing::warn!(
                    projection = self.session.name(), partition = %self.partition(),
                    next_offset = self.next_offset, end = end.end,
                    "the Kafka client has stopped reading while the partition holds more; joining the group again"
                );
                telemetry::reader_replaced(self.session.name());
                return Err(StepEnd::ReaderStalled);
            }
            return Ok(());
        }
        let missing = Missing {
            until: Place {
                position: mark.position,
                identity: Some(Identity {
                    position: mark.position,
                    source: mark.source,
                    id: mark.id,
                }),
                next_offset: Some(end.end),
            },
            before: mark.position,
            at_end: true,
        };
        self.session
            .fill_gap(&mut self.cursor, missing, &self.quit)
            .await
    }
}
