//! Opening a projection: what is missing is made, what is there must fit.

use dragoman_core::Position;
use sqlx::PgConnection;

use super::checkpoints;
use super::error::{OpenError, TargetError};
use super::generation::{
    Generation, GenerationRow, GenerationState, GenerationTable, NewGeneration, insert, live,
    lock_openings, mode_as_str, next_number,
};
use super::place::Place;
use super::target::Target;
use crate::sinks::postgres::table;
use crate::{Checkpoint, Definition, Effect, ReaderMode, TableEffect};

/// A generation and how far its readers have come.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The live generation.
    pub generation: Generation,
    /// The newest owner record of every reader that it ever had.
    pub checkpoints: Vec<Checkpoint>,
}

impl Target {
    /// Makes what is missing (bookkeeping, first generation, table), checks that
    /// definition and table are those of the live generation, and takes its mode.
    /// `start` counts only for a new projection: events at or below are not its
    /// concern.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(
        &self,
        definition: &Definition,
        mode: ReaderMode,
        start: Position,
    ) -> Result<Opened, OpenError> {
        self.prepare_bookkeeping().await?;
        let mut transaction = self.begin("opening the projection").await?;
        lock_openings(&mut transaction, &definition.name).await?;
        let generation = match live(&mut transaction, &definition.name).await? {
            Some(row) => {
                check(&mut transaction, definition, &row).await?;
                take_mode(&mut transaction, row.generation, mode).await?
            }
            None => begin(&mut transaction, definition, mode, start).await?,
        };
        let checkpoints = checkpoints::newest(&mut transaction, &generation).await?;
        transaction
            .commit()
            .await
            .map_err(TargetError::during("opening the projection"))?;
        Ok(Opened {
            generation,
            checkpoints,
        })
    }

    /// The live generation and its checkpoints as they are; `None` when the projection
    /// was never opened here. Changes nothing.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn look(&self, projection: &str) -> Result<Option<Opened>, TargetError> {
        if !self.has_bookkeeping().await? {
            return Ok(None);
        }
        let mut transaction = self.begin_reading("looking at the projection").await?;
        let Some(row) = live(&mut transaction, projection).await? else {
            return Ok(None);
        };
        let checkpoints = checkpoints::newest(&mut transaction, &row.generation).await?;
        Ok(Some(Opened {
            generation: row.generation,
            checkpoints,
        }))
    }

    /// Says that the rows, though made by another definition, are to be taken as this
    /// definition's. The reason is kept. Processes that still run by the old definition
    /// meet [`ApplyError::Superseded`](super::ApplyError::Superseded).
    ///
    /// # Errors
    /// When the database does not take it, or the table does not fit.
    pub async fn accept_definition(
        &self,
        definition: &Definition,
        reason: &str,
    ) -> Result<(), OpenError> {
        const DOING: &str = "accepting the definition";
        self.prepare_bookkeeping().await?;
        let mut transaction = self.begin(DOING).await?;
        lock_openings(&mut transaction, &definition.name).await?;
        let row = live(&mut transaction, &definition.name)
            .await?
            .ok_or_else(|| TargetError::NeverOpened {
                projection: definition.name.clone(),
            })?;
        check_table(&mut transaction, definition, &row).await?;
        sqlx::query(
            "with accepted as (
                 update dragoman_projection.generations set definition_hash = $3
                 where projection = $1 and number = $2
             ), stopped as (
                 delete from dragoman_projection.stops where projection = $1 and generation = $2
             )
             insert into dragoman_projection.accepted_definitions
                 (projection, generation, definition_hash, reason)
             values ($1, $2, $3, $4)",
        )
        .bind(&definition.name)
        .bind(row.generation.number)
        .bind(definition.hash.as_slice())
        .bind(reason)
        .execute(&mut *transaction)
        .await
        .map_err(TargetError::during(DOING))?;
        transaction
            .commit()
            .await
            .map_err(TargetError::during(DOING))?;
        Ok(())
    }
}

async fn check(
    connection: &mut PgConnection,
    definition: &Definition,
    row: &GenerationRow,
) -> Result<(), OpenError> {
    if row.generation.definition_hash != definition.hash {
        return Err(OpenError::DefinitionChanged {
            projection: definition.name.clone(),
        });
    }
    check_table(connection, definition, row).await
}

