//! Where the events of a step take effect.

use super::folding::FoldedTable;
use crate::bookkeeping::place::Place;
use crate::{Column, DatabaseEffect, RowChange, TableEffect};

/// Where events take effect.
#[derive(Debug, Clone, Copy)]
pub(super) enum Destination<'w> {
    /// In the rows of a generation's table, by operators of its columns.
    Table(&'w TableEffect, &'w [Column], &'w Place),
    /// There, by a program that folds them.
    Folded(FoldedTable<'w>),
    /// Wherever their statements say.
    Statements,
}

impl<'w> Destination<'w> {
    /// `table`: where the rows of the generation are. `None` when the effect needs a
    /// table and the generation has none, or the other way round.
    pub(super) fn of(effect: DatabaseEffect<'w>, table: Option<&'w Place>) -> Option<Self> {
        match (effect, table) {
            (DatabaseEffect::Table(effect), Some(table)) => Some(match &effect.change {
                RowChange::Operators(columns) => Self::Table(effect, columns, table),
                RowChange::Fold(rule) => Self::Folded(FoldedTable {
                    effect,
                    rule,
                    table,
                }),
            }),
            (DatabaseEffect::Statements(_), None) => Some(Self::Statements),
            (DatabaseEffect::Table(_), None) | (DatabaseEffect::Statements(_), Some(_)) => None,
        }
    }
}
