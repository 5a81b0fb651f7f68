//! The rows of a batch, found by key.

use sqlx::PgConnection;

use super::super::value::Value;
use super::cache::{RowCache, Version, WrittenTable};
use super::held::{HeldRow, Values};
use super::read::{self, AnotherKey};
use crate::TableEffect;
use crate::bookkeeping::place::Place;

/// The rows of a batch in a cache, which has some of them from before. By key they are in
/// order: two that fold the same rows, and know none of them, lock them in the same order.
#[derive(Debug)]
pub(super) struct KeyedRows<'c> {
    cache: &'c mut RowCache,
    /// The numbers of the rows, by key.
    touched: Vec<usize>,
}

impl<'c> KeyedRows<'c> {
    /// Rows of these keys, of which some may be the same; and the number of the row of each.
    pub(super) fn of<'k>(
        cache: &'c mut RowCache,
        keys: impl Iterator<Item = &'k [Value]>,
    ) -> (Self, Vec<usize>) {
        cache.step += 1;
        let (mut numbers, mut touched) = (Vec::new(), Vec::new());
        for key in keys {
            let number = cache.rows.get_index_of(key).unwrap_or_else(|| {
                let entry = cache.rows.insert_full(key.to_vec(), HeldRow::default());
                entry.0
            });
            numbers.push(number);
            if let Some((_, row)) = cache.rows.get_index_mut(number)
                && row.touched != cache.step
            {
                row.touched = cache.step;
                touched.push(number);
            }
        }
        let rows = &cache.rows;
        let key = |number: &usize| rows.get_index(*number).map(|(key, _)| key);
        touched.sort_unstable_by(|one, other| key(one).cmp(&key(other)));
        (Self { cache, touched }, numbers)
    }

    /// Reads those that the cache did not have. They are held until the end of the
    /// transaction.
    pub(super) async fn read(
        &mut self,
        connection: &mut PgConnection,
        effect: &TableEffect,
        table: &Place,
    ) -> Result<(), sqlx::Error> {
        let unknown = self.entries().filter(|(_, row)| row.cached.is_none());
        let unknown: Vec<&[Value]> = unknown.map(|(key, _)| key).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let step = self.cache.step;
        for found in read::rows(connection, effect, table, &unknown).await? {
            let row = self.cache.rows.get_mut(found.key.as_slice());
            let row = row.filter(|row| row.touched == step && row.cached.is_none());
            row.ok_or(AnotherKey)?.become_known(found.row);
        }
        Ok(())
    }

    /// The row of a number.
    pub(super) fn row(&mut self, number: usize) -> Option<&mut HeldRow> {
        let entry = self.cache.rows.get_index_mut(number);
        entry.map(|(_, row)| row)
    }

    /// Makes a row again what it was.
    pub(super) fn restore(&mut self, number: usize, was: Option<Values>) {
        if let Some(row) = self.row(number) {
            row.now = was;
        }
    }

    /// All of them, by key.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&[Value], &HeldRow)> {
        let numbers = self.touched.iter();
        let entries = numbers.filter_map(|number| self.cache.rows.get_index(*number));
        entries.map(|(key, row)| (key.as_slice(), row))
    }

    /// Keeps what the next step may know of them.
    pub(super) fn keep(self, written: Version) {
        self.cache.keep(self.touched, written);
    }

    /// Whether the table is such that they can be known.
    pub(super) fn can_be_known(&mut self, table: &WrittenTable) -> bool {
        self.cache.can_know(table)
    }

    /// Keeps nothing of them, and of no others for a while.
    pub(super) fn keep_off(self) {
        self.cache.keep_off();
    }
}
