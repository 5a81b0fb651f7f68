//! A log with dedupe in plain SQL: the least that keeps each event once.

use std::ops::Range;

use dragoman_tests::Database;
use sqlx::{Executor as _, PgConnection};

use crate::events;

/// The two tables.
pub(crate) async fn create(database: &Database) {
    database
        .connect()
        .await
        .execute(
            "create table keys (source text, id text, primary key (source, id));
             create table log (
                 seq bigint generated always as identity primary key,
                 source text not null, id text not null, type text not null,
                 subject text not null, time timestamptz not null default now(),
                 data text not null
             )",
        )
        .await
        .expect("tables can be made");
}

/// Stores events that are not there, in one statement and one commit.
pub(crate) async fn insert(connection: &mut PgConnection, numbers: Range<u64>) {
    let column = |of: fn(u64) -> String| numbers.clone().map(of).collect::<Vec<_>>();
    let stored = sqlx::query(
        "with fresh as (
             insert into keys (source, id)
             select $1, id from unnest($2::text[]) as event (id) order by id
             on conflict do nothing returning id
         )
         insert into log (source, id, type, subject, data)
         select $1, id, $3, subject, data
         from unnest($2::text[], $4::text[], $5::text[]) as event (id, subject, data)
         join fresh using (id)",
    )
    .bind(events::SOURCE)
    .bind(column(events::id))
    .bind(events::TYPE)
    .bind(column(events::subject))
    .bind(column(events::data))
    .execute(connection)
    .await
    .expect("events can be stored");
    assert_eq!(stored.rows_affected(), numbers.end - numbers.start);
}
