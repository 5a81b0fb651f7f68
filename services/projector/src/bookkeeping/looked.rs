//! What a projection looks at before events take effect: how far its reader has come, what is
//! parked, and whether anything was decided about them.

use dragoman_core::{Position, RecordedEvent};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{PgConnection, Postgres, Row as _};

use super::checkpoints;
use super::error::{ApplyError, TargetError};
use super::generation::{Generation, GenerationRow, Use, generation_columns};
use super::parked_among::Parked;
use crate::Checkpoint;

/// What was there at a look.
pub(crate) struct Looked {
    /// The newest checkpoint of the reader.
    pub(crate) newest: Option<Checkpoint>,
    /// The parked subjects of the generation.
    pub(crate) parked: Parked,
    /// Whether an operator decided about any event of this stretch of the log.
    pub(crate) any_decided: bool,
}

/// The generation is $1 and $2, the stretch of the log $4 to $5.
macro_rules! looking {
    ($columns:literal, $from:expr, $reader:literal) => {
        concat!(
            "select ",
            $columns,
            " newest.*, parked.*,
                exists (select from dragoman_projection.decisions
                        where projection = $1 and position between $4 and $5) as decided
             from ",
            $from,
            " left join lateral (
                 select position, source, id, next_offset, applied
                 from dragoman_projection.checkpoints
                 where reader = ",
            $reader,
            "    order by from_position desc limit 1
             ) as newest on true
             cross join lateral (
                 select array_agg(topic) as topics, array_agg(subject) as subjects
                 from (select topic, subject from dragoman_projection.parked_subjects
                       where projection = $1 and generation = $2 limit $6) as few
             ) as parked"
        )
    };
}

/// Looks for the reader `id`, whose row is held: nobody else moves it, or parks a subject of
/// it, before the transaction ends.
pub(crate) async fn look(
    connection: &mut PgConnection,
    generation: &Generation,
    (id, whose): (i64, &Checkpoint),
    events: &[RecordedEvent],
) -> Result<Looked, TargetError> {
    const LOOKING: &str = looking!("", "(select) as one", "$3");
    const DOING: &str = "comparing the checkpoint";
    let asked = sqlx::query(LOOKING)
        .bind(&generation.projection)
        .bind(generation.number)
        .bind(id);
    let row = about(asked, events).fetch_one(connection).await;
    row.and_then(|row| looked(&row, whose))
        .map_err(TargetError::during(DOING))
}

/// Looks for a reader, and holds nothing: for one that is about to act outside of any
/// transaction. What would be held until then says nothing of that moment either, and row
/// locks alone make a transaction wait for the disk. What was seen may be otherwise at any
/// time, and whoever writes down what came of the acts looks again, with the reader held.
///
/// # Errors
/// [`ApplyError::Superseded`] when the generation is not what the caller holds it for,
/// [`ApplyError::LostOwnership`] when the newest checkpoint is not the expected one; and
/// [`TargetError::ReadOnly`] where nothing can be written down.
pub(crate) async fn look_ahead(
    connection: &mut PgConnection,
    generation: &Generation,
    usage: Use<'_>,
    whose: &Checkpoint,
    expected: Option<Position>,
    events: &[RecordedEvent],
) -> Result<Looked, ApplyError> {
    const LOOKING: &str = looking!(
        "mine.*, current_setting('transaction_read_only')::boolean as read_only,",
        concat!(
            "(select ",
            generation_columns!(),
            " from dragoman_projection.generations where projection = $1 and number = $2) as mine
             left join dragoman_projection.readers as reader
               on reader.projection = $1 and reader.generation = $2 and reader.key = $3"
        ),
        "reader.id"
    );
    const DOING: &str = "looking before events are sent";
    let asked = sqlx::query(LOOKING)
        .bind(&generation.projection)
        .bind(generation.number)
        .bind(checkpoints::key(whose).to_vec());
    let row = about(asked, events)
        .fetch_optional(connection)
        .await
        .map_err(TargetError::during(DOING))?
        .ok_or(ApplyError::Superseded)?;
    GenerationRow::writable(&row, DOING)?.rows_for(generation, usage)?;
    let looked = looked(&row, whose).map_err(TargetError::during(DOING))?;
    checkpoints::compare(looked.newest.as_ref(), expected)?;
    Ok(looked)
}

fn about<'q>(
    asked: Query<'q, Postgres, PgArguments>,
    events: &[RecordedEvent],
) -> Query<'q, Postgres, PgArguments> {
    asked
        .bind(events.first().map(|first| first.position.0))
        .bind(events.last().map(|last| last.position.0))
        .bind(Parked::LOOKED_AT)
}

fn looked(row: &PgRow, whose: &Checkpoint) -> sqlx::Result<Looked> {
    let position: Option<i64> = row.try_get("position")?;
    let newest = match position.map(Position) {
        None => None,
        Some(position) => Some(Checkpoint {
            reader: whose.reader.clone(),
            types: whose.types.clone(),
            position,
            identity: checkpoints::identity_of(row, position)?,
            next_offset: row.try_get("next_offset")?,
            applied: row.try_get("applied")?,
        }),
    };
    Ok(Looked {
        newest,
        parked: Parked::of_columns(row)?,
        any_decided: row.try_get("decided")?,
    })
}
