//! What a step stands on, found in two statements: one that finds the generation and the
//! reader, and one that looks at what they have. A step that writes locks with the first, so
//! that the second sees what is there once everything is locked.

use dragoman_core::{Identity, Position, RecordedEvent};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Row as _};

use super::checkpoints::{self, Owned};
use super::error::{ApplyError, TargetError};
use super::generation::{Generation, GenerationRow, Use};
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

/// What a step would find now.
pub(crate) struct Glance {
    /// The parked subjects of the generation.
    pub(crate) parked: Parked,
    /// Whether an operator decided about any event of this stretch of the log.
    pub(crate) any_decided: bool,
}

macro_rules! finding {
    ($sharing:literal, $holding:literal) => {
        concat!(
            "with mine as materialized (
                 select projection, number, state, mode, start_position, definition_hash,
                        table_schema, table_name, rows_in
                 from dragoman_projection.generations where projection = $1 and number = $2 ",
            $sharing,
            ")
             select mine.*, reader.id as reader
             from mine left join lateral (
                 select id from dragoman_projection.readers
                 where readers.projection = mine.projection and readers.generation = mine.number
                   and readers.key = $3 ",
            $holding,
            ") as reader on true"
        )
    };
}

/// Looks without holding anything, for one that is about to act outside of any transaction:
/// what is held until then says nothing of that moment either, and row locks alone make a
/// transaction wait for the disk. Makes sure that the newest checkpoint is the expected one.
pub(crate) async fn glance(
    connection: &mut PgConnection,
    generation: &Generation,
    usage: Use<'_>,
    whose: &Checkpoint,
    expected: Option<Position>,
    events: &[RecordedEvent],
) -> Result<Glance, ApplyError> {
    const LOOKING: &str = finding!("", "");
    let (_, reader) = find(connection, LOOKING, generation, usage, whose).await?;
    let looked = look(connection, generation, (reader, whose), events).await?;
    checkpoints::compare(looked.newest.as_ref(), expected)?;
    Ok(Glance {
        parked: looked.parked,
        any_decided: looked.decided,
    })
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
    const LOCKING: &str = finding!("for share", "for update");
    let (table, reader) = find(connection, LOCKING, generation, usage, whose).await?;
    let reader = match reader {
        Some(reader) => reader,
        None => checkpoints::introduce_and_hold(connection, generation, whose).await?,
    };
    let looked = look(connection, generation, (Some(reader), whose), events).await?;
    Ok(Standing {
        table,
        owned: Owned::as_expected(reader, looked.newest, expected)?,
        parked: looked.parked,
        any_decided: looked.decided,
    })
}

/// Where the rows are, and the reader. The generation comes before the reader, as everywhere:
/// the one is joined to the other.
async fn find(
    connection: &mut PgConnection,
    finding: &'static str,
    generation: &Generation,
    usage: Use<'_>,
    whose: &Checkpoint,
) -> Result<(Option<Place>, Option<i64>), ApplyError> {
    const DOING: &str = "finding the generation and the reader";
    let row: Option<PgRow> = sqlx::query(finding)
        .bind(&generation.projection)
        .bind(generation.number)
        .bind(checkpoints::key(whose).as_slice())
        .fetch_optional(connection)
        .await
        .map_err(TargetError::during(DOING))?;
    let found = row
        .map(|row| Ok((GenerationRow::from_row(&row)?, row.try_get("reader")?)))
        .transpose()
        .map_err(TargetError::during(DOING))?;
    let (row, reader) = found.ok_or(ApplyError::Superseded)?;
    Ok((row.rows_for(generation, usage)?, reader))
}

struct Looked {
    newest: Option<Checkpoint>,
    parked: Parked,
    decided: bool,
}

async fn look(
    connection: &mut PgConnection,
    generation: &Generation,
    (reader, whose): (Option<i64>, &Checkpoint),
    events: &[RecordedEvent],
) -> Result<Looked, TargetError> {
    const DOING: &str = "comparing the checkpoint";
    // Nobody but the owner of the reader, which this transaction is, could park a subject
    // of it between this look and the next.
    let row = sqlx::query(
        "select newest.*, parked.*,
                exists (select from dragoman_projection.decisions
                        where projection = $2 and position between $4 and $5) as decided
         from (select) as one left join lateral (
             select position, source, id, next_offset, applied
             from dragoman_projection.checkpoints
             where reader = $1 order by from_position desc limit 1
         ) as newest on true
         cross join lateral (
             select array_agg(topic) as topics, array_agg(subject) as subjects
             from (select topic, subject from dragoman_projection.parked_subjects
                   where projection = $2 and generation = $3 limit $6) as few
         ) as parked",
    )
    .bind(reader)
    .bind(&generation.projection)
    .bind(generation.number)
    .bind(events.first().map(|first| first.position.0))
    .bind(events.last().map(|last| last.position.0))
    .bind(Parked::LOOKED_AT)
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
        parked: Parked::of_columns(row)?,
        decided: row.try_get("decided")?,
    })
}
