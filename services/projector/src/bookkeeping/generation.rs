//! Generations: each building of a projection's table, one of them live.

use dragoman_core::Position;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Row as _};

use super::error::{ApplyError, TargetError};
use super::place::Place;
use crate::ReaderMode;

/// One building of a projection's table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    /// The projection.
    pub projection: String,
    /// From 1; one higher at each rebuild.
    pub number: i32,
    /// Where it stands.
    pub state: GenerationState,
    /// Who brings its events.
    pub mode: ReaderMode,
    /// Events at or below this were never its concern (`from:`).
    pub start: Position,
    /// Hash of the definition that its rows were made by.
    pub definition_hash: [u8; 32],
}

/// Where a generation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GenerationState {
    /// Its table is the one that people read.
    Live,
    /// It is being built beside the live one.
    Building,
    /// Another took its place.
    Retired,
}

impl GenerationState {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Building => "building",
            Self::Retired => "retired",
        }
    }
}

pub(crate) const fn mode_as_str(mode: ReaderMode) -> &'static str {
    match mode {
        ReaderMode::Kafka => "kafka",
        ReaderMode::Ledger => "ledger",
    }
}

/// A generation as it is kept, with its table.
#[derive(Debug, Clone)]
pub(crate) struct GenerationRow {
    pub(crate) generation: Generation,
    /// Its table, if it has one.
    pub(crate) table: Option<GenerationTable>,
}

/// The table of a generation.
#[derive(Debug, Clone)]
pub(crate) struct GenerationTable {
    /// As people read it.
    pub(crate) named: Place,
    /// The one that its rows are in: another while it is being built.
    pub(crate) rows_in: Place,
}

/// The columns that a [`GenerationRow`] is read from.
macro_rules! generation_columns {
    () => {
        "projection, number, state, mode, start_position, definition_hash,
         table_schema, table_name, rows_in"
    };
}
pub(crate) use generation_columns;

impl FromRow<'_, PgRow> for GenerationRow {
    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        let hash: Vec<u8> = row.try_get("definition_hash")?;
        let schema: Option<String> = row.try_get("table_schema")?;
        let name: Option<String> = row.try_get("table_name")?;
        let rows_in: Option<String> = row.try_get("rows_in")?;
        let table = match (schema, name, rows_in) {
            (Some(schema), Some(name), Some(rows_in)) => {
                let named = Place { schema, name };
                let rows_in = named.beside(&rows_in);
                Some(GenerationTable { named, rows_in })
            }
            _ => None,
        };
        Ok(Self {
            table,
            generation: Generation {
                projection: row.try_get("projection")?,
                number: row.try_get("number")?,
                state: match row.try_get("state")? {
                    "live" => GenerationState::Live,
                    "building" => GenerationState::Building,
                    _ => GenerationState::Retired,
                },
                mode: match row.try_get("mode")? {
                    "kafka" => ReaderMode::Kafka,
                    _ => ReaderMode::Ledger,
                },
                start: Position(row.try_get("start_position")?),
                definition_hash: hash.try_into().map_err(|_| {
                    sqlx::Error::Decode("a definition hash that has not 32 bytes".into())
                })?,
            },
        })
    }
}

/// The live generation of a projection.
pub(crate) async fn live(
    connection: &mut PgConnection,
    projection: &str,
) -> Result<Option<GenerationRow>, TargetError> {
    sqlx::query_as(concat!(
        "select ",
        generation_columns!(),
        " from dragoman_projection.generations where projection = $1 and state = 'live'"
    ))
    .bind(projection)
    .fetch_optional(connection)
    .await
    .map_err(TargetError::during("reading the live generation"))
}

/// What a generation is shared for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Use<'a> {
    /// By whom its events are brought.
    pub(crate) mode: ReaderMode,
    /// What its rows are made by.
    pub(crate) definition_hash: &'a [u8; 32],
}

impl GenerationRow {
    /// Reads one beside a column `read_only`, which says whether the session is.
    pub(crate) fn writable(row: &PgRow, doing: &'static str) -> Result<Self, TargetError> {
        let read_only = row.try_get("read_only");
        if read_only.map_err(TargetError::during(doing))? {
            return Err(TargetError::ReadOnly { doing });
        }
        Self::from_row(row).map_err(TargetError::during(doing))
    }

