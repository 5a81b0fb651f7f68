//! The oracle: what the tables must hold, folded from the log in a few plain lines that
//! share nothing with the projector.

use std::collections::BTreeMap;

use serde_json::Value;
use sqlx::{AssertSqlSafe, Row as _};

use crate::{Database, Fact};

/// A row of the tables that [`tally`](crate::tally) and
/// [`tally_in_line`](crate::tally_in_line) keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// `add: 1`
    pub events: i64,
    /// `add: .data.amount`, in hundredths.
    pub total: i64,
    /// `min: .data.number`
    pub smallest: i64,
    /// `max: .data.number`
    pub largest: i64,
    /// `first: .data.number`
    pub earliest: i64,
    /// `set: .data.number`
    pub latest: i64,
}

/// Folds facts, which stand in the order of the log, into rows.
#[must_use]
pub fn fold<'a>(
    facts: impl IntoIterator<Item = &'a Fact>,
    key: impl Fn(&Fact, &Value) -> String,
) -> BTreeMap<String, Row> {
    let mut rows = BTreeMap::new();
    for fact in facts {
        let data: Value = serde_json::from_str(&fact.data).expect("data is JSON");
        fold_one(&mut rows, key(fact, &data), &data);
    }
    rows
}

/// Folds the data of the next event into its row.
pub(crate) fn fold_one(rows: &mut BTreeMap<String, Row>, key: String, data: &Value) {
    let number = data["number"].as_i64().expect("there is a number");
    let amount = hundredths(&data["amount"].to_string());
    let row = rows.entry(key).or_insert(Row {
        events: 0,
        total: 0,
        smallest: number,
        largest: number,
        earliest: number,
        latest: number,
    });
    row.events += 1;
    row.total += amount;
    row.smallest = row.smallest.min(number);
    row.largest = row.largest.max(number);
    row.latest = number;
}

/// What a table holds. One that is not there yet is empty.
pub async fn read_rows(database: &Database, table: &str) -> BTreeMap<String, Row> {
    let mut connection = database.connect().await;
    let there: bool = sqlx::query_scalar("select to_regclass($1) is not null")
        .bind(table)
        .fetch_one(&mut connection)
        .await
        .expect("the catalogue of the target can be read");
    if !there {
        return BTreeMap::new();
    }
    sqlx::query(AssertSqlSafe(format!(
        "select key, events, total::text, smallest, largest, earliest, latest from {table}"
    )))
    .fetch_all(&mut connection)
    .await
    .expect("the table can be read")
    .into_iter()
    .map(|row| {
        let total: String = row.get("total");
        let values = Row {
            events: row.get("events"),
            total: hundredths(&total),
            smallest: row.get("smallest"),
            largest: row.get("largest"),
            earliest: row.get("earliest"),
            latest: row.get("latest"),
        };
        (row.get("key"), values)
    })
    .collect()
}

/// A decimal with up to two places, without a detour by floating point.
fn hundredths(text: &str) -> i64 {
    let (whole, places) = text.split_once('.').unwrap_or((text, ""));
    assert!(places.len() <= 2, "{text} has more than two places");
    let whole: i64 = whole.parse().expect("a decimal");
    let places: i64 = format!("{places:0<2}").parse().expect("a decimal");
    whole * 100 + places
}

#[cfg(test)]
mod tests {
    use super::{Row, fold, hundredths};
    use crate::Fact;

    fn fact(position: i64, data: &str) -> Fact {
        Fact {
            position,
            id: position.to_string(),
            event_type: "order.placed".to_owned(),
            subject: "order-1".to_owned(),
            data: data.to_owned(),
        }
    }

    #[test]
    fn every_operator_is_folded_in_order() {
        let facts = [
            fact(1, r#"{"number":5,"amount":0.10}"#),
            fact(2, r#"{"number":9,"amount":3.20}"#),
            fact(3, r#"{"number":2,"amount":1}"#),
        ];
        let rows = fold(&facts, |fact, _| fact.subject.clone());
        let expected = Row {
            events: 3,
            total: 430,
            smallest: 2,
            largest: 9,
            earliest: 5,
            latest: 2,
        };
        assert_eq!(rows["order-1"], expected);
    }

    #[test]
    fn decimals_are_exact() {
        assert_eq!(hundredths("0.1"), 10);
        assert_eq!(hundredths("17"), 1700);
        assert_eq!(hundredths("90071992547409.93"), 9_007_199_254_740_993);
    }
}
