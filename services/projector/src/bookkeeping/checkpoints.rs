//! Owner records: how far each reader has come, append-only, the newest counts.

use dragoman_core::{Identity, Position};
use dragoman_faults::{Bug, planted};
use sha2::{Digest as _, Sha256};
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Row as _};

use super::error::{ApplyError, TargetError};
use super::generation::Generation;
use crate::{Checkpoint, Reader};

/// Where a reader moves on from that has no checkpoint yet.
const NOWHERE: i64 = -1;

struct CheckpointRow(Checkpoint);

impl FromRow<'_, PgRow> for CheckpointRow {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let position = Position(row.try_get("position")?);
        let topic: Option<String> = row.try_get("topic")?;
        let types: Vec<String> = row.try_get("types")?;
        Ok(Self(Checkpoint {
            reader: match topic {
                Some(topic) => Reader::Partition {
                    topic,
                    partition: row.try_get("partition")?,
                    partitions: row.try_get("partitions")?,
                },
                None => Reader::Ledger,
            },
            types: types.into_iter().collect(),
            position,
            identity: identity_of(row, position)?,
            next_offset: row.try_get("next_offset")?,
            applied: row.try_get("applied")?,
        }))
    }
}

/// Who the event at a checkpoint's position is, if its row says so.
pub(crate) fn identity_of(row: &PgRow, position: Position) -> sqlx::Result<Option<Identity>> {
    let source: Option<String> = row.try_get("source")?;
    let id: Option<String> = row.try_get("id")?;
    Ok(source.zip(id).map(|(source, id)| Identity {
        position,
        source,
        id,
    }))
}

/// The newest checkpoint of every reader that a generation ever had.
pub(crate) async fn newest(
    connection: &mut PgConnection,
    generation: &Generation,
) -> Result<Vec<Checkpoint>, TargetError> {
    let rows: Vec<CheckpointRow> = sqlx::query_as(
        "select reader.topic, reader.partition, reader.partitions, reader.types,
                newest.position, newest.source, newest.id, newest.next_offset, newest.applied
         from dragoman_projection.readers reader
         cross join lateral (
             select * from dragoman_projection.checkpoints
             where checkpoints.reader = reader.id order by from_position desc limit 1
         ) newest
         where reader.projection = $1 and reader.generation = $2
         order by reader.topic nulls first, reader.partition, reader.id",
    )
    .bind(&generation.projection)
    .bind(generation.number)
    .fetch_all(connection)
    .await
    .map_err(TargetError::during("reading the checkpoints"))?;
    Ok(rows.into_iter().map(|row| row.0).collect())
}

/// A reader whose row is held until the end of the transaction.
#[derive(Debug)]
pub(crate) struct Owned {
    reader: i64,
    /// Its newest checkpoint.
    pub(crate) newest: Option<Checkpoint>,
}

impl Owned {
    /// A reader whose row is held and whose newest checkpoint was read since.
    ///
    /// # Errors
    /// [`ApplyError::LostOwnership`] when that is not where it is expected.
    pub(crate) fn as_expected(
        reader: i64,
        newest: Option<Checkpoint>,
        expected: Option<Position>,
    ) -> Result<Self, ApplyError> {
        compare(newest.as_ref(), expected)?;
        Ok(Self { reader, newest })
    }

    fn position(&self) -> i64 {
        self.newest
            .as_ref()
            .map_or(NOWHERE, |newest| newest.position.0)
    }
}

/// Whether a reader's newest checkpoint is where it is expected.
///
/// # Errors
/// [`ApplyError::LostOwnership`] when it is not.
pub(crate) fn compare(
    newest: Option<&Checkpoint>,
    expected: Option<Position>,
) -> Result<(), ApplyError> {
    let moved = newest.map(|newest| newest.position) != expected;
    if moved && !planted(Bug::NoCompareAndSet) {
        return Err(ApplyError::LostOwnership);
    }
    Ok(())
}

/// Writes down a reader that is new, and holds its row.
pub(crate) async fn introduce_and_hold(
    connection: &mut PgConnection,
    generation: &Generation,
    whose: &Checkpoint,
) -> Result<i64, ApplyError> {
    introduce(connection, generation, whose).await?;
    hold(connection, generation, whose)
        .await?
        .ok_or(ApplyError::LostOwnership)
}

async fn hold(
    connection: &mut PgConnection,
    generation: &Generation,
    whose: &Checkpoint,
) -> Result<Option<i64>, TargetError> {
    sqlx::query_scalar(
        "select id from dragoman_projection.readers
         where projection = $1 and generation = $2 and key = $3 for update",
    )
    .bind(&generation.projection)
    .bind(generation.number)
    .bind(key(whose).as_slice())
    .fetch_optional(connection)
    .await
    .map_err(TargetError::during("holding the reader"))
}

