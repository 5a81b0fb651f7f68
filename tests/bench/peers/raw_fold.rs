//! A fold in plain SQL: the rows of a window are read, folded in memory and written.

use std::collections::BTreeMap;

use dragoman_tests::Database;
use serde::Deserialize;
use sqlx::{Connection as _, Executor as _, PgConnection};

use super::raw_projection::Batch;

/// The table that the fold keeps, and the checkpoints.
pub(crate) async fn create(database: &Database) {
    database
        .connect()
        .await
        .execute(
            "create table folded (
                 key text primary key, events bigint, state bigint, last text
             );
             create table checkpoints (reader integer primary key, next bigint not null)",
        )
        .await
        .expect("tables can be made");
}

/// Events by subject, in order.
#[derive(Default)]
pub(super) struct Window {
    subjects: BTreeMap<String, Vec<i64>>,
    events: usize,
}

#[derive(Deserialize)]
struct Order {
    number: i64,
}

/// What a row holds.
#[derive(Clone, Default)]
struct Row {
    events: i64,
    state: i64,
    last: String,
}

impl Batch for Window {
    fn len(&self) -> usize {
        self.events
    }

    fn add(&mut self, subject: &str, data: &str) {
        let order: Order = serde_json::from_str(data).expect("it is an order");
        self.events += 1;
        let numbers = self.subjects.entry(subject.to_owned()).or_default();
        numbers.push(order.number);
    }

    async fn write(&mut self, connection: &mut PgConnection, reader: i32, next: i64) {
        let mut transaction = connection.begin().await.expect("a transaction begins");
        let keys: Vec<&String> = self.subjects.keys().collect();
        let held: Vec<(String, i64, i64, String)> = sqlx::query_as(
            "select key, events, state, last from folded where key = any ($1) order by key for update",
        )
        .bind(&keys)
        .fetch_all(&mut *transaction)
        .await
        .expect("rows can be read");
        let mut rows: BTreeMap<&str, Row> = held
            .iter()
            .map(|(key, events, state, last)| {
                let (events, state, last) = (*events, *state, last.clone());
                (
                    key.as_str(),
                    Row {
                        events,
                        state,
                        last,
                    },
                )
            })
            .collect();
        for (subject, numbers) in &self.subjects {
            let row = rows.entry(subject).or_default();
            for number in numbers {
                row.events += 1;
                row.state = (row.state * 31 + number) % 1_000_003;
                row.last = number.to_string();
            }
        }
        let column = |of: fn(&Row) -> i64| rows.values().map(of).collect::<Vec<_>>();
        sqlx::query(
            "insert into folded as t (key, events, state, last)
             select * from unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[])
             on conflict (key) do update set
                 events = excluded.events, state = excluded.state, last = excluded.last",
        )
        .bind(rows.keys().copied().collect::<Vec<_>>())
        .bind(column(|row| row.events))
        .bind(column(|row| row.state))
        .bind(
            rows.values()
                .map(|row| row.last.clone())
                .collect::<Vec<_>>(),
        )
        .execute(&mut *transaction)
        .await
        .expect("rows can be written");
        super::raw_projection::checkpoint(&mut transaction, reader, next).await;
        transaction.commit().await.expect("a transaction commits");
        *self = Self::default();
    }
}
