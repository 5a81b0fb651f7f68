//! What a step stands on, found in two statements: one that locks, and one that looks at
//! what is there once everything is locked.

use dragoman_core::{Identity, Position, RecordedEvent};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Row as _};

use super::checkpoints::{self, Owned};
use super::error::{ApplyError, TargetError};
use super::generation::{Generation, GenerationRow, Use};
use super::place::Place;
use crate::Checkpoint;

/// What a step finds before it writes.
pub(crate) struct Standing {
    /// Where the rows of the generation are, if it has a table.
    pub(crate) table: Option<Place>,
    /// The reader, whose row is held.
    pub(crate) owned: Owned,
    /// Whether any subject of the generation is parked.
    pub(crate) any_parked: bool,
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
        any_parked: looked.parked,
        any_decided: looked.decided,
    })
}

/// The generation comes before the reader, as everywhere: the one is joined to the other.
async fn lock(
    connection: &mut PgConnection,
    generation: &Generation,
    usage: Use<'_>,
    whose: &Checkpoint,
) -> Result<(Option<Place>, Option<i64>), ApplyError> {
    let row: Option<PgRow> = sqlx::query(
        "with mine as materialized (
             select projection, number, state, mode, start_position, definition_hash,
                    table_schema, table_name, rows_in
             from dragoman_projection.generations where projection = $1 and number = $2
             for share
         )
         select mine.*, reader.id as reader
         from mine left join lateral (
             select id from dragoman_projection.readers
             where readers.projection = mine.projection and readers.generation = mine.number
               and readers.key = $3
             for update
         ) as reader on true",
    )
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

struct Looked {
    newest: Option<Checkpoint>,
    parked: bool,
    decided: bool,
}

async fn look(
    connection: &mut PgConnection,
    generation: &Generation,
    (reader, whose): (i64, &Checkpoint),
    events: &[RecordedEvent],
) -> Result<Looked, TargetError> {
    const DOING: &str = "comparing the checkpoint";
    // Nobody but the owner of the reader, which this transaction is, could park a subject
    // of it between this look and the next.
    let row = sqlx::query(
        "select newest.*,
                exists (select from dragoman_projection.parked_subjects
                        where projection = $2 and generation = $3) as parked,
                exists (select from dragoman_projection.decisions
                        where projection = $2 and position between $4 and $5) as decided
         from (select) as one left join lateral (
             select position, source, id, next_offset, applied
             from dragoman_projection.checkpoints
             where reader = $1 order by from_position desc limit 1
         ) as newest on true",
    )
    .bind(reader)
    .bind(&generation.projection)
    .bind(generation.number)
    .bind(events.first().map(|first| first.position.0))
    .bind(events.last().map(|last| last.position.0))
    .fetch_one(connection)
    .await
    .map_err(TargetError::during(DOING))?;
    looked(&row, whose).map_err(TargetError::during(DOING))
}

fn looked(row: &PgRow, whose: &Checkpoint) -> sqlx::Result<Looked> {
    let position: Option<i64> = row.try_get("position")?;
    let newest = match position.map(Position) {
        None => None,
        Some(position) => {
            let source: Option<String> = row.try_get("source")?;
            let id: Option<String> = row.try_get("id")?;
            Some(Checkpoint {
                reader: whose.reader.clone(),
                types: whose.types.clone(),
                position,
                identity: source.zip(id).map(|(source, id)| Identity {
                    position,
                    source,
                    id,
                }),
                next_offset: row.try_get("next_offset")?,
                applied: row.try_get("applied")?,
            })
        }
    };
    Ok(Looked {
        newest,
        parked: row.try_get("parked")?,
        decided: row.try_get("decided")?,
    })
}
