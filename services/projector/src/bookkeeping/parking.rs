//! Parking: an event that fails waits with its subject, and later ones wait behind it.

use std::collections::BTreeMap;
use std::time::Duration;

use dragoman_core::subject_hash;
use sqlx::PgConnection;

use super::error::TargetError;
use super::followed::Followed;
use super::generation::Generation;
use super::parked::ParkedState;

/// An event that did not take effect, and what is to become of its subject.
#[derive(Debug, Clone)]
pub(crate) struct Failed<'e> {
    pub(crate) event: Followed<'e>,
    pub(crate) failure: Failure,
}

/// Why an event did not take effect, and whether it is tried again by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) reason: String,
    /// After how long it is tried again; `None`: an operator has to say so, because what
    /// refuses it once refuses it again.
    pub(crate) again: Option<Duration>,
}

impl Failure {
    /// One that waits for an operator.
    pub(crate) fn held(reason: String) -> Self {
        Self {
            reason,
            again: None,
        }
    }

    pub(crate) const fn state(&self) -> ParkedState {
        match self.again {
            Some(_) => ParkedState::Retrying,
            None => ParkedState::Held,
        }
    }

    /// As the database takes it.
    pub(crate) fn again_in_seconds(&self) -> Option<f64> {
        self.again.map(|after| after.as_secs_f64())
    }
}

/// Parks the subjects of events that failed, each for the first of its events that did.
pub(crate) async fn park(
    connection: &mut PgConnection,
    generation: &Generation,
    failed: &[Failed<'_>],
) -> Result<(), TargetError> {
    let mut first: BTreeMap<(&str, &str), &Failed<'_>> = BTreeMap::new();
    for one in failed {
        let held = first.entry(one.event.subject()).or_insert(one);
        if one.event.event.position < held.event.event.position {
            *held = one;
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
    let failures = || first.values().map(|one| &one.failure);
    let states: Vec<&str> = failures().map(|one| one.state().as_str()).collect();
    let reasons: Vec<&str> = failures().map(|one| one.reason.as_str()).collect();
    let again: Vec<Option<f64>> = failures().map(Failure::again_in_seconds).collect();
    sqlx::query(
        "insert into dragoman_projection.parked_subjects
             (projection, generation, topic, subject, subject_hash, state, reason, next_attempt, attempts)
         select $1, $2, topic, subject, hash, state, reason,
                clock_timestamp() + again * interval '1 second', 1
         from unnest($3::text[], $4::text[], $5::integer[], $6::text[], $7::text[], $8::double precision[])
             as failed (topic, subject, hash, state, reason, again)",
    )
    .bind(&generation.projection)
    .bind(generation.number)
    .bind(topics)
    .bind(subjects)
    .bind(hashes)
    .bind(states)
    .bind(reasons)
    .bind(again)
    .execute(connection)
    .await
    .map(|_| ())
    .map_err(TargetError::during("parking subjects"))
}

/// Lets events wait, in order, with their subjects, which are parked.
pub(crate) async fn queue(
    connection: &mut PgConnection,
    generation: &Generation,
    events: &[Followed<'_>],
) -> Result<(), TargetError> {
    if events.is_empty() {
        return Ok(());
    }
    let texts =
        |pick: fn(&Followed<'_>) -> String| -> Vec<String> { events.iter().map(pick).collect() };
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
