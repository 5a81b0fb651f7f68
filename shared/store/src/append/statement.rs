//! The two statements. Written so that no plan of theirs can turn bad while a table
//! grows under a prepared statement: membership is looked up in hashed sub-plans
//! (`(… in (…)) is true` is never made a join), and the classifying one, which probes
//! the index of keys, is planned anew each time.

use std::collections::HashSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use dragoman_faults::{Bug, planted};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::types::Json;
use sqlx::{Postgres, Row as _};

use super::rows::Row;
use crate::Store;
use crate::doorbell::ring;

/// What a statement says of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowOutcome {
    /// It is in the log now.
    Stored,
    /// It was in the log, with the same content.
    Duplicate,
    /// Its key stands for other content, since then.
    Conflict(DateTime<Utc>),
    /// Its key is taken; by what, the next statement sees.
    Undecided,
}

/// Inserts the events that are in `fresh`; parameters 1 and 2 are source and id.
macro_rules! insert_fresh_events {
    () => {
        "insert into dragoman.events
             (id, source, type, subject, subject_hash, time, adapter, content_type,
              traceparent, extensions, data)
         select id, source, type, subject, subject_hash, time, adapter, content_type,
                traceparent, extensions, data
         from unnest($1::text[], $2::text[], $5::text[], $6::int4[], $7::text[], $8::text[],
                     $9::int4[], $10::timestamptz[], $11::text[], $12::text[], $13::jsonb[],
                     $14::text[])
              with ordinality as event (source, id, adapter, copies, type, subject,
                     subject_hash, time, content_type, traceparent, extensions, data, place)
         where (place in (select place from fresh)) is true
         order by place"
    };
}

/// Takes the keys that are free, in order, and stores their events. $16: nothing at all if
/// one of the keys was not free.
const INSERT_NEW: &str = concat!(
    "with keyed as (
         insert into dragoman.event_keys (source, id, content_hash)
         select source, id, content_hash
         from unnest($1::text[], $2::text[], $3::bytea[], $4::int4[])
              as key (source, id, content_hash, rank)
         where (select set_config('lock_timeout', $15, true)) is not null
         order by rank
         on conflict do nothing
         returning source, id
     ), fresh as materialized (
         select place, adapter, copies
         from unnest($1::text[], $2::text[], $5::text[], $6::int4[])
              with ordinality as key (source, id, adapter, copies, place)
         where ((source, id) in (select source, id from keyed)) is true
           and case when $16 and (select count(*) from keyed) < cardinality($1)
                    then dragoman.append_again() else true end
     ), logged as (",
    insert_fresh_events!(),
    "), counted as (
         insert into dragoman.adapter_counts (adapter, received, stored, duplicate)
         select adapter, sum(1 + copies), count(*), sum(copies) from fresh group by adapter
     )
     select place, true as stored, true as same, null::timestamptz as stored_at, (",
    ring!(),
    ") is not null as rung from fresh"
);

/// The planted bug [`Bug::DedupeCheckThenInsert`]: asks which keys are there, and then
/// stores the events of the others, whether it was the one to take their keys or not.
const INSERT_UNSEEN: &str = concat!(
    "with unseen as materialized (
         select place, adapter, copies, source, id, content_hash
         from unnest($1::text[], $2::text[], $5::text[], $6::int4[], $3::bytea[])
              with ordinality as key (source, id, adapter, copies, content_hash, place)
         where not exists (select from dragoman.event_keys as known
                           where known.source = key.source and known.id = key.id)
           and $4::int4[] is not null and $15::text is not null and $16::bool is not null
           and (select pg_sleep(0.02)) is not null
     ), keyed as (
         insert into dragoman.event_keys (source, id, content_hash)
         select source, id, content_hash from unseen order by source, id
         on conflict do nothing
     ), fresh as materialized (
         select place, adapter, copies from unseen
     ), logged as (",
    insert_fresh_events!(),
    "), counted as (
         insert into dragoman.adapter_counts (adapter, received, stored, duplicate)
         select adapter, sum(1 + copies), count(*), sum(copies) from fresh group by adapter
     )
     select place, true as stored, true as same, null::timestamptz as stored_at, (",
    ring!(),
    ") is not null as rung from fresh"
);

