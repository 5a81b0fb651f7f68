//! Bringing events into the table, and finding the one that the database refuses.

use std::collections::HashSet;

use sqlx::{Connection as _, PgConnection};

use super::error::{TargetError, is_about_data};
use super::evaluate::{Evaluated, shortened};
use super::gather::gather;
use super::names::Place;
use super::upsert::upsert;
use crate::Definition;

/// Why events were not written.
#[derive(Debug)]
pub(super) enum WriteError {
    /// What one of them brings cannot be written, at least not with the others at once.
    Data(String),
    /// The database did not do it.
    Target(TargetError),
}

/// What is done when an event cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnFailure {
    /// The later events of its subject wait behind it; the others go on.
    Park,
    /// Nothing goes past it.
    Stop,
}

/// What came of writing events one way or another.
#[derive(Debug, Default)]
pub(super) struct Settled<'a, 'e> {
    /// Those that took effect.
    pub(super) applied: Vec<&'a Evaluated<'e>>,
    /// Those that could not, with the reason.
    pub(super) failed: Vec<(&'a Evaluated<'e>, String)>,
    /// Those whose subject has one that could not, before them.
    pub(super) behind: Vec<&'a Evaluated<'e>>,
}

/// Writes the rows of events, all at once. After an error the transaction is of no use.
pub(super) async fn write(
    connection: &mut PgConnection,
    definition: &Definition,
    table: &Place,
    events: &[&Evaluated<'_>],
) -> Result<(), WriteError> {
    let rows = events.iter().flat_map(|event| event.rows.iter().flatten());
    let gathered = gather(definition, rows).map_err(|error| WriteError::Data(error.0))?;
    upsert(connection, definition, table, &gathered)
        .await
        .map_err(refusal)
}

/// What a refusal of the database says: about the data, or about something else.
pub(super) fn refusal(error: sqlx::Error) -> WriteError {
    match error.as_database_error() {
        // The message alone: the detail may show the row.
        Some(refused) if is_about_data(&error) => WriteError::Data(shortened(&format!(
            "the target database refused it: {}",
            refused.message()
        ))),
        _ => WriteError::Target(TargetError::during("writing the rows")(error)),
    }
}

/// Writes events in order as far as the database takes them: as many at once as go,
/// and halves of what does not, down to the single event that is at fault. The effect is
/// that of writing them one by one.
pub(super) async fn settle<'a, 'e>(
    connection: &mut PgConnection,
    definition: &Definition,
    table: &Place,
    events: Vec<&'a Evaluated<'e>>,
    on_failure: OnFailure,
) -> Result<Settled<'a, 'e>, TargetError> {
    let mut settled = Settled::default();
    let mut parked: HashSet<(&str, &str)> = HashSet::new();
    let mut pending = vec![events];
    while let Some(batch) = pending.pop() {
        let (behind, mut batch): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .partition(|event| parked.contains(&event.subject()));
        settled.behind.extend(behind);
        match (
            in_savepoint(connection, definition, table, &batch).await?,
            &*batch,
        ) {
            (Ok(()), _) => settled.applied.extend(batch),
            (Err(reason), [event]) => {
                settled.failed.push((event, reason));
                if on_failure == OnFailure::Stop {
                    break;
                }
                parked.insert(event.subject());
            }
            (Err(_), _) => {
                let later = batch.split_off(batch.len() / 2);
                pending.push(later);
                pending.push(batch);
            }
        }
    }
    Ok(settled)
}

/// Writes events so that the transaction goes on if they are refused; the reason then.
async fn in_savepoint(
    connection: &mut PgConnection,
    definition: &Definition,
    table: &Place,
    events: &[&Evaluated<'_>],
) -> Result<Result<(), String>, TargetError> {
    const DOING: &str = "trying events apart";
    if events.is_empty() {
        return Ok(Ok(()));
    }
    let mut savepoint = connection
        .begin()
        .await
        .map_err(TargetError::during(DOING))?;
    match write(&mut savepoint, definition, table, events).await {
        Ok(()) => {
            let released = savepoint.commit().await;
            released.map_err(TargetError::during(DOING)).map(Ok)
        }
        Err(WriteError::Data(reason)) => {
            let undone = savepoint.rollback().await;
            undone
                .map_err(TargetError::during(DOING))
                .map(|()| Err(reason))
        }
        Err(WriteError::Target(error)) => Err(error),
    }
}

/// Makes constraints that wait for the commit speak at once, so that they name the event.
pub(super) async fn check_at_once(connection: &mut PgConnection) -> Result<(), TargetError> {
    sqlx::query("set constraints all immediate")
        .execute(connection)
        .await
        .map(|_| ())
        .map_err(TargetError::during("trying events apart"))
}
