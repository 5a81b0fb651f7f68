//! A transaction as applications write them into the log: sequence numbers and
//! transaction ids taken long before, the commit late, or a rollback.

use std::time::{Duration, Instant};

use rand::Rng as _;
use rand::rngs::StdRng;
use sqlx::{Executor as _, PgConnection};

use crate::Database;
use crate::sql_load::{SQL_SOURCE, publish};

/// What one transaction writes, column by column.
pub(super) struct Rows {
    ids: Vec<String>,
    types: Vec<String>,
    subjects: Vec<String>,
    data: Vec<String>,
}

/// One row.
pub(super) struct NewRow {
    pub(super) id: String,
    pub(super) event_type: String,
    pub(super) subject: String,
    pub(super) data: String,
}

impl FromIterator<NewRow> for Rows {
    fn from_iter<I: IntoIterator<Item = NewRow>>(events: I) -> Self {
        let mut rows = Self {
            ids: Vec::new(),
            types: Vec::new(),
            subjects: Vec::new(),
            data: Vec::new(),
        };
        for event in events {
            rows.ids.push(event.id);
            rows.types.push(event.event_type);
            rows.subjects.push(event.subject);
            rows.data.push(event.data);
        }
        rows
    }
}

/// When the sequence numbers of a transaction are taken.
#[derive(Clone, Copy)]
pub(super) enum Numbered<'a> {
    /// When it begins.
    AtOnce,
    /// Some time before.
    Early,
    /// So long before that something above them is sealed when it begins. It commits.
    UnderTheHead(&'a Database),
}

/// Writes the rows, and says whether they were committed. Some are inserted with sequence
/// numbers that were taken before, some published by `dragoman.publish()`.
///
/// # Errors
/// When the session ended: the rows may be there, all of them or none.
pub(super) async fn late_transaction(
    session: &mut PgConnection,
    random: &mut StdRng,
    rows: &Rows,
    numbered: Numbered<'_>,
) -> sqlx::Result<bool> {
    let seqs = take_numbers(session, rows.ids.len()).await?;
    match numbered {
        Numbered::AtOnce => {}
        Numbered::Early => pause(random, 40).await,
        Numbered::UnderTheHead(database) => until_sealed_above(database, seqs.last()).await,
    }
    let at_once = matches!(numbered, Numbered::AtOnce);
    let commits = matches!(numbered, Numbered::UnderTheHead(_));
    session.execute("begin").await?;
    if random.random_bool(0.3) {
        session.execute("select pg_current_xact_id()").await?;
        pause(random, 20).await;
    }
    if at_once && random.random_bool(0.5) {
        publish(session, &rows.ids, &rows.types, &rows.subjects, &rows.data).await?;
    } else {
        insert(session, rows, &seqs).await?;
    }
    pause(random, 10).await;
    let commits = commits || !random.random_bool(0.1);
    session
        .execute(if commits { "commit" } else { "rollback" })
        .await?;
    Ok(commits)
}

/// Takes sequence numbers, to be used later.
pub(super) async fn take_numbers(
    session: &mut PgConnection,
    count: usize,
) -> sqlx::Result<Vec<i64>> {
    let take = "select nextval('dragoman.events_seq_seq') from generate_series(1, $1)";
    sqlx::query_scalar(take)
        .bind(i64::try_from(count).unwrap_or(0))
        .fetch_all(session)
        .await
}

async fn until_sealed_above(database: &Database, seq: Option<&i64>) {
    let deadline = Instant::now() + Duration::from_secs(30);
    let high = "select max(high_seq) from dragoman.ledger";
    while Some(&database.number(high).await) <= seq {
        assert!(Instant::now() < deadline, "nothing above {seq:?} is sealed");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Lets some time pass.
pub(super) async fn pause(random: &mut StdRng, most_milliseconds: u64) {
    let pause = random.random_range(0..=most_milliseconds);
    tokio::time::sleep(Duration::from_millis(pause)).await;
}

/// Writes rows into the log under sequence numbers that were taken before.
pub(super) async fn insert(
    session: &mut PgConnection,
    rows: &Rows,
    seqs: &[i64],
) -> sqlx::Result<()> {
    sqlx::query(
        "with counted as (
             insert into dragoman.adapter_counts (adapter, received, stored, duplicate)
             values ('sql', cardinality($1::bigint[]), cardinality($1::bigint[]), 0)
         )
         insert into dragoman.events
             (seq, id, source, type, subject, subject_hash, time, adapter, content_type, data)
         overriding system value
         select seq, id, $6, type, subject, dragoman.subject_hash(subject), now(), 'sql',
                'application/json', data
         from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[])
              as event (seq, id, type, subject, data)
         order by seq",
    )
    .bind(seqs)
    .bind(&rows.ids)
    .bind(&rows.types)
    .bind(&rows.subjects)
    .bind(&rows.data)
    .bind(SQL_SOURCE)
    .execute(session)
    .await
    .map(|_| ())
}
