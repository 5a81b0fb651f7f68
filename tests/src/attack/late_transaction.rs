//! A transaction as applications write them into the log: sequence numbers and
//! transaction ids taken long before, the commit late, or a rollback.

use std::time::Duration;

use rand::Rng as _;
use rand::rngs::StdRng;
use sqlx::{Executor as _, PgConnection};

use crate::sql_load::SQL_SOURCE;

/// Transactions of more rows than this are meant to be seen, and always commit.
const LARGE: usize = 1_000;

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

/// Writes the rows, and says whether they were committed. Their sequence numbers may be
/// taken `early`.
///
/// # Errors
/// When the session ended: the rows may be there, all of them or none.
pub(super) async fn late_transaction(
    session: &mut PgConnection,
    random: &mut StdRng,
    rows: &Rows,
    early: bool,
) -> sqlx::Result<bool> {
    let is_large = rows.ids.len() > LARGE;
    let take = "select nextval('dragoman.events_seq_seq') from generate_series(1, $1)";
    let seqs: Vec<i64> = sqlx::query_scalar(take)
        .bind(i64::try_from(rows.ids.len()).unwrap_or(0))
        .fetch_all(&mut *session)
        .await?;
    if early {
        pause(random, if is_large { 100 } else { 40 }).await;
    }
    session.execute("begin").await?;
    if random.random_bool(0.3) {
        session.execute("select pg_current_xact_id()").await?;
        pause(random, 20).await;
    }
    insert(session, rows, &seqs).await?;
    pause(random, 10).await;
    let commits = is_large || !random.random_bool(0.1);
    session
        .execute(if commits { "commit" } else { "rollback" })
        .await?;
    Ok(commits)
}

/// Lets some time pass.
pub(super) async fn pause(random: &mut StdRng, most_milliseconds: u64) {
    let pause = random.random_range(0..=most_milliseconds);
    tokio::time::sleep(Duration::from_millis(pause)).await;
}

async fn insert(session: &mut PgConnection, rows: &Rows, seqs: &[i64]) -> sqlx::Result<()> {
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
