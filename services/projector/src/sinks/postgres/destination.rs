//! Where the events of a step take effect.

use crate::bookkeeping::place::Place;
use crate::{DatabaseEffect, TableEffect};

/// Where events take effect.
#[derive(Debug, Clone, Copy)]
pub(super) enum Destination<'w> {
    /// In the rows of a generation's table.
    Table(&'w TableEffect, &'w Place),
    /// Wherever their statements say.
    Statements,
}

impl<'w> Destination<'w> {
    /// `table`: where the rows of the generation are. `None` when the effect needs a
    /// table and the generation has none, or the other way round.
    pub(super) const fn of(effect: DatabaseEffect<'w>, table: Option<&'w Place>) -> Option<Self> {
        match (effect, table) {
            (DatabaseEffect::Table(effect), Some(table)) => Some(Self::Table(effect, table)),
            (DatabaseEffect::Statements(_), None) => Some(Self::Statements),
            (DatabaseEffect::Table(_), None) | (DatabaseEffect::Statements(_), Some(_)) => None,
        }
    }
}
