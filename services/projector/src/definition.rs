//! A projection, compiled.

use std::collections::BTreeMap;

use dragoman_core::Position;
use dragoman_translate::{Each, Expression, Schema};

use crate::ProjectionOptions;

/// A projection whose programs are compiled and whose parts fit each other.
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

/// Where a new projection begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With the first event.
    Beginning,
    /// With what is sealed after it was first started.
    Now,
    /// With the event at this position.
    At(Position),
}

/// A table, quoted where it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableName {
    /// Its schema; `None`: `public`.
    pub schema: Option<String>,
    /// Its name.
    pub name: String,
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

/// A type of the database that a column may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// `text`
    Text,
    /// `bigint`
    Bigint,
    /// `integer`
    Integer,
    /// `numeric`, `numeric(p)`, `numeric(p,s)`
    Numeric {
        /// Digits in all, and of those after the point.
        precision: Option<(u16, i16)>,
    },
    /// `double precision`
    Double,
    /// `boolean`
    Boolean,
    /// `timestamptz`
    Timestamp,
    /// `date`
    Date,
    /// `uuid`
    Uuid,
    /// `jsonb`
    Json,
}

/// Something that is wrong with a projection as it is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefinitionProblem {
    /// The keys that lead to it, below the projection's name.
    pub path: Vec<String>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

impl Definition {
    /// Compiles a projection. `catalogue`: every type with its topic and its schema,
    /// if it has one.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn compile(
        name: &str,
        options: &ProjectionOptions,
        catalogue: &BTreeMap<String, (String, Option<&Schema>)>,
    ) -> Result<Self, Vec<DefinitionProblem>> {
        let _ = (name, options, catalogue);
        todo!()
    }
}
