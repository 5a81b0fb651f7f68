//! From an event to what it does, in memory.

use std::borrow::Cow;

use dragoman_core::{RecordedEvent, chain};
use dragoman_translate::{EventView, Item};

use super::value::Value;
use crate::bookkeeping::followed::Followed;
use crate::bookkeeping::reason::shortened;
use crate::{Column, DatabaseEffect, Definition, KeyColumn, RowChange, Statement, TableEffect};

const NOT_FOLLOWED: &str = "the projection does not follow events of this type";

/// What an event does to one row.
#[derive(Debug)]
pub(super) struct Row {
    /// Which row: a value for each column of the key.
    pub(super) key: Vec<Value>,
    /// A value for each other column; `None` leaves it.
    pub(super) columns: Vec<Option<Value>>,
}

/// What an event does, as far as that is known before the database is asked.
#[derive(Debug)]
pub(super) enum Work<'e> {
    /// What it brings to the columns of rows.
    Rows(Vec<Row>),
    /// It is folded into rows.
    Fold(Folding<'e>),
    /// It is given to a statement.
    Statement(&'e Statement),
}

/// An event that is to be folded into rows.
#[derive(Debug)]
pub(super) struct Folding<'e> {
    /// Which row, for each of its [`elements`].
    pub(super) keys: Vec<Vec<Value>>,
    /// The event.
    pub(super) view: EventView<'e>,
}

/// An event with what it does, or with the reason why it does nothing.
#[derive(Debug)]
pub(super) struct Evaluated<'e> {
    pub(super) followed: Followed<'e>,
    pub(super) work: Result<Work<'e>, String>,
}

impl<'e> Evaluated<'e> {
    pub(super) const fn event(&self) -> &'e RecordedEvent {
        self.followed.event
    }

    /// What is parked when it fails.
    pub(super) fn subject(&self) -> (&'e str, &'e str) {
        self.followed.subject()
    }
}

/// Runs the programs of a definition over events, as far as they need no row.
pub(super) fn evaluate<'e>(
    definition: &'e Definition,
    effect: DatabaseEffect<'e>,
    events: impl IntoIterator<Item = &'e RecordedEvent>,
) -> Vec<Evaluated<'e>> {
    events
        .into_iter()
        .map(|event| match Followed::of(definition, event) {
            Some(followed) => Evaluated {
                followed,
                work: work_of(effect, event).map_err(|reason| shortened(&reason)),
            },
            None => Evaluated {
                followed: Followed { event, topic: "" },
                work: Err(NOT_FOLLOWED.to_owned()),
            },
        })
        .collect()
}

fn work_of<'e>(effect: DatabaseEffect<'e>, event: &'e RecordedEvent) -> Result<Work<'e>, String> {
    let effect = match effect {
        DatabaseEffect::Table(effect) => effect,
        DatabaseEffect::Statements(effect) => {
            let statement = effect.statements.get(&event.event.event_type);
            return statement
                .map(Work::Statement)
                .ok_or_else(|| NOT_FOLLOWED.to_owned());
        }
    };
    let view = EventView::read(&event.event)
        .map_err(|error| format!("the event cannot be read: {}", chain(&error)))?;
    match &effect.change {
        RowChange::Operators(columns) => rows_of(effect, columns, &view).map(Work::Rows),
        RowChange::Fold(_) => {
            let keys = elements(effect, &view)?
                .iter()
                .map(|item| key_of(effect, &view, item.as_ref()))
                .collect::<Result<_, _>>()?;
            Ok(Work::Fold(Folding { keys, view }))
        }
    }
}

/// What a row is made of, one after the other: the elements that `each` yields, or the
/// event alone.
pub(super) fn elements<'v>(
    effect: &TableEffect,
    view: &'v EventView<'_>,
) -> Result<Cow<'v, [Option<Item<'v>>]>, String> {
    const ALONE: [Option<Item<'_>>; 1] = [None];
    let Some(each) = &effect.each else {
        return Ok(Cow::Borrowed(&ALONE));
    };
    let items = each.items(view);
    items
        .map(|items| Cow::Owned(items.into_iter().map(Some).collect()))
        .map_err(|error| format!("each: {}", chain(&error)))
}

fn rows_of(
    effect: &TableEffect,
    columns: &[Column],
    view: &EventView<'_>,
) -> Result<Vec<Row>, String> {
    elements(effect, view)?
        .iter()
        .map(|item| row_of(effect, columns, view, item.as_ref()))
        .collect()
}

fn row_of(
    effect: &TableEffect,
    columns: &[Column],
    view: &EventView<'_>,
    item: Option<&Item<'_>>,
) -> Result<Row, String> {
    let key = key_of(effect, view, item)?;
    let columns = columns
        .iter()
        .map(|column| column_value(column, view, item))
        .collect::<Result<_, _>>()?;
    Ok(Row { key, columns })
}

fn key_of(
    effect: &TableEffect,
    view: &EventView<'_>,
    item: Option<&Item<'_>>,
) -> Result<Vec<Value>, String> {
    let columns = effect.key.iter();
    columns
        .map(|column| key_value(column, view, item))
        .collect()
}

fn key_value(
    column: &KeyColumn,
    view: &EventView<'_>,
    item: Option<&Item<'_>>,
) -> Result<Value, String> {
    let cell = column
        .value
        .evaluate(view, item)
        .map_err(|error| format!("key {}: {}", column.name, chain(&error)))?;
    Value::from_cell(cell, column.column_type)
        .map_err(|reason| format!("key {}: {reason}", column.name))?
        .ok_or_else(|| format!("key {}: the program yielded null", column.name))
}

fn column_value(
    column: &Column,
    view: &EventView<'_>,
    item: Option<&Item<'_>>,
) -> Result<Option<Value>, String> {
    let cell = column
        .value
        .evaluate(view, item)
        .map_err(|error| format!("column {}: {}", column.name, chain(&error)))?;
    Value::from_cell(cell, column.column_type)
        .map_err(|reason| format!("column {}: {reason}", column.name))
}
