//! Putting events into the log, each once.
//!
//! Requests of one event share a statement, and so a commit. It takes their keys in
//! order and inserts the events whose keys were free; a second statement says of the
//! others whether the log holds the same content or other content. A request of
//! several events is stored whole or not at all: together with others when all of their
//! keys are new, else in a statement of its own.
//!
//! Both are single statements outside any transaction block: what they report is
//! committed and flushed, and there is no COMMIT whose answer could be misread. When
//! the connection is lost before the answer, whether it was stored is not known: the
//! error says so by [`StoreError::is_unavailable`], and the sender's next try meets
//! either nothing or a duplicate.

mod apart;
mod rows;
mod statement;
mod together;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use dragoman_core::Event;

use self::apart::Round;
use self::rows::Row;
use self::statement::RowOutcome;
use crate::{Store, StoreError};

/// How long a shared statement waits for a key that another transaction holds.
const SHARED_PATIENCE: Duration = Duration::from_millis(500);
/// How long a part of it waits, while the request that waits is looked for.
const SPLIT_PATIENCE: Duration = Duration::from_millis(100);
/// How long a request waits that is alone in its statement.
const ALONE_PATIENCE: Duration = Duration::from_millis(1000);

/// How often a statement is run again because a concurrent one took a key. A key that
/// was taken is seen the next time, so the second try decides; this is a fence.
const MAX_ROUNDS: u32 = 10;

/// What `dragoman.append_again()` raises.
const APPEND_AGAIN: &str = "DR002";
/// `lock_not_available`: a key is held by a transaction that does not end.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// Events that came together: all of them are stored, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppendRequest {
    /// The adapter that took them, for the counts.
    pub adapter: Arc<str>,
    /// The events, in the order in which they are to stand in the log.
    pub events: Vec<Event>,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppendOutcome {
    /// Every event is in the log, committed, flushed and counted; in the order of the
    /// request.
    Appended(Vec<Appended>),
    /// Nothing was stored and nothing counted: these events have keys that stand for
    /// other content.
    Conflict(Vec<AppendConflict>),
}

/// How an event came to be in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// It was put there now.
    Stored,
    /// It was there already, with the same content.
    Duplicate,
}

/// An event whose source and id stand for other content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AppendConflict {
    /// Which event of the request, from 0.
    pub event: usize,
    /// When the other one was stored; `None` when it is in the same request.
    pub stored_at: Option<DateTime<Utc>>,
}

/// The outcome of a request, or why it is not known or could not be had. Requests
/// that shared a statement share its error.
pub type AppendResult = Result<AppendOutcome, Arc<StoreError>>;

impl Store {
    /// Stores the events of some requests, each request whole or not at all; requests
    /// of one event share a statement. Counts what was stored and what was a duplicate
    /// for the adapter, in the same statement, and wakes the sealer. Events stand in
    /// the log in the order of the requests. The results are in that order too.
    ///
    /// A request whose key is held by an open transaction, or that the database
    /// refuses, is taken out of the shared statement and tried alone: it keeps the
    /// others waiting for about a second at the most, and fails alone.
    ///
    /// Attributes must have passed [`Event::check_attributes`], sizes
    /// [`record_bytes`](crate::record_bytes): here nobody looks.
    pub async fn append(&self, requests: &[AppendRequest]) -> Vec<AppendResult> {
        let mut results: Vec<Option<AppendResult>> = requests
            .iter()
            .map(|request| {
                request
                    .events
                    .is_empty()
                    .then(|| Ok(AppendOutcome::Appended(Vec::new())))
            })
            .collect();
        let rows = rows::of_single_events(requests);
        self.append_shared(rows, &mut results).await;
        self.append_together(requests, &mut results).await;
        results
            .into_iter()
            .map(|result| result.unwrap_or_else(|| Err(Arc::new(undecided()))))
            .collect()
    }

    /// Rows of several requests of one event each: in one statement if that can be.
    async fn append_shared(&self, rows: Vec<Row<'_>>, results: &mut [Option<AppendResult>]) {
        let mut rounds = apart::Rounds::beginning_with(rows);
        while let Some(round) = rounds.next() {
            match self.append_round(&round).await {
                Ok(outcomes) => rounds.go_on(round, outcomes, results),
                Err(error) => rounds.take_apart(round, error, results),
            }
        }
    }

    async fn append_round(&self, round: &Round<'_>) -> Result<Vec<RowOutcome>, StoreError> {
        if round.number == 0 {
            self.insert_new(&round.rows, round.patience).await
        } else {
            self.insert_and_classify(&round.rows, false, round.patience)
                .await
        }
        .map_err(StoreError::during("storing events"))
    }
}

/// A key was neither free nor taken, time and again.
fn undecided() -> StoreError {
    StoreError::Corrupt {
        table: "event_keys",
        what: "a key that is neither taken nor free".to_owned(),
    }
}
