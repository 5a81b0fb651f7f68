//! Folding events into rows: read once, folded in memory in order, written once.
//!
//! Constraints of the table see rows as a batch leaves them, as with operators: what a row
//! was between two of its events is not shown to the database.

mod cache;
mod cached;
mod cells;
mod event;
mod held;
mod json;
mod keyed;
mod read;
mod write;

use std::collections::HashSet;

use sqlx::PgConnection;

pub use self::cache::RowCache;
use self::keyed::KeyedRows;
use super::evaluate::{Evaluated, Folding, Work};
use super::value::Value;
use super::write::{OnFailure, Settled};
use crate::bookkeeping::place::{Place, quoted};
use crate::bookkeeping::reason::shortened;
use crate::{FoldRule, TableEffect};

/// A table whose rows a program folds.
#[derive(Debug, Clone, Copy)]
pub(super) struct FoldedTable<'w> {
    pub(super) effect: &'w TableEffect,
    pub(super) rule: &'w FoldRule,
    pub(super) table: &'w Place,
}

impl FoldedTable<'_> {
    /// Folds events into their rows, in order. One that cannot be folded leaves its rows
    /// as the events before it made them.
    pub(super) async fn fold<'a, 'e>(
        &self,
        connection: &mut PgConnection,
        events: &[&'a Evaluated<'e>],
        on_failure: OnFailure,
    ) -> Result<Settled<'a, 'e>, sqlx::Error> {
        let mut none = RowCache::default();
        let folded = self.read_and_fold(connection, events, on_failure, &mut none);
        let (rows, settled) = folded.await?;
        self.write(connection, &rows).await?;
        Ok(settled)
    }

    /// Folds events into what the cache or the table has; nothing is written yet.
    async fn read_and_fold<'a, 'e, 'c>(
        &self,
        connection: &mut PgConnection,
        events: &[&'a Evaluated<'e>],
        on_failure: OnFailure,
        cache: &'c mut RowCache,
    ) -> Result<(KeyedRows<'c>, Settled<'a, 'e>), sqlx::Error> {
        let (mut rows, numbers) = KeyedRows::of(cache, keys_of(events));
        rows.read(connection, self.effect, self.table).await?;
        let settled = self.fold_in_memory(&mut rows, &numbers, events, on_failure);
        Ok((rows, settled))
    }

    /// `numbers`: of the rows of all events, in order.
    fn fold_in_memory<'a, 'e>(
        &self,
        rows: &mut KeyedRows<'_>,
        mut numbers: &[usize],
        events: &[&'a Evaluated<'e>],
        on_failure: OnFailure,
    ) -> Settled<'a, 'e> {
        let mut settled = Settled::default();
        let mut runner = self.rule.program.runner();
        let mut parked: HashSet<(&str, &str)> = HashSet::new();
        for event in events.iter().copied() {
            let folding = folding_of(event);
            let keys = folding.map_or(0, |folding| folding.keys.len());
            let own = numbers.split_off(..keys).unwrap_or_default();
            if parked.contains(&event.subject()) {
                settled.behind.push(event);
                continue;
            }
            let folded = folding.map_or(Ok(()), |it| self.fold_event(&mut runner, rows, own, it));
            match folded {
                Ok(()) => settled.applied.push(event),
                Err(reason) => {
                    settled.failed.push((event, shortened(&reason)));
                    match on_failure {
                        OnFailure::Stop => break,
                        OnFailure::Park => _ = parked.insert(event.subject()),
                        OnFailure::PassOver => {}
                    }
                }
            }
        }
        settled
    }
}

fn keys_of<'a>(events: &[&'a Evaluated<'_>]) -> impl Iterator<Item = &'a [Value]> {
    let foldings = events.iter().copied().filter_map(folding_of);
    foldings.flat_map(|folding| folding.keys.iter().map(Vec::as_slice))
}

fn folding_of<'a, 'e>(event: &'a Evaluated<'e>) -> Option<&'a Folding<'e>> {
    match &event.work {
        Ok(Work::Fold(folding)) => Some(folding),
        Ok(Work::Rows(_) | Work::Statement(_)) | Err(_) => None,
    }
}
