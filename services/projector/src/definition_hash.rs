//! What a definition is, in 32 bytes: for noticing that it has changed.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

use crate::{OrderOptions, ProjectionOptions};

/// SHA-256 over a canonical text of everything that decides what the table holds.
/// Where the table is, in which order columns are written, and white space around a
/// program decide nothing; where a new projection begins counts once, at its start.
pub(crate) fn hash_of(options: &ProjectionOptions, events: &BTreeMap<String, String>) -> [u8; 32] {
    Sha256::digest(canonical_text(options, events)).into()
}

fn canonical_text(options: &ProjectionOptions, events: &BTreeMap<String, String>) -> String {
    let key = sorted(
        options
            .key
            .iter()
            .map(|(name, key)| (name, json!([key.column_type.to_string(), key.from.trim()]))),
    );
    let columns = sorted(options.columns.iter().map(|(name, column)| {
        let operators: Vec<Value> = column
            .operators()
            .map(|(operator, program)| json!([operator.as_str(), program.trim()]))
            .collect();
        (name, json!([column.column_type.to_string(), operators]))
    }));
    // An array, because the order of its members is beyond doubt.
    json!([
        "dragoman projection 1",
        events,
        match options.order {
            Some(OrderOptions::Total) => "total",
            None => "subject",
        },
        options.each.as_deref().map(str::trim),
        key,
        columns,
    ])
    .to_string()
}

fn sorted<'a>(entries: impl Iterator<Item = (&'a String, Value)>) -> Map<String, Value> {
    let sorted: BTreeMap<&String, Value> = entries.collect();
    sorted
        .into_iter()
        .map(|(name, value)| (name.clone(), value))
        .collect()
}
