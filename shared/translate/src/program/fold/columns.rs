//! The columns of a row, as a fold sees them.

use std::collections::BTreeMap;

use super::super::scope::Scope;
use crate::shape::{Field, NumberForm, Shape};
use crate::{CompileError, EventScope, Kinds};

/// A column of the row that a fold reads and writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoldColumn {
    /// Its name: `.row.NAME`.
    pub name: String,
    /// What it holds, beside null.
    pub kind: ColumnKind,
    /// Whether it is of the key: never null in a row, and a fold cannot change it.
    pub key: bool,
}

/// What a column holds, as a fold reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Text; also what has no kind of its own there, as `date` and `uuid`.
    Text,
    /// A whole number of 64 bits.
    Integer,
    /// Any number: a float to a program, even when it is whole, as `number` in a
    /// schema. `numeric`.
    Number,
    /// A binary float of 64 bits, which a program holds whatever its digits are.
    Float,
    /// true or false
    Boolean,
    /// A point in time.
    Timestamp,
    /// Any JSON, of which nothing is known.
    Json,
}

impl ColumnKind {
    /// What is known of a value that is not null.
    pub(super) fn shape(self) -> Shape {
        match self {
            Self::Text => Shape::of(Kinds::STRING),
            Self::Integer => Shape::integer(),
            Self::Number | Self::Float => Shape {
                number: NumberForm::Float,
                ..Shape::of(Kinds::NUMBER)
            },
            Self::Boolean => Shape::of(Kinds::BOOLEAN),
            Self::Timestamp => Shape::of(Kinds::TIMESTAMP),
            Self::Json => Shape::any(),
        }
    }
}

/// What a fold of events in `scope` sees.
///
/// # Errors
/// Two columns have the same name.
pub(super) fn scope_of(
    name: &str,
    source: &str,
    scope: &EventScope,
    columns: &[FoldColumn],
) -> Result<Scope, CompileError> {
    let mut fields = BTreeMap::new();
    for column in columns {
        let mut shape = column.kind.shape();
        if !column.key {
            shape.kinds = shape.kinds.union(Kinds::NULL);
        }
        let field = Field {
            shape,
            required: true,
        };
        if fields.insert(column.name.clone(), field).is_some() {
            return Err(CompileError::of_whole(
                name,
                source,
                &format!("the row has two columns `{}`", column.name),
                "give one of them another name, in the key or in `columns`",
            ));
        }
    }
    Ok(scope.scope.clone().with_row(fields))
}
