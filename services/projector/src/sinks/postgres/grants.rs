//! Rights on a table, carried over to the one that takes its place.

use sqlx::postgres::types::Oid;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::bookkeeping::error::TargetError;
use crate::bookkeeping::place::{Place, quoted};

const DOING: &str = "carrying the rights over to the new table";

/// Makes owner and rights of `to` those of `from`, of the table and of its columns.
pub(super) async fn carry_over(
    connection: &mut PgConnection,
    from: Oid,
    to: Oid,
    place: &Place,
) -> Result<(), TargetError> {
    let mut statements: Vec<String> = Vec::new();
    statements.extend(owner(connection, from, to, place).await?);
    statements.extend(revocations(connection, to, place).await?);
    statements.extend(grants(connection, from, to, place).await?);
    if statements.is_empty() {
        return Ok(());
    }
    sqlx::raw_sql(AssertSqlSafe(statements.join(";\n")))
        .execute(connection)
        .await
        .map(|_| ())
        .map_err(TargetError::during(DOING))
}

async fn owner(
    connection: &mut PgConnection,
    from: Oid,
    to: Oid,
    place: &Place,
) -> Result<Option<String>, TargetError> {
    let owner: Option<String> = sqlx::query_scalar(
        "select pg_get_userbyid(old.relowner)::text from pg_class old, pg_class new
         where old.oid = $1 and new.oid = $2 and old.relowner <> new.relowner",
    )
    .bind(from)
    .bind(to)
    .fetch_optional(connection)
    .await
    .map_err(TargetError::during(DOING))?;
    Ok(owner.map(|owner| format!("alter table {place} owner to {}", quoted(&owner))))
}

/// Default privileges may have given the new table what the old one has not.
async fn revocations(
    connection: &mut PgConnection,
    to: Oid,
    place: &Place,
) -> Result<Vec<String>, TargetError> {
    let grantees: Vec<String> = sqlx::query_scalar(
        "select distinct case grantee when 0 then 'public'
                         else quote_ident(pg_get_userbyid(grantee)) end
         from pg_class, aclexplode(relacl) where pg_class.oid = $1 and grantee <> relowner",
    )
    .bind(to)
    .fetch_all(connection)
    .await
    .map_err(TargetError::during(DOING))?;
    let revoke = |grantee| format!("revoke all on table {place} from {grantee}");
    Ok(grantees.into_iter().map(revoke).collect())
}

async fn grants(
    connection: &mut PgConnection,
    from: Oid,
    to: Oid,
    place: &Place,
) -> Result<Vec<String>, TargetError> {
    // A right on a column that the new table has not is nothing to be carried over.
    let rights: Vec<(String, Option<String>, String, bool)> = sqlx::query_as(
        "select privilege_type, null::text,
                case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end,
                is_grantable
         from pg_class, aclexplode(relacl) where pg_class.oid = $1
         union all
         select privilege_type, quote_ident(old.attname),
                case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end,
                is_grantable
         from pg_attribute old
         join pg_attribute new on new.attrelid = $2 and new.attname = old.attname
                              and not new.attisdropped,
              aclexplode(old.attacl)
         where old.attrelid = $1 and not old.attisdropped",
    )
    .bind(from)
    .bind(to)
    .fetch_all(connection)
    .await
    .map_err(TargetError::during(DOING))?;
    Ok(rights
        .into_iter()
        .map(|(privilege, column, grantee, grantable)| {
            let column = column.map_or_else(String::new, |column| format!(" ({column})"));
            let option = if grantable && grantee != "public" {
                " with grant option"
            } else {
                ""
            };
            format!("grant {privilege}{column} on table {place} to {grantee}{option}")
        })
        .collect())
}