async fn check_table(
    connection: &mut PgConnection,
    definition: &Definition,
    row: &GenerationRow,
) -> Result<(), OpenError> {
    let (effect, wanted) = match (&definition.effect, &row.table) {
        (Effect::Table(effect), _) => (effect, Place::of(&effect.table)),
        (Effect::Statements(_) | Effect::Requests(_), None) => return Ok(()),
        (Effect::Statements(_) | Effect::Requests(_), Some(table)) => {
            let difference = "its events went into this table until now, and are to go elsewhere: give the projection that does so another name";
            return fits(definition, &table.named, Some(difference.to_owned()));
        }
    };
    let difference = match &row.table {
        Some(table) if table.named == wanted => match table::find(connection, &wanted).await? {
            Some(found) => table::difference(connection, effect, found).await?,
            None => Some("it is gone, with all its rows; rebuild the projection".to_owned()),
        },
        Some(table) => Some(format!(
            "its rows are in table {}; name that one, or rebuild the projection",
            table.named
        )),
        None => Some(
            "its events went elsewhere until now: give the projection that writes a table another name"
                .to_owned(),
        ),
    };
    fits(definition, &wanted, difference)
}

fn fits(
    definition: &Definition,
    table: &Place,
    difference: Option<String>,
) -> Result<(), OpenError> {
    match difference {
        None => Ok(()),
        Some(difference) => Err(OpenError::TableDiffers {
            projection: definition.name.clone(),
            table: table.to_string(),
            difference,
        }),
    }
}

/// The first generation of a projection.
async fn begin(
    connection: &mut PgConnection,
    definition: &Definition,
    mode: ReaderMode,
    start: Position,
) -> Result<Generation, OpenError> {
    let table = match &definition.effect {
        Effect::Table(effect) => Some(begin_table(connection, definition, effect).await?),
        Effect::Statements(_) | Effect::Requests(_) => None,
    };
    let generation = Generation {
        projection: definition.name.clone(),
        number: next_number(connection, &definition.name).await?,
        state: GenerationState::Live,
        mode,
        start,
        definition_hash: definition.hash,
    };
    let new = NewGeneration {
        generation: &generation,
        table: table.as_ref(),
    };
    insert(connection, new).await?;
    Ok(generation)
}

/// The table of a first generation: one that fits, or a new one.
async fn begin_table(
    connection: &mut PgConnection,
    definition: &Definition,
    effect: &TableEffect,
) -> Result<GenerationTable, OpenError> {
    let place = Place::of(&effect.table);
    let difference = match owner_of(connection, &place).await? {
        Some(other) => Some(format!("projection {other} writes it")),
        None => match table::find(connection, &place).await? {
            Some(found) => table::difference(connection, effect, found).await?,
            None => {
                table::create(connection, effect, &place).await?;
                None
            }
        },
    };
    fits(definition, &place, difference)?;
    Ok(GenerationTable {
        rows_in: place.clone(),
        named: place,
    })
}

/// The projection whose live generation writes a table.
async fn owner_of(
    connection: &mut PgConnection,
    table: &Place,
) -> Result<Option<String>, TargetError> {
    sqlx::query_scalar(
        "select projection from dragoman_projection.generations
         where table_schema = $1 and table_name = $2 and state = 'live'",
    )
    .bind(&table.schema)
    .bind(&table.name)
    .fetch_optional(connection)
    .await
    .map_err(TargetError::during("looking who writes the table"))
}

/// From here on only readers of that mode go on.
async fn take_mode(
    connection: &mut PgConnection,
    generation: Generation,
    mode: ReaderMode,
) -> Result<Generation, TargetError> {
    if generation.mode != mode {
        sqlx::query(
            "update dragoman_projection.generations set mode = $3
             where projection = $1 and number = $2",
        )
        .bind(&generation.projection)
        .bind(generation.number)
        .bind(mode_as_str(mode))
        .execute(connection)
        .await
        .map_err(TargetError::during("taking the mode"))?;
    }
    Ok(Generation { mode, ..generation })
}
