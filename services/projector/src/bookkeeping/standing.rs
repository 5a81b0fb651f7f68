//! What a step stands on, found in two statements: one that locks, and one that looks at
//! what is there once everything is locked.

use dragoman_core::{Position, RecordedEvent};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Row as _};

use super::checkpoints::{self, Owned};
use super::error::{ApplyError, TargetError};
use super::generation::{Generation, GenerationRow, Use, generation_columns};
use super::looked::look;
use super::parked_among::Parked;
use super::place::Place;
use crate::Checkpoint;

/// What a step finds before it writes.
pub(crate) struct Standing {
    /// Where the rows of the generation are, if it has a table.
    pub(crate) table: Option<Place>,
    /// The reader, whose row is held.
    pub(crate) owned: Owned,
    /// The parked subjects of the generation.
    pub(crate) parked: Parked,
    /// Whether an operator decided about any event of this stretch of the log.
    pub(crate) any_decided: bool,
}

/// Shares the row of the generation, holds that of the reader, and makes sure that its
/// newest checkpoint is the expected one. Whoever else moves the reader waits here, and
/// then finds another checkpoint: it is looked for by a statement of its own, which sees
/// what was committed while this one waited.
pub(crate) async fn stand(
    connection: &mut PgConnection,
    generation: &Generation,
    usage: Use<'_>,
    whose: &Checkpoint,
    expected: Option<Position>,
    events: &[RecordedEvent],
) -> Result<Standing, ApplyError> {
    let (table, reader) = lock(connection, generation, usage, whose).await?;
    let reader = match reader {
        Some(reader) => reader,
        None => checkpoints::introduce_and_hold(connection, generation, whose).await?,
    };
    let looked = look(connection, generation, (reader, whose), events).await?;
    Ok(Standing {
        table,
        owned: Owned::as_expected(reader, looked.newest, expected)?,
        parked: looked.parked,
        any_decided: looked.any_decided,
    })
}

/// The generation comes before the reader, as everywhere: the one is joined to the other.
async fn lock(
    connection: &mut PgConnection,
    generation: &Generation,
    usage: Use<'_>,
    whose: &Checkpoint,
) -> Result<(Option<Place>, Option<i64>), ApplyError> {
    let row: Option<PgRow> = sqlx::query(concat!(
        "with mine as materialized (select ",
        generation_columns!(),
        " from dragoman_projection.generations where projection = $1 and number = $2
             for share
         )
         select mine.*, reader.id as reader
         from mine left join lateral (
             select id from dragoman_projection.readers
             where readers.projection = mine.projection and readers.generation = mine.number
               and readers.key = $3
             for update
         ) as reader on true"
    ))
    .bind(&generation.projection)
    .bind(generation.number)
    .bind(checkpoints::key(whose).as_slice())
    .fetch_optional(connection)
    .await
    .map_err(TargetError::during("holding the reader"))?;
    let found = row
        .map(|row| Ok((GenerationRow::from_row(&row)?, row.try_get("reader")?)))
        .transpose()
        .map_err(TargetError::during("holding the reader"))?;
    let (row, reader) = found.ok_or(ApplyError::Superseded)?;
    Ok((row.rows_for(generation, usage)?, reader))
}
