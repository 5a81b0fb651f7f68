//! Bringing the schema `dragoman` to this program's version, and refusing to run on any other.

use dragoman_faults::{Bug, CrashPoint, crash, planted};
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use thiserror::Error;

use crate::{Store, StoreError};

/// One migration, as it stands in `migrations/`.
struct Migration {
    version: i32,
    name: &'static str,
    sql: &'static str,
}

macro_rules! migration {
    ($version:literal, $name:literal) => {
        Migration {
            version: $version,
            name: $name,
            sql: include_str!(concat!("../../../migrations/", $name, ".sql")),
        }
    };
}

/// All of them, by version. A landed one is never edited: add another.
const MIGRATIONS: &[Migration] = &[
    migration!(1, "0001_event_log"),
    migration!(2, "0002_ledger"),
    migration!(3, "0003_doors"),
    migration!(4, "0004_operations"),
    migration!(5, "0005_cheaper_publish"),
    migration!(6, "0006_sealed_members"),
];

/// Any number serves; it only has to be the same in every process that migrates.
const ADVISORY_LOCK: i64 = 0x6472_6167_6f6d_616e;

/// What a migration run did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrateOutcome {
    /// The names of the migrations that were applied now; empty when there was nothing to do.
    pub applied: Vec<&'static str>,
}

/// Why the schema is not, or cannot be made, this program's.
#[derive(Debug, Error)]
pub enum MigrateError {
    /// There is none, or an older one.
    #[error(
        "the hub's schema is at version {found}, this program needs {needed}: run `dragoman migrate`"
    )]
    Behind {
        /// The version in the database; 0 for none.
        found: i32,
        /// The version of this program.
        needed: i32,
    },
    /// A newer program has migrated it.
    #[error(
        "the hub's schema is at version {found}, this program knows only {needed}: run the newer program"
    )]
    Ahead {
        /// The version in the database.
        found: i32,
        /// The version of this program.
        needed: i32,
    },
    /// A migration was applied with another text than this program's.
    #[error(
        "migration {name} was applied with another text than this program holds: the program and the database are of different builds"
    )]
    Altered {
        /// The migration.
        name: String,
    },
    /// A migration failed; nothing of it was kept.
    #[error(
        "migration {name} failed and was rolled back; mend the cause and run `dragoman migrate` again"
    )]
    Failed {
        /// The migration.
        name: &'static str,
        /// What the database said.
        #[source]
        source: sqlx::Error,
    },
    /// The database could not be asked.
    #[error("the hub's schema could not be read")]
    Store(#[source] StoreError),
}

impl Store {
    /// Brings the schema to this program's version. Each migration is one
    /// transaction; an interrupted run is continued by the next. Several at once
    /// wait for each other.
    ///
    /// # Errors
    /// When the schema is newer or altered, or a migration fails.
    pub async fn migrate(&self) -> Result<MigrateOutcome, MigrateError> {
        let mut connection = self
            .pool
            .acquire()
            .await
            .map_err(StoreError::during("opening a session to migrate"))
            .map_err(MigrateError::Store)?;
        let mut outcome = MigrateOutcome {
            applied: Vec::new(),
        };
        for migration in MIGRATIONS {
            if apply(&mut connection, migration).await? {
                outcome.applied.push(migration.name);
            }
        }
        if planted(Bug::MembershipWithoutSnapshot) {
            forget_snapshots(&mut connection).await?;
        }
        self.check_schema().await?;
        Ok(outcome)
    }

    /// Whether the schema is exactly this program's.
    ///
    /// # Errors
    /// What it is instead, and what to do.
    pub async fn check_schema(&self) -> Result<(), MigrateError> {
        let applied = self
            .applied_migrations()
            .await
            .map_err(MigrateError::Store)?;
        let needed = MIGRATIONS.last().map_or(0, |migration| migration.version);
        let found = applied.last().map_or(0, |(version, _, _)| *version);
        if found > needed {
            return Err(MigrateError::Ahead { found, needed });
        }
        for (version, name, checksum) in applied {
            let known = MIGRATIONS.iter().find(|known| known.version == version);
            if known.is_none_or(|known| checksum_of(known) != checksum) {
                return Err(MigrateError::Altered { name });
            }
        }
        if found < needed {
            return Err(MigrateError::Behind { found, needed });
        }
        Ok(())
    }

    async fn applied_migrations(&self) -> Result<Vec<(i32, String, Vec<u8>)>, StoreError> {
        let exists: bool =
            sqlx::query_scalar("select to_regclass('dragoman.migrations') is not null")
                .fetch_one(&self.pool)
                .await
                .map_err(StoreError::during("looking for the hub's schema"))?;
        if !exists {
            return Ok(Vec::new());
        }
        sqlx::query_as("select version, name, checksum from dragoman.migrations order by version")
            .fetch_all(&self.pool)
            .await
            .map_err(StoreError::during("reading the applied migrations"))
    }
}

/// Applies one migration unless it is there. The lock is of the transaction, so a
/// killed process leaves none behind.
/// The planted bug [`Bug::MembershipWithoutSnapshot`], in the view that all readers share.
async fn forget_snapshots(connection: &mut PgConnection) -> Result<(), MigrateError> {
    let ledger = MIGRATIONS.get(1).map_or("", |migration| migration.sql);
    let from = ledger.find("create view").unwrap_or(0);
    let view = ledger.get(from..).and_then(|rest| rest.split(';').next());
    let view = view
        .unwrap_or("")
        .replace("create view", "create or replace view")
        .replace(
            "and pg_visible_in_snapshot(events.xid, ledger.snapshot)",
            "",
        );
    let replaced = sqlx::raw_sql(AssertSqlSafe(view)).execute(connection);
    let replaced = replaced.await.map_err(StoreError::during("planting a bug"));
    replaced.map(|_| ()).map_err(MigrateError::Store)
}

async fn apply(
    connection: &mut PgConnection,
    migration: &'static Migration,
) -> Result<bool, MigrateError> {
    let failed = |source| MigrateError::Failed {
        name: migration.name,
        source,
    };
    let mut transaction = connection.begin().await.map_err(failed)?;
    // A migration may rewrite tables for longer than the session's idle limit
    // allows between statements; within one statement that limit does not count.
    sqlx::query("select pg_advisory_xact_lock($1)")
        .bind(ADVISORY_LOCK)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    sqlx::raw_sql(
        "create schema if not exists dragoman;
         create table if not exists dragoman.migrations (
             version    integer primary key,
             name       text not null,
             checksum   bytea not null,
             applied_at timestamptz not null default now()
         );",
    )
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    let there = sqlx::query("select from dragoman.migrations where version = $1")
        .bind(migration.version)
        .fetch_optional(&mut *transaction)
        .await
        .map_err(failed)?
        .is_some();
    if there {
        transaction.rollback().await.map_err(failed)?;
        return Ok(false);
    }
    sqlx::raw_sql(migration.sql)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    crash(CrashPoint::MigrationMid);
    let row = sqlx::query(
        "insert into dragoman.migrations (version, name, checksum) values ($1, $2, $3) returning version",
    )
    .bind(migration.version)
    .bind(migration.name)
    .bind(checksum_of(migration))
    .fetch_one(&mut *transaction)
    .await
    .map_err(failed)?;
    debug_assert_eq!(row.get::<i32, _>(0), migration.version);
    transaction.commit().await.map_err(failed)?;
    Ok(true)
}

fn checksum_of(migration: &Migration) -> Vec<u8> {
    Sha256::digest(migration.sql.as_bytes()).to_vec()
}
