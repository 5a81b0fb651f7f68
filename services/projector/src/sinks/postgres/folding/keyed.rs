//! The rows of a batch, found by key.

use std::collections::HashMap;

use sqlx::PgConnection;

use super::super::value::Value;
use super::held::{HeldRow, Values};
use super::read::{self, AnotherKey};
use crate::TableEffect;
use crate::bookkeeping::place::Place;

/// Rows with their keys, which are in order: two that fold the same rows lock them in the
/// same order.
#[derive(Debug, Default)]
pub(super) struct KeyedRows<'k> {
    keys: Vec<&'k [Value]>,
    rows: Vec<HeldRow>,
    numbers: HashMap<&'k [Value], usize>,
}

impl<'k> KeyedRows<'k> {
    /// Reads the rows of these keys, of which some may be the same. They are held until the
    /// end of the transaction.
    pub(super) async fn read(
        connection: &mut PgConnection,
        effect: &TableEffect,
        table: &Place,
        keys: impl Iterator<Item = &'k [Value]>,
    ) -> Result<Self, sqlx::Error> {
        let mut keys: Vec<&[Value]> = keys.collect();
        keys.sort_unstable();
        keys.dedup();
        if keys.is_empty() {
            return Ok(Self::default());
        }
        let numbers: HashMap<_, _> = keys.iter().copied().zip(0..).collect();
        let mut rows: Vec<HeldRow> = Vec::new();
        rows.resize_with(keys.len(), HeldRow::default);
        for found in read::rows(connection, effect, table, &keys).await? {
            let number = numbers.get(found.key.as_slice());
            let row = number.and_then(|number: &usize| rows.get_mut(*number));
            *row.ok_or(AnotherKey)? = found.row;
        }
        Ok(Self {
            keys,
            rows,
            numbers,
        })
    }

    /// The row of a key, and its number.
    pub(super) fn row(&mut self, key: &[Value]) -> Option<(usize, &mut HeldRow)> {
        let number = *self.numbers.get(key)?;
        self.rows.get_mut(number).map(|row| (number, row))
    }

    /// Makes a row again what it was.
    pub(super) fn restore(&mut self, number: usize, was: Option<Values>) {
        if let Some(row) = self.rows.get_mut(number) {
            row.now = was;
        }
    }

    /// The rows of which the table is to hold something else than it does, by key.
    pub(super) fn changed(&self) -> impl Iterator<Item = (&'k [Value], Option<&Values>)> {
        let rows = self.keys.iter().zip(&self.rows);
        rows.filter(|(_, row)| row.is_changed())
            .map(|(key, row)| (*key, row.now.as_ref()))
    }
}
