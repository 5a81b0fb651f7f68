//! Folding with what an earlier step left.

use sqlx::{AssertSqlSafe, PgConnection};

use super::super::arrays::{Bound, bind_keys, joined, unnested_with};
use super::super::careful::Failure;
use super::super::column_type::cast;
use super::super::evaluate::Evaluated;
use super::super::upsert::bind_rows;
use super::super::value::Value;
use super::super::write::{OnFailure, Settled, WRITING, refusal};
use super::cache::{RowCache, Version, WrittenTable};
use super::held::HeldRow;
use super::keyed::KeyedRows;
use super::write::{gathered, same_key};
use super::{FoldedTable, quoted};
use crate::bookkeeping::error::is_about_data;

impl FoldedTable<'_> {
    /// As [`FoldedTable::fold`], with the rows that a cache has.
    ///
    /// # Errors
    /// [`Failure::Moved`] when one of those is not what the table has; then nothing that was
    /// done in this transaction holds.
    pub(in super::super) async fn fold_cached<'a, 'e>(
        &self,
        connection: &mut PgConnection,
        events: &[&'a Evaluated<'e>],
        on_failure: OnFailure,
        cache: &mut RowCache,
    ) -> Result<Settled<'a, 'e>, Failure> {
        let keeps = cache.count_step();
        let folded = self.read_and_fold(connection, events, on_failure, cache);
        let (rows, settled) = folded.await.map_err(refusal(WRITING))?;
        self.write_cached(connection, &rows).await?;
        let written = self.write(connection, &rows).await;
        written.map_err(refusal(WRITING))?;
        if keeps {
            self.keep(connection, rows).await?;
        } else {
            cache.forget();
        }
        Ok(settled)
    }

    async fn keep(
        &self,
        connection: &mut PgConnection,
        mut rows: KeyedRows<'_>,
    ) -> Result<(), Failure> {
        let table = WrittenTable::look(connection, self.table).await;
        let table = table.map_err(refusal(WRITING))?;
        if rows.can_be_known(&table) {
            rows.keep(table.version);
            return Ok(());
        }
        if rows.entries().any(|(_, row)| row.cached.is_some()) {
            return Err(Failure::Moved);
        }
        rows.keep_off();
        Ok(())
    }

    /// Writes the cached rows that have changed, and makes sure that the table has the others
    /// as they were known: what was folded into them, or refused, rests on that.
    async fn write_cached(
        &self,
        connection: &mut PgConnection,
        rows: &KeyedRows<'_>,
    ) -> Result<(), Failure> {
        let cached = rows
            .entries()
            .filter_map(|(key, row)| row.cached.map(|version| (key, row, version)));
        let (changed, others): (Vec<_>, Vec<_>) =
            cached.partition(|(_, row, _)| row.is_changed() && row.now.is_some());
        self.update(connection, &changed).await?;
        self.hold(connection, &others).await
    }

    async fn update(
        &self,
        connection: &mut PgConnection,
        rows: &[Known<'_>],
    ) -> Result<(), Failure> {
        if rows.is_empty() {
            return Ok(());
        }
        let first = self.effect.key.len();
        let columns = self.effect.columns().enumerate();
        let sets =
            joined(columns.map(|(n, (name, kind))| {
                format!("{} = v.c{}{}", quoted(name), first + n, cast(kind))
            }));
        let statement = format!(
            "update {} as t set {sets} from {} where {} and t.xmin = v.version",
            self.table,
            unnested_with(
                self.effect
                    .key_columns()
                    .chain(self.effect.columns())
                    .map(|(_, kind)| kind),
                "version"
            ),
            same_key(self.effect)
        );
        let gathered: Vec<_> = rows
            .iter()
            .filter_map(|(key, row, _)| Some(gathered(key, row.now.as_ref()?)))
            .collect();
        let query = sqlx::query(AssertSqlSafe(statement));
        let query = bind_rows(query, self.effect, &gathered);
        all_of(rows, with_versions(query, rows), connection).await
    }

    /// Holds rows until the end of the transaction.
    async fn hold(&self, connection: &mut PgConnection, rows: &[Known<'_>]) -> Result<(), Failure> {
        if rows.is_empty() {
            return Ok(());
        }
        let keys = self.effect.key_columns().map(|(_, kind)| kind);
        let statement = format!(
            "select from {} join {} as t on {} and t.xmin = v.version order by v.n for update of t",
            unnested_with(keys, "version"),
            self.table,
            same_key(self.effect)
        );
        let query = sqlx::query(AssertSqlSafe(statement));
        let query = bind_keys(query, self.effect, rows.iter().map(|(key, ..)| *key));
        all_of(rows, with_versions(query, rows), connection).await
    }
}

/// A row that is known, and as what.
type Known<'r> = (&'r [Value], &'r HeldRow, Version);

fn with_versions<'q>(query: Bound<'q>, rows: &[Known<'_>]) -> Bound<'q> {
    let versions = rows.iter().map(|(.., version)| version.bits());
    query.bind(versions.collect::<Vec<_>>())
}

/// Does what finds all of these rows, or else finds that they have moved. So does what the
/// database refuses for another reason than the data (a deadlock, since rows that are
/// cached are not locked in order; a privilege that reading the rows does not take): the
/// same is done again without a cache, and that says what is the matter.
async fn all_of(
    rows: &[Known<'_>],
    query: Bound<'_>,
    connection: &mut PgConnection,
) -> Result<(), Failure> {
    match query.execute(connection).await {
        Ok(done) if usize::try_from(done.rows_affected()) == Ok(rows.len()) => Ok(()),
        Ok(_) => Err(Failure::Moved),
        Err(error) if error.as_database_error().is_some() && !is_about_data(&error) => {
            Err(Failure::Moved)
        }
        Err(error) => Err(refusal(WRITING)(error).into()),
    }
}