async fn introduce(
    connection: &mut PgConnection,
    generation: &Generation,
    whose: &Checkpoint,
) -> Result<(), TargetError> {
    let (topic, partition, partitions) = coordinates(&whose.reader);
    let types: Vec<&String> = whose.types.iter().collect();
    sqlx::query(
        "insert into dragoman_projection.readers
             (projection, generation, key, topic, partition, partitions, types)
         values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
    )
    .bind(&generation.projection)
    .bind(generation.number)
    .bind(key(whose).as_slice())
    .bind(topic)
    .bind(partition)
    .bind(partitions)
    .bind(types)
    .execute(connection)
    .await
    .map(|_| ())
    .map_err(TargetError::during("writing a new reader"))
}

/// Moves the owner record of a held reader: appends the next one if the newest is still
/// the expected one.
pub(crate) async fn advance(
    connection: &mut PgConnection,
    owned: &Owned,
    reached: &Checkpoint,
) -> Result<(), ApplyError> {
    if owned.position() == reached.position.0 {
        return Ok(move_offset(connection, owned, reached).await?);
    }
    let identity = reached.identity.as_ref();
    let inserted = sqlx::query(
        "insert into dragoman_projection.checkpoints
             (reader, from_position, position, source, id, next_offset, applied)
         select $1, $2, $3, $4, $5, $6, $7
         where $2 < $3 and $2 = coalesce(
             (select position from dragoman_projection.checkpoints
              where reader = $1 order by from_position desc limit 1), $8)
         on conflict do nothing",
    )
    .bind(owned.reader)
    .bind(owned.position())
    .bind(reached.position.0)
    .bind(identity.map(|identity| &identity.source))
    .bind(identity.map(|identity| &identity.id))
    .bind(reached.next_offset)
    .bind(reached.applied)
    .bind(NOWHERE)
    .execute(connection)
    .await
    .map_err(TargetError::during("moving the checkpoint"))?;
    if inserted.rows_affected() == 1 || planted(Bug::NoCompareAndSet) {
        Ok(())
    } else {
        Err(ApplyError::LostOwnership)
    }
}

/// Gives a generation a reader that begins where another left off. A second time changes
/// nothing.
pub(crate) async fn begin(
    connection: &mut PgConnection,
    generation: &Generation,
    first: &Checkpoint,
) -> Result<(), TargetError> {
    introduce(connection, generation, first).await?;
    let Some(reader) = hold(connection, generation, first).await? else {
        return Ok(());
    };
    let owned = Owned {
        reader,
        newest: None,
    };
    match advance(connection, &owned, first).await {
        Ok(()) | Err(ApplyError::LostOwnership | ApplyError::Superseded) => Ok(()),
        Err(ApplyError::Target(error)) => Err(error),
    }
}

/// A step that reaches no further: nothing took effect, only the offset may be another
/// (records that were repeats). Rare, so it may be done in place.
async fn move_offset(
    connection: &mut PgConnection,
    owned: &Owned,
    reached: &Checkpoint,
) -> Result<(), TargetError> {
    sqlx::query(
        "update dragoman_projection.checkpoints set next_offset = $3
         where reader = $1 and position = $2 and next_offset is distinct from $3",
    )
    .bind(owned.reader)
    .bind(reached.position.0)
    .bind(reached.next_offset)
    .execute(connection)
    .await
    .map(|_| ())
    .map_err(TargetError::during("moving the offset"))
}

/// Takes old checkpoints of a held reader away: those that are not the newest, once they
/// are a minute old.
pub(crate) async fn prune(connection: &mut PgConnection, owned: &Owned) -> Result<(), TargetError> {
    sqlx::query(
        "delete from dragoman_projection.checkpoints
         where reader = $1 and position < $2
           and recorded_at < clock_timestamp() - interval '1 minute'",
    )
    .bind(owned.reader)
    .bind(owned.position())
    .execute(connection)
    .await
    .map(|_| ())
    .map_err(TargetError::during("pruning checkpoints"))
}

/// The topic, partition and number of partitions of a reader, as they are kept.
pub(crate) fn coordinates(reader: &Reader) -> (Option<&str>, Option<i32>, Option<i32>) {
    match reader {
        Reader::Ledger => (None, None, None),
        Reader::Partition {
            topic,
            partition,
            partitions,
        } => (Some(topic), Some(*partition), Some(*partitions)),
    }
}

/// What tells a reader with its types from any other: a name of fixed length, however
/// many types there are. No topic and no type holds a line break.
pub(crate) fn key(whose: &Checkpoint) -> [u8; 32] {
    let (topic, partition, partitions) = coordinates(&whose.reader);
    let mut digest = Sha256::new();
    digest.update(topic.unwrap_or_default());
    for number in [partition, partitions] {
        digest.update(format!("\n{}", number.unwrap_or(-1)));
    }
    for event_type in &whose.types {
        digest.update("\n");
        digest.update(event_type);
    }
    digest.finalize().into()
}
