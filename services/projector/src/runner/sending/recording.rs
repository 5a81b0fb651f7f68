//! Writing down what came of events that were sent.

use std::sync::Arc;
use std::time::{Duration, Instant};

use dragoman_faults::{Bug, planted};
use tokio::time::timeout;

use super::AT_ONCE;
use crate::runner::attempts::Attempts;
use crate::runner::cursor::Cursor;
use crate::runner::patience::Quit;
use crate::runner::session::{Session, StepEnd};
use crate::sinks::http::{Entry, Recorded};
use crate::{Applied, ApplyError, telemetry};

/// How long calls under way are waited for when it is time to quit.
const CLOSING: Duration = Duration::from_secs(5);

impl Session {
    /// Writes down what is settled, when that is due.
    ///
    /// # Errors
    /// See [`StepEnd`].
    pub(in crate::runner) async fn record_if_due(
        &self,
        cursor: &mut Cursor,
        quit: &Quit,
    ) -> Result<Option<Applied>, StepEnd> {
        let Some(sending) = &cursor.sending else {
            return Ok(None);
        };
        let settled = if planted(Bug::RecordBeforeCall) {
            sending.window.len()
        } else {
            sending.window.settled(AT_ONCE)
        };
        let passed_only = sending.is_empty() && cursor.is_due();
        if !sending.is_due(settled) && !passed_only {
            return Ok(None);
        }
        let mut attempts = Attempts::new(self.name(), quit);
        loop {
            if let Some(applied) = attempts.make(self.record(cursor, settled)).await? {
                return Ok(applied);
            }
        }
    }

    /// One attempt at writing down so many settled events.
    async fn record(
        &self,
        cursor: &mut Cursor,
        settled: usize,
    ) -> Result<Option<Applied>, ApplyError> {
        let began = Instant::now();
        let Some(sending) = &cursor.sending else {
            return Ok(None);
        };
        let Some((place, passed)) = sending.place(settled, cursor.reached(), cursor.anchored())
        else {
            return Ok(None);
        };
        let entries: Vec<&Entry> = sending.window.front(settled).collect();
        let last = entries.last().map(|entry| Arc::clone(&entry.event));
        // What was decided about events was asked before they were sent.
        let step = cursor.step(&[], &place);
        let recorded = self
            .target
            .record(&self.definition, &self.generation, &step, &entries)
            .await?;
        let Some(sending) = &mut cursor.sending else {
            return Ok(None);
        };
        sending.recorded = Instant::now();
        match recorded {
            Recorded::Free(lines) => {
                for line in &lines {
                    sending.window.release(line);
                }
                if let Some(receiver) = &self.receiver {
                    sending.start(self, receiver);
                }
                Ok(None)
            }
            Recorded::Applied(applied) => {
                sending.window.leave(settled);
                sending.places.drain(..passed);
                cursor.recorded(&applied.checkpoint);
                telemetry::applied(self.name(), &applied, began.elapsed());
                telemetry::lag_seconds(self.name(), &cursor.reader, last.as_deref());
                Ok(Some(*applied))
            }
        }
    }

    /// The reader is about to be given up: calls under way come to their end, and what is
    /// settled is written down, so that less is sent again. Does what it can in a few
    /// seconds.
    pub(in crate::runner) async fn close(&self, cursor: &mut Cursor) {
        let Some(sending) = &mut cursor.sending else {
            return;
        };
        sending.closing.cancel();
        let closing = async {
            while let Some(sending) = &mut cursor.sending {
                let Some(finished) = sending.running.join_next().await else {
                    break;
                };
                if self.note(cursor, finished).is_err() {
                    return;
                }
            }
            let settled = cursor.sending.as_ref();
            let settled = settled.map_or(0, |sending| sending.window.settled(AT_ONCE));
            if settled > 0 {
                let _sent_again = self.record(cursor, settled).await;
            }
        };
        if timeout(CLOSING, closing).await.is_err() {
            tracing::info!(
                projection = self.name(), reader = %cursor.reader,
                "calls are still under way; whoever goes on makes them again, under the same keys"
            );
        }
    }
}
