//! Folding events into rows: read once, folded in memory in order, written once.
//!
//! Constraints of the table see rows as a batch leaves them, as with operators: what a row
//! was between two of its events is not shown to the database.

mod cells;
mod held;
mod json;
mod read;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use sqlx::{AssertSqlSafe, PgConnection};

use self::held::HeldRow;
use super::arrays::{bind, joined, unnested};
use super::column_type::cast;
use super::evaluate::{Evaluated, Work};
use super::gather::Gathered;
use super::upsert::upsert;
use super::value::Value;
use super::write::{OnFailure, Settled};
use crate::bookkeeping::place::{Place, quoted};
use crate::bookkeeping::reason::shortened;
use crate::{FoldRule, TableEffect};

/// A table whose rows a program folds.
pub(super) struct FoldedTable<'w> {
    pub(super) effect: &'w TableEffect,
    pub(super) rule: &'w FoldRule,
    pub(super) table: &'w Place,
}

impl FoldedTable<'_> {
    /// Folds events into their rows, in order. One that cannot be folded leaves its row as
    /// the events before it made it.
    pub(super) async fn fold<'a, 'e>(
        &self,
        connection: &mut PgConnection,
        events: &[&'a Evaluated<'e>],
        on_failure: OnFailure,
    ) -> Result<Settled<'a, 'e>, sqlx::Error> {
        let keys: BTreeSet<&[Value]> = events.iter().filter_map(|event| key_of(event)).collect();
        // In order: two that fold the same rows lock them in the same order.
        let keys: Vec<&[Value]> = keys.into_iter().collect();
        if keys.is_empty() {
            return Ok(Settled::all(events));
        }
        let held = read::rows(connection, self.effect, self.table, &keys).await?;
        let mut rows: BTreeMap<&[Value], HeldRow> = keys.into_iter().zip(held).collect();
        let settled = self.fold_in_memory(&mut rows, events, on_failure);
        self.write(connection, &rows).await?;
        Ok(settled)
    }

    fn fold_in_memory<'a, 'e>(
        &self,
        rows: &mut BTreeMap<&[Value], HeldRow>,
        events: &[&'a Evaluated<'e>],
        on_failure: OnFailure,
    ) -> Settled<'a, 'e> {
        let mut settled = Settled::default();
        let mut parked: HashSet<(&str, &str)> = HashSet::new();
        for event in events.iter().copied() {
            if parked.contains(&event.subject()) {
                settled.behind.push(event);
                continue;
            }
            let folded = match &event.work {
                Ok(Work::Fold(folding)) => rows
                    .get_mut(folding.key.as_slice())
                    .map_or(Ok(()), |row| row.fold(self.effect, self.rule, folding)),
                Ok(Work::Rows(_) | Work::Statement(_)) | Err(_) => Ok(()),
            };
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

    async fn write(
        &self,
        connection: &mut PgConnection,
        rows: &BTreeMap<&[Value], HeldRow>,
    ) -> Result<(), sqlx::Error> {
        let changed = || rows.iter().filter(|(_, row)| row.is_changed());
        let kept: Vec<Gathered<'_>> = changed()
            .filter_map(|(key, row)| {
                let columns = row.now.as_ref()?.iter();
                let columns = columns.map(|value| value.as_ref().map(Cow::Borrowed));
                Some(Gathered {
                    key,
                    columns: columns.collect(),
                })
            })
            .collect();
        let ended = changed().filter(|(_, row)| row.now.is_none());
        let ended: Vec<&[Value]> = ended.map(|(key, _)| *key).collect();
        upsert(&mut *connection, self.effect, self.table, &kept).await?;
        self.delete(connection, &ended).await
    }

    async fn delete(
        &self,
        connection: &mut PgConnection,
        keys: &[&[Value]],
    ) -> Result<(), sqlx::Error> {
        if keys.is_empty() {
            return Ok(());
        }
        let statement = format!(
            "delete from {} as t using {} where {}",
            self.table,
            unnested(self.effect.key_columns().map(|(_, kind)| kind)),
            same_key(self.effect)
        );
        let mut query = sqlx::query(AssertSqlSafe(statement));
        for (index, (_, column_type)) in self.effect.key_columns().enumerate() {
            query = bind(query, column_type, keys.iter().map(|key| key.get(index)));
        }
        query.execute(connection).await.map(|_| ())
    }
}

fn key_of<'a>(event: &&'a Evaluated<'_>) -> Option<&'a [Value]> {
    match &event.work {
        Ok(Work::Fold(folding)) => Some(&folding.key),
        Ok(Work::Rows(_) | Work::Statement(_)) | Err(_) => None,
    }
}

/// That a row of the table, `t`, has the key that travels in `v`.
fn same_key(effect: &TableEffect) -> String {
    let columns = effect.key_columns().enumerate();
    let conditions: Vec<String> = columns
        .map(|(n, (name, kind))| format!("t.{} = v.c{n}{}", quoted(name), cast(kind)))
        .collect();
    conditions.join(" and ")
}

/// The key of the table, to lock its rows in order.
fn key_order(effect: &TableEffect) -> String {
    joined(
        effect
            .key_columns()
            .map(|(name, _)| format!("t.{}", quoted(name))),
    )
}
