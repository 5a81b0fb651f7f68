//! Putting a generation that was built in the place of the live one.

use dragoman_faults::{CrashPoint, crash};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::obstacles::refuse_obstacles;
use super::rebuild::forget;
use super::{grants, table};
use crate::bookkeeping::checkpoints;
use crate::bookkeeping::error::TargetError;
use crate::bookkeeping::generation::{
    Generation, GenerationRow, GenerationState, GenerationTable, generation_columns, live,
    lock_openings, mode_as_str,
};
use crate::bookkeeping::operator::release_decided;
use crate::bookkeeping::place::Place;
use crate::bookkeeping::target::Target;
use crate::{Checkpoint, ReaderMode};

const LOCKING: &str = "locking the live generation";
const SWAPPING: &str = "swapping the tables";

/// The live generation of a projection, kept from moving while another is brought
/// level and put in its place. Dropped without a swap, it changes nothing.
///
/// It lasts for 30 s without a statement at most, so that a frozen process does not
/// keep the projection from going on.
#[derive(Debug)]
pub struct LiveLock {
    /// A session of its own, in a transaction: closed, it is undone.
    connection: PgConnection,
    live: GenerationRow,
    checkpoints: Vec<Checkpoint>,
}

impl Target {
    /// Keeps the live generation from moving: waits for the transactions under way, and
    /// those that come after wait.
    ///
    /// # Errors
    /// When the database does not answer, or the projection was never opened.
    pub async fn lock_live(&self, projection: &str) -> Result<LiveLock, TargetError> {
        let failed = || TargetError::during(LOCKING);
        let mut connection = PgConnection::connect_with(&self.options)
            .await
            .map_err(failed())?;
        sqlx::raw_sql("begin; set local idle_in_transaction_session_timeout = '30s'")
            .execute(&mut connection)
            .await
            .map_err(failed())?;
        lock_openings(&mut connection, projection).await?;
        sqlx::query(
            "select from dragoman_projection.generations
             where projection = $1 and state = 'live' for update",
        )
        .bind(projection)
        .execute(&mut connection)
        .await
        .map_err(failed())?;
        let live =
            live(&mut connection, projection)
                .await?
                .ok_or_else(|| TargetError::NeverOpened {
                    projection: projection.to_owned(),
                })?;
        let checkpoints = checkpoints::newest(&mut connection, &live.generation).await?;
        Ok(LiveLock {
            connection,
            live,
            checkpoints,
        })
    }
}

impl LiveLock {
    /// The checkpoints of the live generation, which stand still.
    #[must_use]
    pub fn checkpoints(&self) -> &[Checkpoint] {
        &self.checkpoints
    }

    /// Puts a generation that was built in the place of the live one: its table gets
    /// the name, the owner and the rights; its mode and readers are those of the live
    /// one, each set to `level` (the position and identity up to which everything was
    /// built, at or above every checkpoint of the live one) and its types, with the
    /// offsets kept. What the ledger brought goes on to count. One transaction.
    ///
    /// # Errors
    /// Nothing is changed then; but when the connection was lost at the commit it is
    /// open: look at the live generation.
    pub async fn swap(
        mut self,
        building: &Generation,
        level: &Checkpoint,
    ) -> Result<Generation, TargetError> {
        self.check_level(building, level)?;
        let new = take_building(&mut self.connection, building).await?;
        let (Some(old_table), Some(new_table)) = (&self.live.table, &new.table) else {
            return Err(TargetError::NotBuilding {
                projection: building.projection.clone(),
                number: building.number,
            });
        };
        swap_tables(&mut self.connection, old_table, new_table).await?;
        let generation = Generation {
            state: GenerationState::Live,
            mode: self.live.generation.mode,
            ..new.generation
        };
        self.carry_readers(&generation, level).await?;
        forget(&mut self.connection, &self.live.generation).await?;
        succeed(
            &mut self.connection,
            &self.live.generation,
            &generation,
            &new_table.named,
        )
        .await?;
        hold_parked(&mut self.connection, &generation).await?;
        // An operator may have skipped what the new one parked meanwhile.
        release_decided(&mut self.connection, &generation.projection, None).await?;
        crash(CrashPoint::RebuildBeforeSwap);
        sqlx::raw_sql("commit")
            .execute(&mut self.connection)
            .await
            .map_err(TargetError::during(SWAPPING))?;
        Ok(generation)
    }

