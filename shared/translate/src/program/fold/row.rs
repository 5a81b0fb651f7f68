//! Rows, and how a fold is given them.

use vrl::compiler::prelude::NotNan;
use vrl::value::Value;

use super::super::exact::{exact, shown};
use super::super::input::{Place, Unreadable};
use super::super::row_path::column_path;
use super::super::run::Stopped;
use super::super::stand_in::stand_in;
use super::columns::ColumnKind;
use crate::shape::Shape;
use crate::{Cell, Document, EvaluateError, EventView, InexactNumber, Item, JsonKind};

/// What a fold is run on. Cells are in the order of the columns that it was compiled
/// with, and one that is missing is null.
#[derive(Debug, Clone, Copy)]
pub struct FoldInput<'a> {
    /// The event.
    pub view: &'a EventView<'a>,
    /// `.item`, where there is an `each`.
    pub item: Option<&'a Item<'a>>,
    /// What the columns of the key hold.
    pub key: &'a [Cell],
    /// What the other columns hold, if there is a row.
    pub row: Option<&'a [Cell]>,
}

/// What a fold makes of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum FoldOutcome {
    /// There is no such row, or there shall be none any more.
    Delete,
    /// What the columns beside the key hold, in their order; `None`: what they held.
    Row(Vec<Option<Cell>>),
}

/// A column, as a fold is given it.
#[derive(Debug)]
pub(super) struct Given<'f> {
    pub(super) program: &'f str,
    pub(super) name: &'f str,
    pub(super) kind: ColumnKind,
    pub(super) key: bool,
    /// The number of its stand-in, if the program does not look at it.
    pub(super) stand_in: Option<usize>,
}

impl Given<'_> {
    /// What the program finds in the column.
    ///
    /// # Errors
    /// A number is inexact, or it is not what the column is for.
    pub(super) fn value(&self, cell: &Cell) -> Result<Value, EvaluateError> {
        if let Some(number) = self.stand_in {
            return Ok(unseen(cell, number));
        }
        match (cell, self.kind) {
            (Cell::Null, _) if !self.key => Ok(Value::Null),
            (Cell::Boolean(boolean), ColumnKind::Boolean | ColumnKind::Json) => {
                Ok(Value::Boolean(*boolean))
            }
            (Cell::Text(text), ColumnKind::Text | ColumnKind::Json) => {
                Ok(Value::from(text.as_str()))
            }
            (Cell::Timestamp(time), ColumnKind::Timestamp) => Ok(Value::Timestamp(*time)),
            (Cell::Integer(integer), _) => self.integer(*integer),
            (Cell::Decimal(decimal), _) => self.number(&decimal.to_string()),
            (Cell::Json(text), ColumnKind::Json) => self.json(text),
            _ => Err(self.unfit(found(cell).to_owned())),
        }
    }

    fn integer(&self, integer: i64) -> Result<Value, EvaluateError> {
        match self.kind {
            ColumnKind::Integer | ColumnKind::Json => Ok(Value::Integer(integer)),
            _ => self.number(&integer.to_string()),
        }
    }

    fn number(&self, digits: &str) -> Result<Value, EvaluateError> {
        let form = match self.kind {
            ColumnKind::Float => return self.float(digits),
            ColumnKind::Integer | ColumnKind::Number | ColumnKind::Json => self.kind.shape().number,
            _ => return Err(self.unfit("a number".to_owned())),
        };
        exact(digits, form).ok_or_else(|| {
            EvaluateError::Inexact(InexactNumber {
                program: self.program.to_owned(),
                path: format!(".{}", column_path(self.name)),
                digits: shown(digits),
            })
        })
    }

    /// Digits that stand for a float: they are as many as it takes to tell it from others.
    fn float(&self, digits: &str) -> Result<Value, EvaluateError> {
        let float = digits
            .parse()
            .ok()
            .and_then(|float| NotNan::new(float).ok());
        float
            .map(Value::Float)
            .ok_or_else(|| self.unfit("a number that is no float".to_owned()))
    }

    fn json(&self, text: &str) -> Result<Value, EvaluateError> {
        let document = Document::parse(text.as_bytes())
            .map_err(|error| self.unfit(format!("JSON that cannot be read ({error})")))?;
        let value = Place::Json(document.root()).value(&Shape::any(), &column_path(self.name));
        value.map_err(|unreadable: Unreadable| {
            EvaluateError::new(self.program, Stopped::Unreadable(unreadable))
        })
    }

    fn unfit(&self, found: String) -> EvaluateError {
        EvaluateError::UnfitRow {
            program: self.program.to_owned(),
            path: format!(".{}", column_path(self.name)),
            expected: self.kind.shape().kinds.to_string(),
            found,
        }
    }
}

/// What stands in a column at which nobody looks. To `||` and to comparisons with null,
/// null and booleans are not what others are, so they are themselves.
fn unseen(cell: &Cell, number: usize) -> Value {
    let passed_on = |kind| stand_in(number, kind);
    match cell {
        Cell::Null => Value::Null,
        Cell::Boolean(boolean) => Value::Boolean(*boolean),
        Cell::Text(text) => Value::from(text.as_str()),
        Cell::Timestamp(time) => Value::Timestamp(*time),
        Cell::Integer(_) | Cell::Decimal(_) => passed_on(JsonKind::Number),
        Cell::Json(text) => match text.trim() {
            "null" => Value::Null,
            "true" => Value::Boolean(true),
            "false" => Value::Boolean(false),
            object if object.starts_with('{') => passed_on(JsonKind::Object),
            array if array.starts_with('[') => passed_on(JsonKind::Array),
            _ => passed_on(JsonKind::Number),
        },
    }
}

fn found(cell: &Cell) -> &'static str {
    match cell {
        Cell::Null => "null",
        Cell::Boolean(_) => "a boolean",
        Cell::Integer(_) | Cell::Decimal(_) => "a number",
        Cell::Text(_) => "text",
        Cell::Timestamp(_) => "a timestamp",
        Cell::Json(_) => "JSON",
    }
}

/// Whether a key that a program has written is the key that the row has.
pub(super) fn is_same_key(one: &Cell, other: &Cell) -> bool {
    one == other
        || matches!((one.number(), other.number()), (Some(one), Some(other)) if one == other)
}
