//! A projection, compiled.

use std::collections::BTreeMap;

use dragoman_translate::{Each, Expression};

use crate::{ColumnType, Start, TableName};

/// A projection whose programs are compiled and whose parts fit each other. Made by
/// [`Definition::compile`].
#[derive(Debug)]
pub struct Definition {
    /// Its name.
    pub name: String,
    /// The types that it follows, each with its topic.
    pub events: BTreeMap<String, String>,
    /// In which order it must see them.
    pub order: Order,
    /// Where it begins when it is new.
    pub start: Start,
    /// The table.
    pub table: TableName,
    /// What yields the elements of an event; `None`: one row per event.
    pub each: Option<Each>,
    /// The columns of the key, in order.
    pub key: Vec<KeyColumn>,
    /// The other columns, in order.
    pub columns: Vec<Column>,
    /// SHA-256 over everything that decides what the table holds: types and their
    /// topics, order, each, key, columns, programs. Not where the table is.
    pub hash: [u8; 32],
}

/// In which order events are seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Per subject within a topic.
    Subject,
    /// By position, in one line; a failing event stops the projection.
    Total,
}

/// A column of the key.
#[derive(Debug)]
pub struct KeyColumn {
    /// Its name.
    pub name: String,
    /// Its type.
    pub column_type: ColumnType,
    /// What yields it.
    pub value: Expression,
}

/// A column that an operator keeps.
#[derive(Debug)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    pub column_type: ColumnType,
    /// What is done with the value.
    pub operator: Operator,
    /// What yields it.
    pub value: Expression,
}

/// What becomes of a value and what the row holds. Null leaves the column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// The sum.
    Add,
    /// The smaller.
    Min,
    /// The larger.
    Max,
    /// The last, by position.
    Set,
    /// The first, by position.
    First,
}

impl Operator {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Add, Self::Min, Self::Max, Self::Set, Self::First];

    /// Its key in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Min => "min",
            Self::Max => "max",
            Self::Set => "set",
            Self::First => "first",
        }
    }

    /// Whether what a row holds at the end depends on the order of its events.
    #[must_use]
    pub const fn needs_order(self) -> bool {
        match self {
            Self::Add | Self::Min | Self::Max => false,
            Self::Set | Self::First => true,
        }
    }
}

/// Something that is wrong with a projection as it is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefinitionProblem {
    /// The keys that lead to it, below the projection's name; entries of lists by
    /// their number, from 0.
    pub path: Vec<String>,
    /// What is wrong; of a program with an excerpt, in several lines.
    pub message: String,
    /// What to do.
    pub remedy: String,
}
