//! What the event log holds: the one place here that knows the hub's tables.

use sqlx::Row as _;

use crate::{Database, ORDERS};

/// An event as the log, or Kafka, has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Its place in the log, from 1.
    pub position: i64,
    /// Its id.
    pub id: String,
    /// Its type.
    pub event_type: String,
    /// What it is about: the key of its record.
    pub subject: String,
    /// Its data.
    pub data: String,
}

/// Everything that is sealed, by position.
pub async fn read_log(database: &Database) -> Vec<Fact> {
    sqlx::query(
        "select position, id, type, subject, data from dragoman.sealed_events
         where batch > 0 order by position",
    )
    .fetch_all(&mut database.connect().await)
    .await
    .expect("the log can be read")
    .into_iter()
    .map(|row| Fact {
        position: row.get("position"),
        id: row.get("id"),
        event_type: row.get("type"),
        subject: row.get("subject"),
        data: row.get("data"),
    })
    .collect()
}

/// The position up to which the log is sealed.
pub async fn sealed_head(database: &Database) -> i64 {
    database
        .number(
            "select coalesce(max(first_position + event_count - 1), 0)::bigint from dragoman.ledger",
        )
        .await
}

/// Lets every lease run out now. For tests that know its holder to be dead: waiting
/// would do the same.
pub async fn end_leases(database: &Database) {
    sqlx::query("update dragoman.leases set expires_at = now()")
        .execute(&mut database.connect().await)
        .await
        .expect("leases can be ended");
}

/// How many events are stored, sealed or not.
pub async fn stored(database: &Database) -> i64 {
    database
        .number("select count(*) from dragoman.events")
        .await
}

/// How many orders are stored, sealed or not.
pub(crate) async fn stored_orders(database: &Database) -> i64 {
    database
        .number(&format!(
            "select count(*) from dragoman.events where type = '{ORDERS}'"
        ))
        .await
}

/// A stretch that Kafka should have had and had not, as a projection reported it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The partition.
    pub partition: i32,
    /// How many events were filled in.
    pub events: i64,
    /// Whether nothing followed it in its partition.
    pub at_end: bool,
}

/// Every gap that a projection reported.
pub async fn gaps(database: &Database, projection: &str) -> Vec<Gap> {
    sqlx::query(
        "select partition, events, at_end from dragoman.gaps
         where projection = $1 order by partition, after_position",
    )
    .bind(projection)
    .fetch_all(&mut database.connect().await)
    .await
    .expect("gaps can be read")
    .into_iter()
    .map(|row| Gap {
        partition: row.get("partition"),
        events: row.get("events"),
        at_end: row.get("at_end"),
    })
    .collect()
}
