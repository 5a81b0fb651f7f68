//! Whether the events of a row come in order.
//!
//! Over Kafka, order is kept per subject within one topic. So a row sees its events
//! in order when all of them are of one subject and one topic: when the key says
//! `.subject` as it is, and one topic feeds the projection. In a row that several
//! share, `add`, `min` and `max` do not mind, and `set` and `first` do. The rule is
//! the same without Kafka, so that adding it changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Column, ColumnType, DefinitionProblem, KeyColumn};

/// What is wrong with a projection without `order: total`, if something is.
pub(crate) fn problem(
    events: &BTreeMap<String, String>,
    key: &[KeyColumn],
    columns: &[Column],
) -> Option<DefinitionProblem> {
    let mut minding = columns
        .iter()
        .filter(|column| column.operator.needs_order())
        .peekable();
    let first = minding.peek()?;
    let path = vec![
        "columns".to_owned(),
        first.name.clone(),
        first.operator.as_str().to_owned(),
    ];
    let why = shared_by(events, key)?;
    let minding: Vec<String> = minding
        .map(|column| format!("`{}` of {}", column.operator.as_str(), column.name))
        .collect();
    Some(DefinitionProblem {
        path,
        message: format!(
            "{} depends on the order of events, and {why}",
            minding.join(", ")
        ),
        remedy: "add `order: total` to the projection: it then follows the log itself, in one line; or use add, min or max".to_owned(),
    })
}

/// Why a row may see its events in any order; `None` when it cannot.
fn shared_by(events: &BTreeMap<String, String>, key: &[KeyColumn]) -> Option<String> {
    let topics: BTreeSet<&str> = events.values().map(String::as_str).collect();
    if topics.len() > 1 {
        let topics: Vec<&str> = topics.into_iter().collect();
        return Some(format!(
            "events of several topics ({}) come in any order",
            topics.join(", ")
        ));
    }
    if key.iter().any(is_subject) {
        return None;
    }
    Some(
        "events of several subjects share a row and come in any order (no column of the key is `.subject` as it is)"
            .to_owned(),
    )
}

/// Whether two subjects never have the same value in this column. A program that
/// computes with the subject may well give two of them one row.
fn is_subject(column: &KeyColumn) -> bool {
    column.column_type == ColumnType::Text
        && column.value.is_bare_path()
        && column.value.reads_only_subject()
}
