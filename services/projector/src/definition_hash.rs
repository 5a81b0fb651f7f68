//! What a definition is, in 32 bytes: for noticing that it has changed.

use std::collections::BTreeMap;

use dragoman_settings::FilePath;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::{ColumnOptions, OrderOptions, ProjectionOptions, SinkOptions};

/// SHA-256 over a canonical text of everything that decides what events do.
/// Where the table is, in which order columns are written, and white space around a
/// program decide nothing; where a new projection begins counts once, at its start.
pub(crate) fn hash_of(options: &ProjectionOptions, events: &BTreeMap<String, String>) -> [u8; 32] {
    Sha256::digest(canonical_text(options, events)).into()
}

fn canonical_text(options: &ProjectionOptions, events: &BTreeMap<String, String>) -> String {
    let order = match options.order {
        Some(OrderOptions::Total) => "total",
        None => "subject",
    };
    // Arrays, because the order of their members is beyond doubt.
    let canonical = match &options.sink {
        SinkOptions::Http(sink) => json!([
            "dragoman requests 1",
            events,
            order,
            content(options.request.as_ref()).as_deref().map(str::trim),
            sink.success.as_deref().map(str::trim),
            sink.retry.on.as_deref().map(str::trim),
        ]),
        SinkOptions::Postgres(_) if !options.execute.is_empty() => {
            let statements = options.execute.iter();
            let statements = sorted(statements.map(|(name, text)| (name, json!(text.trim()))));
            json!(["dragoman statements 1", events, order, statements])
        }
        SinkOptions::Postgres(_) => match &options.fold {
            Some(fold) => {
                let program = content(Some(fold));
                let program = program.as_deref().map(str::trim);
                let (key, columns) = (key(options), columns(options));
                match options.each.as_deref().map(str::trim) {
                    // As it was before a fold could have elements.
                    None => json!(["dragoman fold 1", events, order, key, columns, program]),
                    each => json!([
                        "dragoman fold 2",
                        events,
                        order,
                        each,
                        key,
                        columns,
                        program
                    ]),
                }
            }
            None => json!([
                "dragoman projection 1",
                events,
                order,
                options.each.as_deref().map(str::trim),
                key(options),
                columns(options),
            ]),
        },
    };
    canonical.to_string()
}

fn content(file: Option<&FilePath>) -> Option<String> {
    file.and_then(|file| file.read().ok())
}

fn key(options: &ProjectionOptions) -> Map<String, Value> {
    let columns = options.key.iter();
    sorted(columns.map(|(name, key)| (name, json!([key.column_type.to_string(), key.from.trim()]))))
}

fn columns(options: &ProjectionOptions) -> Map<String, Value> {
    sorted(options.columns.iter().map(|(name, column)| {
        let column_type = column.column_type().to_string();
        let text = match column {
            ColumnOptions::Folded(_) => json!(column_type),
            ColumnOptions::Operated(options) => {
                let operators: Vec<Value> = options
                    .operators()
                    .map(|(operator, program)| json!([operator.as_str(), program.trim()]))
                    .collect();
                json!([column_type, operators])
            }
        };
        (name, text)
    }))
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

    /// The canonical text of a fold with this program, of one of elements, and of statements.
    fn others(program: &str, statement: &str) -> [String; 3] {
        let file = std::env::temp_dir().join(format!("{}.vrl", uuid::Uuid::new_v4()));
        std::fs::write(&file, program).unwrap();
        let events = [("order.placed".to_owned(), "orders".to_owned())].into();
        let text = |options: Value| {
            super::canonical_text(&serde_json::from_value(options).unwrap(), &events)
        };
        let fold = |each: Value| {
            text(json!({
                "events": ["order.placed"],
                "sink": { "postgres": { "table": "states" } },
                "each": each,
                "key": { "order_id": { "type": "text", "from": ".subject" } },
                "columns": { "state": "text", "amount": "numeric(14, 2)" },
                "fold": file,
            }))
        };
        let texts = [
            fold(Value::Null),
            fold(json!(" .data.lines")),
            text(json!({
                "events": ["order.placed"],
                "order": "total",
                "sink": { "postgres": {} },
                "execute": { "order.placed": statement },
            })),
        ];
        std::fs::remove_file(file).unwrap();
        texts
    }

    #[test]
    fn folds_and_statements_are_told_by_their_programs_in_every_build() {
        let known = others(".row = null\n", " select 1");
        assert_eq!(
            known,
            [
                r#"["dragoman fold 1",{"order.placed":"orders"},"subject",{"order_id":["text",".subject"]},{"amount":"numeric(14,2)","state":"text"},".row = null"]"#,
                r#"["dragoman fold 2",{"order.placed":"orders"},"subject",".data.lines",{"order_id":["text",".subject"]},{"amount":"numeric(14,2)","state":"text"},".row = null"]"#,
                r#"["dragoman statements 1",{"order.placed":"orders"},"total",{"order.placed":"select 1"}]"#,
            ]
        );
        let other = others(".row = {}", "select 2");
        assert!(known.iter().zip(&other).all(|(one, other)| one != other));
    }
}
