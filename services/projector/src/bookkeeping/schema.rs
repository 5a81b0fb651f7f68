//! The schema `dragoman_projection`, made and brought to this program's version.

use sqlx::{Connection as _, PgConnection};

use super::error::TargetError;
use super::target::Target;

/// Its versions, oldest first. A landed one is never edited: add another.
const VERSIONS: &[&str] = &[
    include_str!("../../migrations/0001_bookkeeping.sql"),
    include_str!("../../migrations/0002_effects_outside.sql"),
];

/// Any number serves; it only has to be the same in every process, and another than
/// that of the hub's own schema, which may stand in the same database.
const ADVISORY_LOCK: i64 = 0x6472_6170_726f_6a65;

impl Target {
    /// Makes the schema, or brings it to this program's version. Several at once wait
    /// for each other.
    pub(crate) async fn prepare_bookkeeping(&self) -> Result<(), TargetError> {
        const DOING: &str = "preparing the schema dragoman_projection";
        let failed = || TargetError::during(DOING);
        let mut connection = self.pool.acquire().await.map_err(failed())?;
        // Without the lock, and without asking for the right to make anything: what
        // every start but the first meets.
        if version(&mut connection).await? == known() {
            return Ok(());
        }
        let mut transaction = connection.begin().await.map_err(failed())?;
        sqlx::query("select pg_advisory_xact_lock($1)")
            .bind(ADVISORY_LOCK)
            .execute(&mut *transaction)
            .await
            .map_err(failed())?;
        let found = version(&mut transaction).await?;
        for (number, sql) in (1..).zip(VERSIONS).filter(|(number, _)| *number > found) {
            if number == 1 {
                sqlx::raw_sql(
                    "create schema if not exists dragoman_projection;
                     create table if not exists dragoman_projection.versions (
                         version integer primary key,
                         applied_at timestamptz not null default clock_timestamp()
                     )",
                )
                .execute(&mut *transaction)
                .await
                .map_err(failed())?;
            }
            sqlx::raw_sql(*sql)
                .execute(&mut *transaction)
                .await
                .map_err(failed())?;
            sqlx::query("insert into dragoman_projection.versions (version) values ($1)")
                .bind(number)
                .execute(&mut *transaction)
                .await
                .map_err(failed())?;
        }
        transaction.commit().await.map_err(failed())
    }

    /// Whether anything was ever opened on this database.
    pub(crate) async fn has_bookkeeping(&self) -> Result<bool, TargetError> {
        let mut connection = self.pool.acquire().await.map_err(TargetError::during(
            "looking for the schema dragoman_projection",
        ))?;
        version(&mut connection).await.map(|version| version > 0)
    }
}

/// The version of the schema; 0: there is none.
async fn version(connection: &mut PgConnection) -> Result<i32, TargetError> {
    const DOING: &str = "looking for the schema dragoman_projection";
    // Not by `to_regclass`: a session that has once found nothing goes on finding
    // nothing until its next look into a table, whoever has made the schema meanwhile.
    let exists: bool = sqlx::query_scalar(
        "select exists (
             select from pg_class join pg_namespace on pg_namespace.oid = relnamespace
             where nspname = 'dragoman_projection' and relname = 'versions')",
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(TargetError::during(DOING))?;
    if !exists {
        return Ok(0);
    }
    let found =
        sqlx::query_scalar("select coalesce(max(version), 0) from dragoman_projection.versions")
            .fetch_one(connection)
            .await
            .map_err(TargetError::during(DOING))?;
    if found > known() {
        return Err(TargetError::NewerBookkeeping {
            found,
            known: known(),
        });
    }
    Ok(found)
}

fn known() -> i32 {
    i32::try_from(VERSIONS.len()).unwrap_or(i32::MAX)
}