/// Looks up the keys that are known, takes those that are free, and says of each row
/// which it was. $16: nothing at all if one row has a key that stands for other
/// content, or that a concurrent statement has just taken.
const INSERT_AND_CLASSIFY: &str = concat!(
    "with input as materialized (
         select *
         from unnest($1::text[], $2::text[], $3::bytea[], $4::int4[], $5::text[], $6::int4[],
                     $17::bool[])
              with ordinality as key (source, id, content_hash, rank, adapter, copies, first, place)
         where (select set_config('lock_timeout', $15, true)) is not null
     ), known as materialized (
         select input.place, input.adapter, input.copies, found.stored_at,
                found.content_hash = input.content_hash as same
         from input cross join lateral (
             select key.content_hash, key.stored_at from dragoman.event_keys as key
             where key.source = input.source and key.id = input.id limit 1
         ) as found
     ), refused as materialized (
         select 1 as whole where $16 and exists (select from known where not same)
     ), wanted as materialized (
         select * from input
         where first and (place in (select place from known)) is not true
           and not exists (select from refused)
     ), keyed as (
         insert into dragoman.event_keys (source, id, content_hash)
         select source, id, content_hash from wanted order by rank
         on conflict do nothing
         returning source, id
     ), fresh as materialized (
         select place, adapter, copies from wanted
         where ((source, id) in (select source, id from keyed)) is true
     ), logged as (",
    insert_fresh_events!(),
    "), counted as (
         insert into dragoman.adapter_counts (adapter, received, stored, duplicate)
         select adapter, sum(1 + copies), sum(stored), sum(1 + copies - stored)
         from (select adapter, copies, 1 as stored from fresh
               union all
               select adapter, copies, 0 from known
               where same and not exists (select from refused)) as ends
         group by adapter
     )
     select place, true as stored, true as same, null::timestamptz as stored_at, (",
    ring!(),
    ") is not null as rung from fresh
     union all
     select place, false, same, stored_at, false from known
     union all
     select 0, false, false, null, false
     where case when $16 and (select count(*) from fresh) < (select count(*) from wanted)
                then dragoman.append_again() else false end"
);

