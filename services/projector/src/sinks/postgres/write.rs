//! Letting events take effect, and finding the one that the database refuses.

use std::collections::HashSet;

use sqlx::{Connection as _, PgConnection};

use super::destination::Destination;
use super::evaluate::{Evaluated, Row, Work};
use super::gather::gather;
use super::statements::execute;
use super::upsert::upsert;
use crate::bookkeeping::error::{TargetError, is_about_data};
use crate::bookkeeping::reason::shortened;

pub(super) const WRITING: &str = "writing the rows";

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
    /// Everything else goes on, those of its subject too.
    PassOver,
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

impl<'a, 'e> Settled<'a, 'e> {
    /// All of them took effect.
    pub(super) fn all(events: &[&'a Evaluated<'e>]) -> Self {
        Self {
            applied: events.to_vec(),
            ..Self::default()
        }
    }

    fn take_in(&mut self, more: Self) {
        self.applied.extend(more.applied);
        self.failed.extend(more.failed);
        self.behind.extend(more.behind);
    }
}

/// Lets events take effect, all at once; those that fail by themselves, whatever the
/// database says, are among what is answered. After an error the transaction is of no
/// use.
pub(super) async fn write<'a, 'e>(
    connection: &mut PgConnection,
    destination: Destination<'_>,
    events: &[&'a Evaluated<'e>],
    on_failure: OnFailure,
) -> Result<Settled<'a, 'e>, WriteError> {
    match destination {
        Destination::Table(effect, columns, table) => {
            let gathered =
                gather(columns, rows_of(events)).map_err(|error| WriteError::Data(error.0))?;
            let written = upsert(connection, effect, table, &gathered).await;
            written.map_err(refusal(WRITING))?;
            Ok(Settled::all(events))
        }
        Destination::Folded(table) => {
            let folded = table.fold(connection, events, on_failure).await;
            folded.map_err(refusal(WRITING))
        }
        Destination::Statements => {
            let executed = execute(connection, events).await;
            executed.map_err(refusal("executing a statement"))?;
            Ok(Settled::all(events))
        }
    }
}

fn rows_of<'a>(events: &[&'a Evaluated<'_>]) -> impl Iterator<Item = &'a Row> {
    events.iter().copied().flat_map(|event| match &event.work {
        Ok(Work::Rows(rows)) => rows.as_slice(),
        Ok(Work::Fold(_) | Work::Statement(_)) | Err(_) => [].as_slice(),
    })
}

/// What a refusal of the database says: about the data, or about something else.
pub(super) fn refusal(doing: &'static str) -> impl FnOnce(sqlx::Error) -> WriteError {
    move |error| match error.as_database_error() {
        // The message alone: the detail may show the row.
        Some(refused) if is_about_data(&error) => WriteError::Data(shortened(&format!(
            "the target database refused it: {}",
            refused.message()
        ))),
        _ => WriteError::Target(TargetError::during(doing)(error)),
    }
}

/// Lets events take effect in order as far as the database takes them: as many at once
/// as go, and halves of what does not, down to the single event that is at fault. The
/// effect is that of writing them one by one.
pub(super) async fn settle<'a, 'e>(
    connection: &mut PgConnection,
    destination: Destination<'_>,
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
        let part = match (
            in_savepoint(connection, destination, &batch, on_failure).await?,
            &*batch,
        ) {
            (Ok(part), _) => part,
            (Err(reason), [event]) => Settled {
                failed: vec![(*event, reason)],
                ..Settled::default()
            },
            (Err(_), _) => {
                let later = batch.split_off(batch.len() / 2);
                pending.push(later);
                pending.push(batch);
                continue;
            }
        };
        let stops = on_failure == OnFailure::Stop && !part.failed.is_empty();
        if on_failure == OnFailure::Park {
            parked.extend(part.failed.iter().map(|(event, _)| event.subject()));
        }
        settled.take_in(part);
        if stops {
            break;
        }
    }
    Ok(settled)
}

/// Lets events take effect so that the transaction goes on if they are refused; the
/// reason then.
async fn in_savepoint<'a, 'e>(
    connection: &mut PgConnection,
    destination: Destination<'_>,
    events: &[&'a Evaluated<'e>],
    on_failure: OnFailure,
) -> Result<Result<Settled<'a, 'e>, String>, TargetError> {
    const DOING: &str = "trying events apart";
    if events.is_empty() {
        return Ok(Ok(Settled::default()));
    }
    let mut savepoint = connection
        .begin()
        .await
        .map_err(TargetError::during(DOING))?;
    match write(&mut savepoint, destination, events, on_failure).await {
        Ok(settled) => {
            let released = savepoint.commit().await;
            released
                .map_err(TargetError::during(DOING))
                .map(|()| Ok(settled))
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
