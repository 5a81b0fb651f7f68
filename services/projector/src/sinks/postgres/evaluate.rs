//! From an event to its rows, in memory.

use std::error::Error;

use dragoman_core::RecordedEvent;
use dragoman_translate::{EventView, Item};

use super::value::Value;
use crate::{Column, Definition, KeyColumn};

/// The most that is kept of a reason, in characters.
const MAX_REASON: usize = 1_000;

/// What an event does to one row.
#[derive(Debug)]
pub(super) struct Row {
    /// Which row: a value for each column of the key.
    pub(super) key: Vec<Value>,
    /// A value for each other column; `None` leaves it.
    pub(super) columns: Vec<Option<Value>>,
}

/// An event with its rows, or with the reason why it has none.
#[derive(Debug)]
pub(super) struct Evaluated<'e> {
    pub(super) event: &'e RecordedEvent,
    pub(super) topic: &'e str,
    pub(super) rows: Result<Vec<Row>, String>,
}

impl Evaluated<'_> {
    /// What is parked when it fails.
    pub(super) fn subject(&self) -> (&str, &str) {
        (self.topic, &self.event.event.subject)
    }
}

/// Runs the programs of a definition over events.
pub(super) fn evaluate<'e>(
    definition: &'e Definition,
    events: &'e [RecordedEvent],
) -> Vec<Evaluated<'e>> {
    events
        .iter()
        .map(
            |event| match definition.events.get(&event.event.event_type) {
                Some(topic) => Evaluated {
                    event,
                    topic,
                    rows: rows_of(definition, event).map_err(|reason| shortened(&reason)),
                },
                None => Evaluated {
                    event,
                    topic: "",
                    rows: Err("the projection does not follow events of this type".to_owned()),
                },
            },
        )
        .collect()
}

fn rows_of(definition: &Definition, event: &RecordedEvent) -> Result<Vec<Row>, String> {
    let view = EventView::read(&event.event)
        .map_err(|error| format!("the event cannot be read: {}", chain(&error)))?;
    let Some(each) = &definition.each else {
        return Ok(vec![row_of(definition, &view, None)?]);
    };
    each.items(&view)
        .map_err(|error| format!("each: {}", chain(&error)))?
        .iter()
        .map(|item| row_of(definition, &view, Some(item)))
        .collect()
}

fn row_of(
    definition: &Definition,
    view: &EventView<'_>,
    item: Option<&Item<'_>>,
) -> Result<Row, String> {
    let key = definition
        .key
        .iter()
        .map(|column| key_value(column, view, item))
        .collect::<Result<_, _>>()?;
    let columns = definition
        .columns
        .iter()
        .map(|column| column_value(column, view, item))
        .collect::<Result<_, _>>()?;
    Ok(Row { key, columns })
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

/// An error with what caused it, in one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// A reason of a length that a list can show.
pub(super) fn shortened(reason: &str) -> String {
    match reason.char_indices().nth(MAX_REASON) {
        Some((end, _)) => format!("{}…", reason.get(..end).unwrap_or_default()),
        None => reason.to_owned(),
    }
}
