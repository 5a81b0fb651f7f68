//! Beginning another generation beside the live one.

use sqlx::{AssertSqlSafe, PgConnection};

use super::obstacles::refuse_obstacles;
use super::table;
use crate::bookkeeping::checkpoints;
use crate::bookkeeping::error::{OpenError, TargetError};
use crate::bookkeeping::generation::{
    Generation, GenerationRow, GenerationState, GenerationTable, NewGeneration, insert, live,
    lock_openings, next_number,
};
use crate::bookkeeping::place::Place;
use crate::bookkeeping::target::Target;
use crate::{Checkpoint, Definition, Effect, ReaderMode, TableEffect};

const DOING: &str = "beginning a rebuild";

/// What a generation that is being built has come to, by its own records.
#[derive(Debug, Clone)]
pub struct Built {
    /// Its newest owner record; `None` when it has none, or is not being built.
    pub checkpoint: Option<Checkpoint>,
    /// Events that are parked in it.
    pub parked: i64,
}

impl Target {
    /// How far a generation beside the live one has come, where that is not known
    /// because an answer got lost. Changes nothing.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn look_at_building(&self, generation: &Generation) -> Result<Built, TargetError> {
        const DOING: &str = "looking at what is being built";
        let mut transaction = self.begin_reading(DOING).await?;
        let checkpoints = checkpoints::newest(&mut transaction, generation).await?;
        let parked = sqlx::query_scalar(
            "select count(*) from dragoman_projection.parked_events
             where projection = $1 and generation = $2",
        )
        .bind(&generation.projection)
        .bind(generation.number)
        .fetch_one(&mut *transaction)
        .await
        .map_err(TargetError::during(DOING))?;
        Ok(Built {
            checkpoint: checkpoints.into_iter().next(),
            parked,
        })
    }

    /// Begins another generation beside the live one, with an empty table of its own,
    /// read from the ledger. What an interrupted rebuild left is removed. The live one
    /// may be of another definition.
    ///
    /// Where the live table fits the definition, the new one is made like it, with its
    /// indexes, defaults, checks and columns of somebody else's; they come along. What
    /// would not is named in the error: nothing is lost unasked but columns that a
    /// changed definition has not.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn begin_rebuild(&self, definition: &Definition) -> Result<Generation, OpenError> {
        self.prepare_bookkeeping().await?;
        let mut transaction = self.begin(DOING).await?;
        let connection = &mut *transaction;
        lock_openings(connection, &definition.name).await?;
        let live =
            live(connection, &definition.name)
                .await?
                .ok_or_else(|| TargetError::NeverOpened {
                    projection: definition.name.clone(),
                })?;
        remove_unfinished(connection, &definition.name).await?;
        let (effect, old) = match (&definition.effect, &live.table) {
            (Effect::Table(effect), Some(old)) => (effect, old),
            (Effect::Table(_) | Effect::Statements(_) | Effect::Requests(_), _) => {
                return Err(OpenError::NoTable {
                    projection: definition.name.clone(),
                });
            }
        };
        let wanted = Place::of(&effect.table);
        if wanted != old.named && table::find(connection, &wanted).await?.is_some() {
            return Err(OpenError::TableDiffers {
                projection: definition.name.clone(),
                table: wanted.to_string(),
                difference: format!(
                    "it is there already, and is not the projection's, whose rows are in {}",
                    old.named
                ),
            });
        }
        let generation = Generation {
            projection: definition.name.clone(),
            number: next_number(connection, &definition.name).await?,
            state: GenerationState::Building,
            mode: ReaderMode::Ledger,
            start: live.generation.start,
            definition_hash: definition.hash,
        };
        let table = GenerationTable {
            rows_in: wanted.shadow(generation.number),
            named: wanted,
        };
        make_table(connection, effect, &old.rows_in, &table.rows_in).await?;
        let new = NewGeneration {
            generation: &generation,
            table: Some(&table),
        };
        insert(connection, new).await?;
        transaction
            .commit()
            .await
            .map_err(TargetError::during(DOING))?;
        Ok(generation)
    }
}

async fn make_table(
    connection: &mut PgConnection,
    effect: &TableEffect,
    live: &Place,
    shadow: &Place,
) -> Result<(), TargetError> {
    let Some(old) = table::find(connection, live).await? else {
        return table::create(connection, effect, shadow).await;
    };
    match table::difference(connection, effect, old).await? {
        None => table::create_like(connection, live, shadow).await?,
        Some(_) => table::create(connection, effect, shadow).await?,
    }
    // Now, and not only when it is built.
    match table::find(connection, shadow).await? {
        Some(new) => refuse_obstacles(connection, old, live, new).await,
        None => Ok(()),
    }
}

/// Removes what a rebuild left that did not come to its end. Its number is not given
/// again: whoever still builds it is not to meet the next one.
async fn remove_unfinished(
    connection: &mut PgConnection,
    projection: &str,
) -> Result<(), TargetError> {
    let unfinished: Vec<GenerationRow> = sqlx::query_as(
        "update dragoman_projection.generations set state = 'retired'
         where projection = $1 and state = 'building'
         returning projection, number, state, mode, start_position, definition_hash,
                   table_schema, table_name, rows_in",
    )
    .bind(projection)
    .fetch_all(&mut *connection)
    .await
    .map_err(TargetError::during(DOING))?;
    for row in unfinished {
        if let Some(table) = &row.table {
            let drop = format!("drop table if exists {}", table.rows_in);
            sqlx::raw_sql(AssertSqlSafe(drop))
                .execute(&mut *connection)
                .await
                .map_err(TargetError::during("removing an unfinished table"))?;
        }
        forget(connection, &row.generation).await?;
    }
    Ok(())
}

/// Removes what is kept about the progress of a generation. Its row stays, so that its
/// number is not given again.
pub(super) async fn forget(
    connection: &mut PgConnection,
    generation: &Generation,
) -> Result<(), TargetError> {
    for statement in [
        "delete from dragoman_projection.checkpoints using dragoman_projection.readers
         where reader = readers.id and projection = $1 and generation = $2",
        "delete from dragoman_projection.readers where projection = $1 and generation = $2",
        "delete from dragoman_projection.drained where projection = $1 and generation = $2",
        "delete from dragoman_projection.parked_events where projection = $1 and generation = $2",
        "delete from dragoman_projection.parked_subjects where projection = $1 and generation = $2",
        "delete from dragoman_projection.stops where projection = $1 and generation = $2",
    ] {
        sqlx::query(statement)
            .bind(&generation.projection)
            .bind(generation.number)
            .execute(&mut *connection)
            .await
            .map_err(TargetError::during("forgetting a generation"))?;
    }
    Ok(())
}
