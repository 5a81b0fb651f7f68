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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::{Value, json};

    use super::hash_of;
    use crate::ProjectionOptions;

    fn options() -> Value {
        json!({
            "events": ["order.placed"],
            "sink": { "postgres": { "table": "sales" } },
            "each": ".data.lines",
            "key": { "order_id": { "type": "text", "from": ".subject" }, "sku": { "type": "text", "from": ".item.sku" } },
            "columns": {
                "revenue": { "type": "numeric(14,2)", "add": ".item.amount" },
                "largest": { "type": "numeric(14,2)", "max": ".item.amount" },
            },
        })
    }

    fn hash(options: Value, topic: &str) -> [u8; 32] {
        let options: ProjectionOptions = serde_json::from_value(options).unwrap();
        let events = [("order.placed".to_owned(), topic.to_owned())].into();
        hash_of(&options, &events)
    }

    fn hash_with(pointer: &str, value: Value) -> [u8; 32] {
        let mut options = options();
        *options.pointer_mut(pointer).unwrap() = value;
        hash(options, "orders")
    }

    #[test]
    fn what_decides_the_rows_changes_the_hash() {
        let known = hash(options(), "orders");
        assert_ne!(hash(options(), "sales"), known);
        for (pointer, value) in [
            ("/each", json!(".data.items")),
            ("/each", Value::Null),
            ("/key/sku/from", json!(".item.id")),
            ("/key/sku/type", json!("uuid")),
            ("/columns/revenue/type", json!("numeric")),
            ("/columns/revenue/add", json!(".item.price")),
            (
                "/columns/largest",
                json!({ "type": "numeric(14,2)", "min": ".item.amount" }),
            ),
        ] {
            assert_ne!(hash_with(pointer, value), known, "{pointer}");
        }
        let mut total = options();
        total["order"] = json!("total");
        assert_ne!(hash(total, "orders"), known);
    }

    #[test]
    fn where_the_table_is_and_how_it_is_written_does_not() {
        let known = hash(options(), "orders");
        for (pointer, value) in [
            ("/sink/postgres/table", json!("elsewhere")),
            ("/columns/revenue/add", json!("\n  .item.amount\n")),
            (
                "/columns",
                json!({
                    "largest": { "type": "NUMERIC(14, 2)", "max": ".item.amount" },
                    "revenue": { "type": "numeric(14,2)", "add": ".item.amount" },
                }),
            ),
        ] {
            assert_eq!(hash_with(pointer, value), known, "{pointer}");
        }
        let mut from = options();
        from["from"] = json!("now");
        assert_eq!(hash(from, "orders"), known);
    }

    #[test]
    fn the_hash_is_the_same_in_every_build() {
        // Changing it makes every projection refuse to go on after an upgrade.
        assert_eq!(
            super::canonical_text(
                &serde_json::from_value(options()).unwrap(),
                &[("order.placed".to_owned(), "orders".to_owned())].into()
            ),
            r#"["dragoman projection 1",{"order.placed":"orders"},"subject",".data.lines",{"order_id":["text",".subject"],"sku":["text",".item.sku"]},{"largest":["numeric(14,2)",[["max",".item.amount"]]],"revenue":["numeric(14,2)",[["add",".item.amount"]]]}]"#
        );
    }
}
