//! The table itself: made when it is missing, and compared when it is there.

use sqlx::postgres::types::Oid;
use sqlx::{AssertSqlSafe, PgConnection};

use super::column_type::printed;
use crate::bookkeeping::error::TargetError;
use crate::bookkeeping::place::{Place, quoted};
use crate::{ColumnType, TableEffect};

/// Makes the table of a definition.
pub(crate) async fn create(
    connection: &mut PgConnection,
    effect: &TableEffect,
    table: &Place,
) -> Result<(), TargetError> {
    let mut parts: Vec<String> = wanted(effect)
        .map(|(name, column_type, is_key)| {
            let not_null = if is_key { " not null" } else { "" };
            format!("{} {}{not_null}", quoted(name), column_type)
        })
        .collect();
    let key: Vec<_> = effect.key.iter().map(|key| quoted(&key.name)).collect();
    parts.push(format!("primary key ({})", key.join(", ")));
    let statement = format!("create table {table} ({})", parts.join(", "));
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(connection)
        .await
        .map(|_| ())
        .map_err(TargetError::during("making the table"))
}

/// The table's number, if it is there.
pub(crate) async fn find(
    connection: &mut PgConnection,
    table: &Place,
) -> Result<Option<Oid>, TargetError> {
    sqlx::query_scalar(
        "select relation.oid from pg_class relation
         join pg_namespace schema on schema.oid = relation.relnamespace
         where schema.nspname = $1 and relation.relname = $2",
    )
    .bind(&table.schema)
    .bind(&table.name)
    .fetch_optional(connection)
    .await
    .map_err(TargetError::during("looking for the table"))
}

/// What is different between a table that is there and the one that a definition would
/// make; `None`: it fits. Columns of somebody else's are no difference as long as a row
/// can be written without them.
pub(crate) async fn difference(
    connection: &mut PgConnection,
    effect: &TableEffect,
    table: Oid,
) -> Result<Option<String>, TargetError> {
    const DOING: &str = "comparing the table";
    let is_table: bool =
        sqlx::query_scalar("select relkind in ('r', 'p') from pg_class where oid = $1")
            .bind(table)
            .fetch_one(&mut *connection)
            .await
            .map_err(TargetError::during(DOING))?;
    if !is_table {
        return Ok(Some("it is not a table".to_owned()));
    }
    let found: Vec<(String, String, bool, bool)> = sqlx::query_as(
        "select attname::text as name,
                format_type(atttypid, atttypmod) as column_type,
                attgenerated <> '' or attidentity = 'a' as computed,
                attnotnull and not atthasdef and attidentity = '' as required
         from pg_attribute
         where attrelid = $1 and attnum > 0 and not attisdropped order by attnum",
    )
    .bind(table)
    .fetch_all(&mut *connection)
    .await
    .map_err(TargetError::during(DOING))?;
    let key: Vec<String> = sqlx::query_scalar(
        "select attname::text from pg_index
         join pg_attribute on attrelid = indrelid and attnum = any (indkey)
         where indrelid = $1 and indisprimary order by attname",
    )
    .bind(table)
    .fetch_all(connection)
    .await
    .map_err(TargetError::during(DOING))?;
    let found: Vec<_> = found
        .into_iter()
        .map(|(name, column_type, computed, required)| FoundColumn {
            name,
            column_type,
            computed,
            required,
        })
        .collect();
    Ok(columns_differ(effect, &found).or_else(|| key_differs(effect, &key)))
}

/// A column of a table that is there.
struct FoundColumn {
    name: String,
    column_type: String,
    /// The database makes its values.
    computed: bool,
    /// A row cannot be written without it.
    required: bool,
}

fn columns_differ(effect: &TableEffect, found: &[FoundColumn]) -> Option<String> {
    for (name, column_type, is_key) in wanted(effect) {
        let wanted = printed(column_type);
        let Some(column) = found.iter().find(|column| column.name == name) else {
            return Some(format!("it has no column {name}"));
        };
        if column.column_type != wanted {
            return Some(format!(
                "its column {name} is {}, not {wanted}",
                column.column_type
            ));
        }
        if column.computed {
            return Some(format!("its column {name} is computed by the database"));
        }
        if column.required && !is_key {
            return Some(format!(
                "its column {name} must not be null; an event may leave it so"
            ));
        }
    }
    found
        .iter()
        .find(|column| column.required && wanted(effect).all(|(name, ..)| name != column.name))
        .map(|column| {
            format!(
                "its column {} is not the projection's and has no default",
                column.name
            )
        })
}

fn key_differs(effect: &TableEffect, found: &[String]) -> Option<String> {
    let mut wanted: Vec<_> = effect.key.iter().map(|key| key.name.as_str()).collect();
    wanted.sort_unstable();
    if found == wanted {
        return None;
    }
    let wanted = wanted.join(", ");
    Some(if found.is_empty() {
        format!("it has no primary key, which should be ({wanted})")
    } else {
        format!("its primary key is ({}), not ({wanted})", found.join(", "))
    })
}

/// Names and types of the columns, those of the key first.
fn wanted(effect: &TableEffect) -> impl Iterator<Item = (&str, ColumnType, bool)> {
    let key = effect.key_columns();
    key.map(|(name, column_type)| (name, column_type, true))
        .chain(
            effect
                .columns()
                .map(|(name, column_type)| (name, column_type, false)),
        )
}

/// Makes a table like another: columns, defaults, checks, indexes, comments; no rows.
pub(crate) async fn create_like(
    connection: &mut PgConnection,
    like: &Place,
    table: &Place,
) -> Result<(), TargetError> {
    let statement = format!("create table {table} (like {like} including all)");
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(connection)
        .await
        .map(|_| ())
        .map_err(TargetError::during("making the table"))
}

/// Gives a table another name within its schema, and takes the old name out of the names
/// of its indexes where they begin with it, so that the next one's do not clash.
pub(crate) async fn rename(
    connection: &mut PgConnection,
    from: &Place,
    to: &Place,
) -> Result<(), TargetError> {
    const DOING: &str = "renaming the table";
    let indexes: Vec<(String, String)> = sqlx::query_as(
        "select old, new from (
             select relation.relname::text as old,
                    $3 || substr(relation.relname, length($2) + 1) as new
             from pg_index join pg_class relation on relation.oid = indexrelid
             where indrelid = (select oid from pg_class where relname = $2
                               and relnamespace = (select oid from pg_namespace where nspname = $1))
               and starts_with(relation.relname, $2)
         ) names
         where octet_length(new) <= 63
           and not exists (select from pg_class where relname = new
                           and relnamespace = (select oid from pg_namespace where nspname = $1))",
    )
    .bind(&from.schema)
    .bind(&from.name)
    .bind(&to.name)
    .fetch_all(&mut *connection)
    .await
    .map_err(TargetError::during(DOING))?;
    let mut statements = vec![format!("alter table {from} rename to {}", quoted(&to.name))];
    statements.extend(
        indexes.iter().map(|(old, new)| {
            format!("alter index {} rename to {}", from.beside(old), quoted(new))
        }),
    );
    sqlx::raw_sql(AssertSqlSafe(statements.join(";\n")))
        .execute(connection)
        .await
        .map(|_| ())
        .map_err(TargetError::during(DOING))
}
