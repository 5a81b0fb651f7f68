//! What the event log holds: the one place here that knows the hub's tables.

use sqlx::{PgConnection, Row as _};
use tokio::sync::mpsc;

use crate::history::is_poison;
use crate::{Database, ORDERS};

/// So many events of the log are read at once, and a batch more.
const PART: i32 = 20_000;

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

impl Fact {
    pub(crate) fn is_order(&self) -> bool {
        self.event_type == ORDERS
    }

    /// Whether no table of a projection has room for it.
    pub(crate) fn is_poison(&self) -> bool {
        let number = self
            .id
            .strip_prefix("event-")
            .and_then(|number| number.parse().ok());
        number.is_some_and(is_poison)
    }
}

/// The positions of the events that wait in a projection, in order.
pub(crate) async fn parked(target: &Database, projection: &str) -> Vec<i64> {
    let found = sqlx::query_scalar(
        "select parked.position from dragoman_projection.parked_events as parked
         join dragoman_projection.generations as generation
           on generation.projection = parked.projection and generation.number = parked.generation
         where parked.projection = $1 and generation.state = 'live' order by parked.position",
    )
    .bind(projection)
    .fetch_all(&mut target.connect().await)
    .await;
    match found {
        Ok(positions) => positions,
        // No projection has been there yet.
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42P01") => Vec::new(),
        Err(error) => panic!("parked events cannot be read: {error}"),
    }
}

/// Everything that is sealed, by position.
pub async fn read_log(database: &Database) -> Vec<Fact> {
    facts(&mut database.connect().await, 1, i64::MAX).await
}

/// Everything that is sealed, by position, part by part: for a log that memory should not
/// hold.
pub(crate) fn sealed_in_parts(database: &Database) -> mpsc::Receiver<Vec<Fact>> {
    let (hand_over, parts) = mpsc::channel(4);
    let database = database.clone();
    tokio::spawn(async move {
        let mut session = database.connect().await;
        let batches: Vec<(i64, i32)> =
            sqlx::query_as("select batch, event_count from dragoman.ledger order by batch")
                .fetch_all(&mut session)
                .await
                .expect("the ledger can be read");
        let mut rest = batches.as_slice();
        while let Some((first, _)) = rest.first() {
            let mut events = 0;
            let fits = |(_, count): &&(i64, i32)| {
                let has_room = events < PART;
                events += count;
                has_room
            };
            let taken = rest.iter().take_while(fits).count();
            let last = rest[taken - 1].0;
            rest = &rest[taken..];
            let facts = facts(&mut session, *first, last).await;
            if hand_over.send(facts).await.is_err() {
                return;
            }
        }
    });
    parts
}

/// The events of some batches, by position.
async fn facts(session: &mut PgConnection, first: i64, last: i64) -> Vec<Fact> {
    sqlx::query(
        "select position, id, type, subject, data from dragoman.sealed_events
         where batch >= $1 and batch <= $2 order by position",
    )
    .bind(first)
    .bind(last)
    .fetch_all(session)
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
    try_to_end_leases(database)
        .await
        .expect("leases can be ended");
}

/// The same, if the database is there.
pub(crate) async fn try_to_end_leases(database: &Database) -> sqlx::Result<()> {
    sqlx::query("update dragoman.leases set expires_at = now()")
        .execute(&mut database.try_connect().await?)
        .await
        .map(|_| ())
}

/// Lets one lease run out now, as [`end_leases`] does with all.
pub(crate) async fn end_lease(database: &Database, name: &str) {
    sqlx::query("update dragoman.leases set expires_at = now() where name = $1")
        .bind(name)
        .execute(&mut database.connect().await)
        .await
        .expect("a lease can be ended");
}

/// How many orders are sealed from one position to another, both included.
pub(crate) async fn sealed_orders(database: &Database, from: i64, to: i64) -> usize {
    let orders: i64 = sqlx::query_scalar(
        "select count(*) from dragoman.sealed_events
         where type = $1 and position between $2 and $3",
    )
    .bind(ORDERS)
    .bind(from)
    .bind(to)
    .fetch_one(&mut database.connect().await)
    .await
    .expect("the log can be read");
    usize::try_from(orders).unwrap_or(0)
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
