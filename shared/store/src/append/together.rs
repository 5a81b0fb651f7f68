//! Requests of several events, each of which is stored whole or not at all.
//!
//! They share a statement, and so a commit, that stores everything if every key in it is
//! free, which is what usually comes. When one is not, nothing of it stays, and each
//! request is classified by itself.

use std::collections::HashSet;
use std::sync::Arc;

use super::apart::is_held;
use super::rows::{self, Row};
use super::statement::RowOutcome;
use super::{
    ALONE_PATIENCE, APPEND_AGAIN, AppendConflict, AppendOutcome, AppendRequest, AppendResult,
    Appended, MAX_ROUNDS, SHARED_PATIENCE, undecided,
};
use crate::error::sql_state;
use crate::{Store, StoreError};

/// A request, where its result goes, and its rows.
struct Whole<'a> {
    place: usize,
    request: &'a AppendRequest,
    rows: Vec<Row<'a>>,
}

impl Store {
    /// Stores the requests that have several events.
    pub(super) async fn append_together(
        &self,
        requests: &[AppendRequest],
        results: &mut [Option<AppendResult>],
    ) {
        let mut wholes = Vec::new();
        for (place, request) in requests.iter().enumerate() {
            if request.events.len() < 2 {
                continue;
            }
            match rows::of_one_request(request) {
                Ok(rows) => wholes.push(Whole {
                    place,
                    request,
                    rows,
                }),
                Err(conflicts) => settle(results, place, Ok(AppendOutcome::Conflict(conflicts))),
            }
        }
        match self.try_all_new(&wholes).await {
            Ok(true) => {
                for whole in &wholes {
                    let stored = vec![RowOutcome::Stored; whole.rows.len()];
                    settle(results, whole.place, Ok(outcome(whole, &stored)));
                }
            }
            Ok(false) => {
                for whole in &wholes {
                    let result = self.append_whole(whole).await.map_err(Arc::new);
                    settle(results, whole.place, result);
                }
            }
            Err(error) => {
                let error = Arc::new(error);
                for whole in &wholes {
                    settle(results, whole.place, Err(Arc::clone(&error)));
                }
            }
        }
    }

    /// Whether all of them could be stored with one statement. A key that is known or held,
    /// or a refusal, is one request's: it meets that alone.
    ///
    /// # Errors
    /// When the database does not answer: whether they were stored is not known.
    async fn try_all_new(&self, wholes: &[Whole<'_>]) -> Result<bool, StoreError> {
        let rows: Vec<&Row<'_>> = wholes.iter().flat_map(|whole| &whole.rows).collect();
        let mut keys = HashSet::with_capacity(rows.len());
        if !rows.iter().all(|row| keys.insert(row.key())) {
            return Ok(false);
        }
        if rows.is_empty() {
            return Ok(true);
        }
        let stored = self.insert_all_new(&rows, SHARED_PATIENCE).await;
        match stored.map_err(StoreError::during("storing events together")) {
            Ok(all) => Ok(all),
            Err(error) if error.is_unavailable() && !is_held(&error) => Err(error),
            Err(_) => Ok(false),
        }
    }

    /// A request of several events, alone.
    async fn append_whole(&self, whole: &Whole<'_>) -> Result<AppendOutcome, StoreError> {
        for _ in 0..MAX_ROUNDS {
            match self
                .insert_and_classify(&whole.rows, true, ALONE_PATIENCE)
                .await
            {
                Ok(outcomes) => return Ok(outcome(whole, &outcomes)),
                Err(error) if sql_state(&error).as_deref() == Some(APPEND_AGAIN) => {}
                Err(error) => return Err(StoreError::during("storing events together")(error)),
            }
        }
        Err(undecided())
    }
}

fn outcome(whole: &Whole<'_>, outcomes: &[RowOutcome]) -> AppendOutcome {
    let mut appended = vec![Appended::Duplicate; whole.request.events.len()];
    let mut conflicts = Vec::new();
    for (row, outcome) in whole.rows.iter().zip(outcomes) {
        match outcome {
            RowOutcome::Stored => {
                if let Some(first) = row.members.first().and_then(|at| appended.get_mut(*at)) {
                    *first = Appended::Stored;
                }
            }
            RowOutcome::Duplicate | RowOutcome::Undecided => {}
            RowOutcome::Conflict(stored_at) => {
                conflicts.extend(row.members.iter().map(|event| AppendConflict {
                    event: *event,
                    stored_at: Some(*stored_at),
                }));
            }
        }
    }
    if conflicts.is_empty() {
        AppendOutcome::Appended(appended)
    } else {
        conflicts.sort_unstable_by_key(|conflict| conflict.event);
        AppendOutcome::Conflict(conflicts)
    }
}

fn settle(results: &mut [Option<AppendResult>], place: usize, result: AppendResult) {
    if let Some(slot) = results.get_mut(place) {
        *slot = Some(result);
    }
}