    fn check_level(&self, building: &Generation, level: &Checkpoint) -> Result<(), TargetError> {
        let highest = self.checkpoints.iter().map(|live| live.position).max();
        match highest {
            Some(highest) if highest > level.position => Err(TargetError::NotLevel {
                projection: building.projection.clone(),
                built: level.position.0,
                live: highest.0,
            }),
            _ => Ok(()),
        }
    }

    /// Gives the new generation the readers of the live one. Of a partition that several
    /// brought events of, for other types, the furthest offset counts: everything before
    /// it is at or below `level`.
    async fn carry_readers(
        &mut self,
        generation: &Generation,
        level: &Checkpoint,
    ) -> Result<(), TargetError> {
        if generation.mode == ReaderMode::Ledger {
            return Ok(());
        }
        let partitions = self
            .checkpoints
            .iter()
            .filter(|live| live.reader.mode() == ReaderMode::Kafka);
        for live in partitions {
            let same = self
                .checkpoints
                .iter()
                .filter(|other| other.reader == live.reader);
            let carried = Checkpoint {
                reader: live.reader.clone(),
                next_offset: same.filter_map(|other| other.next_offset).max(),
                applied: 0,
                ..level.clone()
            };
            checkpoints::begin(&mut self.connection, generation, &carried).await?;
        }
        Ok(())
    }
}

/// The generation that was built, if it still is being built; kept from moving.
async fn take_building(
    connection: &mut PgConnection,
    building: &Generation,
) -> Result<GenerationRow, TargetError> {
    sqlx::query_as(concat!(
        "select ",
        generation_columns!(),
        " from dragoman_projection.generations
         where projection = $1 and number = $2 and state = 'building' for update"
    ))
    .bind(&building.projection)
    .bind(building.number)
    .fetch_optional(connection)
    .await
    .map_err(TargetError::during(SWAPPING))?
    .ok_or_else(|| TargetError::NotBuilding {
        projection: building.projection.clone(),
        number: building.number,
    })
}

async fn swap_tables(
    connection: &mut PgConnection,
    old: &GenerationTable,
    new: &GenerationTable,
) -> Result<(), TargetError> {
    let shadow = table::find(connection, &new.rows_in).await?;
    if let (Some(from), Some(to)) = (table::find(connection, &old.rows_in).await?, shadow) {
        // From here on nobody reads it, or hangs something on it that was not seen.
        run(
            connection,
            format!("lock table {} in access exclusive mode", old.rows_in),
        )
        .await?;
        refuse_obstacles(connection, from, &old.rows_in, to).await?;
        grants::carry_over(connection, from, to, &new.rows_in).await?;
        run(connection, format!("drop table {}", old.rows_in)).await?;
    }
    table::rename(connection, &new.rows_in, &new.named).await
}

async fn run(connection: &mut PgConnection, statement: String) -> Result<(), TargetError> {
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(connection)
        .await
        .map(|_| ())
        .map_err(TargetError::during(SWAPPING))
}

/// Retires the old generation and makes the new one live.
async fn succeed(
    connection: &mut PgConnection,
    old: &Generation,
    new: &Generation,
    table: &Place,
) -> Result<(), TargetError> {
    sqlx::query(
        "update dragoman_projection.generations set state = 'retired'
         where projection = $1 and number = $2",
    )
    .bind(&old.projection)
    .bind(old.number)
    .execute(&mut *connection)
    .await
    .map_err(TargetError::during(SWAPPING))?;
    sqlx::query(
        "update dragoman_projection.generations set state = 'live', mode = $3, rows_in = $4
         where projection = $1 and number = $2",
    )
    .bind(&new.projection)
    .bind(new.number)
    .bind(mode_as_str(new.mode))
    .bind(&table.name)
    .execute(connection)
    .await
    .map(|_| ())
    .map_err(TargetError::during(SWAPPING))
}

/// Holds every parked subject of the generation.
async fn hold_parked(
    connection: &mut PgConnection,
    generation: &Generation,
) -> Result<(), TargetError> {
    sqlx::query(
        "select from dragoman_projection.parked_subjects
         where projection = $1 and generation = $2 order by topic, subject for update",
    )
    .bind(&generation.projection)
    .bind(generation.number)
    .execute(connection)
    .await
    .map(|_| ())
    .map_err(TargetError::during(SWAPPING))
}