    /// Where the rows of a generation are, if it has a table, which was found like this.
    ///
    /// # Errors
    /// [`ApplyError::Superseded`] when it is not what the caller holds it for.
    pub(crate) fn rows_for(
        self,
        held: &Generation,
        usage: Use<'_>,
    ) -> Result<Option<Place>, ApplyError> {
        let found = &self.generation;
        let fits = found.state == held.state
            && found.state != GenerationState::Retired
            && found.mode == usage.mode
            && found.definition_hash == *usage.definition_hash;
        if fits {
            Ok(self.table.map(|table| table.rows_in))
        } else {
            Err(ApplyError::Superseded)
        }
    }
}

/// Shares the row of a generation until the end of the transaction, so that no swap
/// comes between, and answers where its rows are, if it has a table.
///
/// # Errors
/// [`ApplyError::Superseded`] when it is not what the caller holds it for.
pub(crate) async fn share(
    connection: &mut PgConnection,
    generation: &Generation,
    usage: Use<'_>,
) -> Result<Option<Place>, ApplyError> {
    let row: Option<GenerationRow> = sqlx::query_as(concat!(
        "select ",
        generation_columns!(),
        " from dragoman_projection.generations where projection = $1 and number = $2 for share"
    ))
    .bind(&generation.projection)
    .bind(generation.number)
    .fetch_optional(connection)
    .await
    .map_err(TargetError::during("sharing the generation"))?;
    row.ok_or(ApplyError::Superseded)?
        .rows_for(generation, usage)
}

/// Makes sure, without holding anything, that a generation is what the caller holds it for,
/// and that what comes of it can be written down.
///
/// # Errors
/// [`ApplyError::Superseded`] when it is not, [`TargetError::ReadOnly`] where it cannot.
pub(crate) async fn check(
    connection: &mut PgConnection,
    generation: &Generation,
    usage: Use<'_>,
) -> Result<(), ApplyError> {
    const DOING: &str = "looking at the generation";
    let row = sqlx::query(concat!(
        "select ",
        generation_columns!(),
        ", current_setting('transaction_read_only')::boolean as read_only
         from dragoman_projection.generations where projection = $1 and number = $2"
    ))
    .bind(&generation.projection)
    .bind(generation.number)
    .fetch_optional(connection)
    .await
    .map_err(TargetError::during(DOING))?
    .ok_or(ApplyError::Superseded)?;
    GenerationRow::writable(&row, DOING)?
        .rows_for(generation, usage)
        .map(|_| ())
}

/// What a new generation is to be.
pub(crate) struct NewGeneration<'a> {
    pub(crate) generation: &'a Generation,
    pub(crate) table: Option<&'a GenerationTable>,
}

/// Writes a new generation down.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    new: NewGeneration<'_>,
) -> Result<(), TargetError> {
    let generation = new.generation;
    sqlx::query(
        "insert into dragoman_projection.generations
             (projection, number, state, mode, start_position, definition_hash,
              table_schema, table_name, rows_in)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(&generation.projection)
    .bind(generation.number)
    .bind(generation.state.as_str())
    .bind(mode_as_str(generation.mode))
    .bind(generation.start.0)
    .bind(generation.definition_hash.as_slice())
    .bind(new.table.map(|table| &table.named.schema))
    .bind(new.table.map(|table| &table.named.name))
    .bind(new.table.map(|table| &table.rows_in.name))
    .execute(connection)
    .await
    .map(|_| ())
    .map_err(TargetError::during("writing a new generation"))
}

/// The number that the next generation of a projection gets.
pub(crate) async fn next_number(
    connection: &mut PgConnection,
    projection: &str,
) -> Result<i32, TargetError> {
    sqlx::query_scalar(
        "select coalesce(max(number), 0) + 1 from dragoman_projection.generations
         where projection = $1",
    )
    .bind(projection)
    .fetch_one(connection)
    .await
    .map_err(TargetError::during("counting generations"))
}

/// Keeps others from opening, rebuilding or swapping a projection until the end of the
/// transaction.
pub(crate) async fn lock_openings(
    connection: &mut PgConnection,
    projection: &str,
) -> Result<(), TargetError> {
    // Of two numbers, the first says what for; no other lock of the hub has it.
    sqlx::query("select pg_advisory_xact_lock(1685217656, hashtext($1))")
        .bind(projection)
        .execute(connection)
        .await
        .map(|_| ())
        .map_err(TargetError::during(
            "waiting for its turn to open the projection",
        ))
}
