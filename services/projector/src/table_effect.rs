//! What events do to the rows of a table.

use dragoman_translate::{Each, Expression, Fold};

use crate::{ColumnType, TableName};

/// Events change rows of a table.
#[derive(Debug)]
pub struct TableEffect {
    /// The table.
    pub table: TableName,
    /// What yields the elements of an event; `None`: one row per event.
    pub each: Option<Each>,
    /// The columns of the key, in order.
    pub key: Vec<KeyColumn>,
    /// What becomes of a row.
    pub change: RowChange,
}

/// What an event makes of a row.
#[derive(Debug)]
pub enum RowChange {
    /// Each column is kept by an operator, so that no row needs to be read. The columns
    /// beside the key, in order.
    Operators(Vec<Column>),
    /// A program makes of the row what it becomes.
    Fold(Box<FoldRule>),
}

/// A program that makes of a row what it becomes.
#[derive(Debug)]
pub struct FoldRule {
    /// The columns beside the key, in order.
    pub columns: Vec<FoldedColumn>,
    /// The program.
    pub program: Fold,
}

/// A column that a fold keeps.
#[derive(Debug)]
pub struct FoldedColumn {
    /// Its name.
    pub name: String,
    /// Its type.
    pub column_type: ColumnType,
}

impl TableEffect {
    /// Name and type of every column of the key, in order.
    pub(crate) fn key_columns(&self) -> impl Iterator<Item = (&str, ColumnType)> {
        self.key
            .iter()
            .map(|column| (column.name.as_str(), column.column_type))
    }

    /// Name and type of every column beside the key, in order.
    pub(crate) fn columns(&self) -> impl Iterator<Item = (&str, ColumnType)> {
        let (operated, folded) = match &self.change {
            RowChange::Operators(columns) => (columns.as_slice(), [].as_slice()),
            RowChange::Fold(rule) => ([].as_slice(), rule.columns.as_slice()),
        };
        let operated = operated
            .iter()
            .map(|column| (column.name.as_str(), column.column_type));
        let folded = folded
            .iter()
            .map(|column| (column.name.as_str(), column.column_type));
        operated.chain(folded)
    }
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
