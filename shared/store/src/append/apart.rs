//! How rows of several requests are tried: together first, and what hinders the
//! others taken out.

use std::sync::Arc;
use std::time::Duration;

use dragoman_faults::{Bug, planted};

use super::rows::Row;
use super::statement::RowOutcome;
use super::{
    ALONE_PATIENCE, AppendConflict, AppendOutcome, AppendResult, Appended, LOCK_NOT_AVAILABLE,
    MAX_ROUNDS, SHARED_PATIENCE, SPLIT_PATIENCE, undecided,
};
use crate::StoreError;
use crate::error::sql_state;

/// Rows that go into one statement.
#[derive(Debug)]
pub(super) struct Round<'a> {
    pub(super) rows: Vec<Row<'a>>,
    /// 0: believed to be new; from then on, classified.
    pub(super) number: u32,
    pub(super) patience: Duration,
}

/// The statements that are still to be run.
#[derive(Debug)]
pub(super) struct Rounds<'a>(Vec<Round<'a>>);

impl<'a> Rounds<'a> {
    pub(super) fn beginning_with(rows: Vec<Row<'a>>) -> Self {
        let mut rounds = Self(Vec::new());
        rounds.push(rows, 0, SHARED_PATIENCE);
        rounds
    }

    pub(super) fn next(&mut self) -> Option<Round<'a>> {
        self.0.pop()
    }

    fn push(&mut self, rows: Vec<Row<'a>>, number: u32, patience: Duration) {
        if !rows.is_empty() {
            self.0.push(Round {
                rows,
                number,
                patience,
            });
        }
    }

    /// Takes the outcomes of a round; what it left undecided is classified next.
    pub(super) fn go_on(
        &mut self,
        round: Round<'a>,
        outcomes: Vec<RowOutcome>,
        results: &mut [Option<AppendResult>],
    ) {
        let mut rest = Vec::new();
        for (row, outcome) in round.rows.into_iter().zip(outcomes) {
            match outcome {
                RowOutcome::Undecided => rest.push(row),
                RowOutcome::Stored => settle(&row, results, |place| {
                    Ok(AppendOutcome::Appended(vec![if place == 0 {
                        Appended::Stored
                    } else {
                        Appended::Duplicate
                    }]))
                }),
                RowOutcome::Conflict(_) if planted(Bug::ConflictAsDuplicate) => {
                    settle(&row, results, |_| {
                        Ok(AppendOutcome::Appended(vec![Appended::Duplicate]))
                    });
                }
                RowOutcome::Duplicate => settle(&row, results, |_| {
                    Ok(AppendOutcome::Appended(vec![Appended::Duplicate]))
                }),
                RowOutcome::Conflict(stored_at) => settle(&row, results, |_| {
                    Ok(AppendOutcome::Conflict(vec![AppendConflict {
                        event: 0,
                        stored_at: Some(stored_at),
                    }]))
                }),
            }
        }
        if round.number < MAX_ROUNDS {
            self.push(rest, round.number + 1, round.patience);
        } else {
            fail(&rest, undecided(), results);
        }
    }

    /// Takes the failure of a round. A held key or a refusal is one request's: the
    /// rows are halved until it is alone. Anything else is everybody's.
    pub(super) fn take_apart(
        &mut self,
        mut round: Round<'a>,
        error: StoreError,
        results: &mut [Option<AppendResult>],
    ) {
        let held = is_held(&error);
        let one_request = held || !error.is_unavailable();
        if one_request && round.rows.len() > 1 {
            let second = round.rows.split_off(round.rows.len() / 2);
            // The last pushed is tried first: the order of the input is kept.
            self.push(second, round.number, SPLIT_PATIENCE);
            self.push(round.rows, round.number, SPLIT_PATIENCE);
        } else if held && round.patience < ALONE_PATIENCE {
            self.push(round.rows, round.number, ALONE_PATIENCE);
        } else {
            fail(&round.rows, error, results);
        }
    }
}

/// Whether a key was held by somebody else for too long.
pub(super) fn is_held(error: &StoreError) -> bool {
    match error {
        StoreError::Unavailable { source, .. } | StoreError::Refused { source, .. } => {
            sql_state(source).as_deref() == Some(LOCK_NOT_AVAILABLE)
        }
        StoreError::Corrupt { .. } | StoreError::Url(_) => false,
    }
}

fn fail(rows: &[Row<'_>], error: StoreError, results: &mut [Option<AppendResult>]) {
    let error = Arc::new(error);
    for row in rows {
        settle(row, results, |_| Err(Arc::clone(&error)));
    }
}

/// Gives every sender of a row its result; the closure is told the how-manieth it is.
fn settle(
    row: &Row<'_>,
    results: &mut [Option<AppendResult>],
    result: impl Fn(usize) -> AppendResult,
) {
    for (place, request) in row.members.iter().enumerate() {
        if let Some(slot) = results.get_mut(*request) {
            *slot = Some(result(place));
        }
    }
}
