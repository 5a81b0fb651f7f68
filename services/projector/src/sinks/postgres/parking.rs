//! Parking: an event that fails waits with its subject, and later ones wait behind it.

use std::collections::{BTreeMap, HashSet};

use dragoman_core::subject_hash;
use sqlx::PgConnection;

use super::error::TargetError;
use super::evaluate::Evaluated;
use super::generation::Generation;

/// The subjects, with their topics, that are parked among those of a batch. Their rows
/// are held until the end of the transaction, so that none of them is drained meanwhile.
pub(super) async fn hold_among(
    connection: &mut PgConnection,
    generation: &Generation,
    events: &[Evaluated<'_>],
) -> Result<HashSet<(String, String)>, TargetError> {
    const DOING: &str = "looking for parked subjects";
    let subjects: HashSet<(&str, &str)> = events.iter().map(Evaluated::subject).collect();
    let (topics, subjects): (Vec<&str>, Vec<&str>) = subjects.into_iter().unzip();
    let parked: Vec<(String, String)> = sqlx::query_as(
        "select parked.topic, parked.subject from dragoman_projection.parked_subjects parked
         join unnest($3::text[], $4::text[]) as wanted (topic, subject)
           on wanted.topic = parked.topic and wanted.subject = parked.subject
         where parked.projection = $1 and parked.generation = $2
         order by parked.topic, parked.subject for update of parked",
    )
    .bind(&generation.projection)
    .bind(generation.number)
    .bind(topics)
    .bind(subjects)
    .fetch_all(connection)
    .await
    .map_err(TargetError::during(DOING))?;
    Ok(parked.into_iter().collect())
}

/// Parks the subjects of events that failed, each for the first of its events that did.
/// They are held: what the database or a program refuses once it refuses again.
pub(super) async fn park(
    connection: &mut PgConnection,
    generation: &Generation,
    failed: &[(&Evaluated<'_>, String)],
) -> Result<(), TargetError> {
    let mut first: BTreeMap<(&str, &str), (i64, &str)> = BTreeMap::new();
    for (event, reason) in failed {
        let position = event.event.position.0;
        let held = first
            .entry(event.subject())
            .or_insert((position, reason.as_str()));
        if position < held.0 {
            *held = (position, reason.as_str());
        }
    }
    if first.is_empty() {
        return Ok(());
    }
    let topics: Vec<&str> = first.keys().map(|(topic, _)| *topic).collect();
    let subjects: Vec<&str> = first.keys().map(|(_, subject)| *subject).collect();
    let hashes: Vec<i32> = subjects
        .iter()
        .map(|subject| subject_hash(subject))
        .collect();
    let reasons: Vec<&str> = first.values().map(|(_, reason)| *reason).collect();
    sqlx::query(
        "insert into dragoman_projection.parked_subjects
             (projection, generation, topic, subject, subject_hash, state, reason, attempts)
         select $1, $2, failed.*, 1
         from (select topic, subject, hash, 'held', reason
               from unnest($3::text[], $4::text[], $5::integer[], $6::text[])
                   as failed (topic, subject, hash, reason)) failed",
    )
    .bind(&generation.projection)
    .bind(generation.number)
    .bind(topics)
    .bind(subjects)
    .bind(hashes)
    .bind(reasons)
    .execute(connection)
    .await
    .map(|_| ())
    .map_err(TargetError::during("parking subjects"))
}

/// Lets events wait, in order, with their subjects, which are parked.
pub(super) async fn queue(
    connection: &mut PgConnection,
    generation: &Generation,
    events: &[&Evaluated<'_>],
) -> Result<(), TargetError> {
    if events.is_empty() {
        return Ok(());
    }
    let texts = |pick: fn(&'_ Evaluated<'_>) -> String| -> Vec<String> {
        events.iter().map(|event| pick(event)).collect()
    };
    let positions: Vec<i64> = events.iter().map(|event| event.event.position.0).collect();
    sqlx::query(
        "insert into dragoman_projection.parked_events
             (projection, generation, position, topic, subject, source, id, type)
         select $1, $2, event.*
         from unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[]) event",
    )
    .bind(&generation.projection)
    .bind(generation.number)
    .bind(positions)
    .bind(texts(|event| event.topic.to_owned()))
    .bind(texts(|event| event.event.event.subject.clone()))
    .bind(texts(|event| event.event.event.source.clone()))
    .bind(texts(|event| event.event.event.id.clone()))
    .bind(texts(|event| event.event.event.event_type.clone()))
    .execute(connection)
    .await
    .map(|_| ())
    .map_err(TargetError::during("letting events wait"))
}
