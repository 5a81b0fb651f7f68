//! The table of a projection in plain SQL: gathered by subject, one upsert and one
//! checkpoint in a transaction.

use std::collections::BTreeMap;

use dragoman_tests::Database;
use serde::Deserialize;
use serde_json::value::RawValue;
use sqlx::{Connection as _, Executor as _, PgConnection};

use super::raw_projection::Batch;

/// The table that `tally` keeps, and the checkpoints.
pub(crate) async fn create(database: &Database) {
    database
        .connect()
        .await
        .execute(
            "create table tally (
                 key text primary key, events bigint, total numeric(14, 2), smallest bigint,
                 largest bigint, earliest bigint, latest bigint
             );
             create table checkpoints (reader integer primary key, next bigint not null)",
        )
        .await
        .expect("tables can be made");
}

/// What some events of a subject come to.
struct Gathered {
    events: i64,
    cents: i64,
    smallest: i64,
    largest: i64,
    earliest: i64,
    latest: i64,
}

/// Events by subject. Sorted, because unsorted upserts of two workers deadlock.
#[derive(Default)]
pub(super) struct Window {
    rows: BTreeMap<String, Gathered>,
    events: usize,
}

#[derive(Deserialize)]
struct Order<'a> {
    number: i64,
    #[serde(borrow)]
    amount: &'a RawValue,
}

impl Batch for Window {
    fn len(&self) -> usize {
        self.events
    }

    fn add(&mut self, subject: &str, data: &str) {
        let order: Order<'_> = serde_json::from_str(data).expect("it is an order");
        let (number, cents) = (order.number, cents(order.amount.get()));
        self.events += 1;
        if let Some(row) = self.rows.get_mut(subject) {
            row.events += 1;
            row.cents += cents;
            row.smallest = row.smallest.min(number);
            row.largest = row.largest.max(number);
            row.latest = number;
        } else {
            let row = Gathered {
                events: 1,
                cents,
                smallest: number,
                largest: number,
                earliest: number,
                latest: number,
            };
            self.rows.insert(subject.to_owned(), row);
        }
    }

    async fn write(&mut self, connection: &mut PgConnection, reader: i32, next: i64) {
        let mut transaction = connection.begin().await.expect("a transaction begins");
        let column = |of: fn(&Gathered) -> i64| self.rows.values().map(of).collect::<Vec<_>>();
        sqlx::query(
            "insert into tally as t (key, events, total, smallest, largest, earliest, latest)
             select key, events, cents / 100.0, smallest, largest, earliest, latest
             from unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[],
                         $6::bigint[], $7::bigint[])
                  as v (key, events, cents, smallest, largest, earliest, latest)
             on conflict (key) do update set
                 events = t.events + excluded.events, total = t.total + excluded.total,
                 smallest = least(t.smallest, excluded.smallest),
                 largest = greatest(t.largest, excluded.largest), latest = excluded.latest",
        )
        .bind(self.rows.keys().cloned().collect::<Vec<_>>())
        .bind(column(|row| row.events))
        .bind(column(|row| row.cents))
        .bind(column(|row| row.smallest))
        .bind(column(|row| row.largest))
        .bind(column(|row| row.earliest))
        .bind(column(|row| row.latest))
        .execute(&mut *transaction)
        .await
        .expect("rows can be written");
        super::raw_projection::checkpoint(&mut transaction, reader, next).await;
        transaction.commit().await.expect("a transaction commits");
        *self = Self::default();
    }
}

fn cents(digits: &str) -> i64 {
    let (whole, rest) = digits.split_once('.').expect("an amount has two decimals");
    let number = |text: &str| text.parse::<i64>().expect("an amount is a number");
    number(whole) * 100 + number(rest)
}