impl Store {
    /// Stores the rows whose keys are free. Of several rows with one key the first is
    /// tried; the others are undecided.
    pub(super) async fn insert_new(
        &self,
        rows: &[Row<'_>],
        patience: Duration,
    ) -> sqlx::Result<Vec<RowOutcome>> {
        let first = first_of_their_key(rows);
        let places: Vec<usize> = (0..rows.len())
            .filter(|at| first.get(*at) == Some(&true))
            .collect();
        let tried: Vec<&Row<'_>> = places.iter().filter_map(|at| rows.get(*at)).collect();
        let statement = if planted(Bug::DedupeCheckThenInsert) {
            INSERT_UNSEEN
        } else {
            INSERT_NEW
        };
        let query = bind_rows(sqlx::query(statement), &tried, patience).bind(false);
        let found = query.fetch_all(&self.pool).await?;
        let mut outcomes = vec![RowOutcome::Undecided; rows.len()];
        for (place, outcome) in read(&found)? {
            let place = places.get(place).copied().unwrap_or(usize::MAX);
            if let Some(slot) = outcomes.get_mut(place) {
                *slot = outcome;
            }
        }
        Ok(outcomes)
    }

    /// Stores all rows, each of which has a key of its own. When one of the keys was not
    /// free, nothing is stored: either [`APPEND_AGAIN`](super::APPEND_AGAIN) is raised or,
    /// when none was free and there was no row to raise it for, false is returned.
    pub(super) async fn insert_all_new(
        &self,
        rows: &[&Row<'_>],
        patience: Duration,
    ) -> sqlx::Result<bool> {
        bind_rows(sqlx::query(INSERT_NEW), rows, patience)
            .bind(true)
            .execute(&self.pool)
            .await
            .map(|done| usize::try_from(done.rows_affected()) == Ok(rows.len()))
    }

    /// Stores the rows whose keys are free, and says what the others meet. Whole: all
    /// rows are stored or known, or nothing is stored.
    pub(super) async fn insert_and_classify(
        &self,
        rows: &[Row<'_>],
        whole: bool,
        patience: Duration,
    ) -> sqlx::Result<Vec<RowOutcome>> {
        let all: Vec<&Row<'_>> = rows.iter().collect();
        let found = bind_rows(sqlx::query(INSERT_AND_CLASSIFY), &all, patience)
            .bind(whole)
            .bind(first_of_their_key(rows))
            .persistent(false)
            .fetch_all(&self.pool)
            .await?;
        let mut outcomes = vec![RowOutcome::Undecided; rows.len()];
        for (place, outcome) in read(&found)? {
            if let Some(slot) = outcomes.get_mut(place) {
                *slot = outcome;
            }
        }
        Ok(outcomes)
    }
}

/// Which rows are the first of their key in this statement.
fn first_of_their_key(rows: &[Row<'_>]) -> Vec<bool> {
    let mut keys = HashSet::with_capacity(rows.len());
    rows.iter().map(|row| keys.insert(row.key())).collect()
}

type Statement = Query<'static, Postgres, PgArguments>;

fn bind_rows(query: Statement, rows: &[&Row<'_>], patience: Duration) -> Statement {
    let copies: Vec<i32> = rows
        .iter()
        .map(|row| i32::try_from(row.members.len() - 1).unwrap_or(i32::MAX))
        .collect();
    let hashes: Vec<&[u8]> = rows.iter().map(|row| row.content_hash.as_slice()).collect();
    let extensions: Vec<Option<_>> = rows
        .iter()
        .map(|row| Some(Json(&row.event.extensions)).filter(|json| !json.0.is_empty()))
        .collect();
    let traceparents: Vec<Option<&str>> = rows
        .iter()
        .map(|row| row.event.traceparent.as_deref())
        .collect();
    let times: Vec<DateTime<Utc>> = rows.iter().map(|row| row.event.time).collect();
    let subject_hashes: Vec<i32> = rows.iter().map(|row| row.event.subject_hash()).collect();
    query
        .bind(texts(rows, |row| &row.event.source))
        .bind(texts(rows, |row| &row.event.id))
        .bind(hashes)
        .bind(ranks(rows))
        .bind(texts(rows, |row| row.adapter))
        .bind(copies)
        .bind(texts(rows, |row| &row.event.event_type))
        .bind(texts(rows, |row| &row.event.subject))
        .bind(subject_hashes)
        .bind(times)
        .bind(texts(rows, |row| &row.event.content_type))
        .bind(traceparents)
        .bind(extensions)
        .bind(texts(rows, |row| &row.event.data))
        .bind(format!("{}ms", patience.as_millis()))
}

fn texts<'r>(rows: &'r [&Row<'_>], pick: fn(&'r Row<'_>) -> &'r str) -> Vec<&'r str> {
    rows.iter().map(|row| pick(row)).collect()
}

/// The place of each row in the order of the keys. The same order in every process,
/// so that two statements never wait for each other in a circle.
fn ranks(rows: &[&Row<'_>]) -> Vec<i32> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_unstable_by_key(|at| rows.get(*at).map(|row| row.key()));
    let mut ranks = vec![0; rows.len()];
    for (rank, at) in order.into_iter().enumerate() {
        if let Some(slot) = ranks.get_mut(at) {
            *slot = i32::try_from(rank).unwrap_or(i32::MAX);
        }
    }
    ranks
}

/// Places (from 0) and outcomes of the rows that the statement speaks of.
fn read(found: &[PgRow]) -> sqlx::Result<Vec<(usize, RowOutcome)>> {
    found
        .iter()
        .map(|row| {
            let place: i64 = row.try_get("place")?;
            let stored: bool = row.try_get("stored")?;
            let same: bool = row.try_get("same")?;
            let stored_at: Option<DateTime<Utc>> = row.try_get("stored_at")?;
            let outcome = match (stored, same, stored_at) {
                (true, _, _) => RowOutcome::Stored,
                (false, true, _) => RowOutcome::Duplicate,
                (false, false, Some(stored_at)) => RowOutcome::Conflict(stored_at),
                (false, false, None) => RowOutcome::Undecided,
            };
            Ok((usize::try_from(place - 1).unwrap_or(usize::MAX), outcome))
        })
        .collect()
}
