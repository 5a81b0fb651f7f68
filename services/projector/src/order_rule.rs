//! Whether the events of a row come in order.
//!
//! Over Kafka, order is kept per subject within one topic. So a row sees its events
//! in order when all of them are of one subject and one topic: when the key says
//! `.subject` as it is, and one topic feeds the projection. In a row that several
//! share, `add`, `min` and `max` do not mind, and `set`, `first` and folds do. The rule
//! is the same without Kafka, so that adding it changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Column, ColumnType, DefinitionProblem, KeyColumn, RowChange};

/// What is wrong with a projection without `order: total`, if something is.
pub(crate) fn problem(
    events: &BTreeMap<String, String>,
    key: &[KeyColumn],
    change: &RowChange,
) -> Option<DefinitionProblem> {
    let minding = match change {
        RowChange::Operators(columns) => of_operators(columns)?,
        RowChange::Fold(_) => Minding {
            path: vec!["fold".to_owned()],
            what: "a fold depends".to_owned(),
            otherwise: "keep the columns by add, min or max",
        },
    };
    let why = shared_by(events, key)?;
    Some(DefinitionProblem {
        path: minding.path,
        file: None,
        message: format!("{} on the order of events, and {why}", minding.what),
        remedy: format!(
            "add `order: total` to the projection: it then follows the log itself, in one line; or {}",
            minding.otherwise
        ),
    })
}

/// What of a projection minds the order of events.
struct Minding {
    path: Vec<String>,
    what: String,
    otherwise: &'static str,
}

fn of_operators(columns: &[Column]) -> Option<Minding> {
    let minding: Vec<&Column> = columns
        .iter()
        .filter(|column| column.operator.needs_order())
        .collect();
    let first = minding.first()?;
    let names: Vec<String> = minding
        .iter()
        .map(|column| format!("`{}` of {}", column.operator.as_str(), column.name))
        .collect();
    let depend = if names.len() == 1 {
        "depends"
    } else {
        "depend"
    };
    Some(Minding {
        path: vec![
            "columns".to_owned(),
            first.name.clone(),
            first.operator.as_str().to_owned(),
        ],
        what: format!("{} {depend}", names.join(" and ")),
        otherwise: "use add, min or max",
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use crate::{Definition, ProjectionOptions};

    /// Whether it compiles; if not, that the order alone is why.
    fn compiles(events: &[&str], key: &Value, each: Option<&str>, operator: &str) -> bool {
        let catalogue: BTreeMap<_, _> = [
            ("order.placed", "orders"),
            ("order.cancelled", "orders"),
            ("payment.captured", "payments"),
        ]
        .map(|(event_type, topic)| (event_type.to_owned(), (topic.to_owned(), None)))
        .into();
        let file = std::env::temp_dir().join(format!("{}.vrl", uuid::Uuid::new_v4()));
        std::fs::write(&file, ".row.value = 1").unwrap();
        let (column, fold) = match operator {
            "fold" => (json!("bigint"), json!(file)),
            operator => (json!({ "type": "bigint", operator: "1" }), Value::Null),
        };
        let with = |order: Value| -> ProjectionOptions {
            serde_json::from_value(json!({
                "events": events, "order": order, "each": each, "key": key,
                "sink": { "postgres": { "table": "t" } },
                "columns": { "value": column },
                "fold": fold,
            }))
            .unwrap()
        };
        let total = Definition::compile("p", &with(json!("total")), &catalogue);
        assert!(total.is_ok(), "{total:?}");
        let compiles = Definition::compile("p", &with(Value::Null), &catalogue).is_ok();
        std::fs::remove_file(file).unwrap();
        compiles
    }

    #[test]
    fn only_rows_of_one_subject_and_one_topic_see_their_events_in_order() {
        let subject = json!({ "id": { "type": "text", "from": ".subject" } });
        let orders: &[&str] = &["order.placed", "order.cancelled"];
        for operator in ["set", "first", "fold"] {
            assert!(compiles(orders, &subject, None, operator));
            let both: &[&str] = &["order.placed", "payment.captured"];
            assert!(!compiles(both, &subject, None, operator));
            for shared in [
                ".data.sku",
                "\"all\"",
                "downcase(.subject)",
                ".source",
                "if .subject == \"a\" { \"a\" } else { \"b\" }",
            ] {
                let key = json!({ "id": { "type": "text", "from": shared } });
                assert!(!compiles(orders, &key, None, operator), "{shared}");
                for indifferent in ["add", "min", "max"] {
                    assert!(compiles(both, &key, None, indifferent), "{shared}");
                }
            }
        }
    }

    #[test]
    fn a_row_of_an_element_is_of_one_subject_when_the_key_says_so() {
        let shared = json!({ "sku": { "type": "text", "from": ".item.sku" } });
        for operator in ["set", "fold"] {
            let lines = Some(".data.lines");
            assert!(!compiles(&["order.placed"], &shared, lines, operator));
        }
        let own = json!({
            "sku": { "type": "text", "from": ".item.sku" },
            "order_id": { "type": "text", "from": ".subject" },
        });
        for operator in ["set", "fold"] {
            let lines = Some(".data.lines");
            assert!(compiles(&["order.placed"], &own, lines, operator));
        }
    }
}
