//! What hangs on a table and would be lost when another takes its place.

use sqlx::PgConnection;
use sqlx::postgres::types::Oid;

use crate::bookkeeping::error::TargetError;
use crate::bookkeeping::place::Place;

/// Refuses to replace a table that others depend on, or that carries what the new one
/// does not: a table made like another has its indexes and checks, one made for a changed
/// definition has not.
pub(super) async fn refuse_obstacles(
    connection: &mut PgConnection,
    table: Oid,
    place: &Place,
    new: Oid,
) -> Result<(), TargetError> {
    let obstacles: Vec<String> = sqlx::query_scalar(
        "select distinct 'view ' || dependent.oid::regclass
         from pg_depend
         join pg_rewrite on classid = 'pg_rewrite'::regclass and pg_rewrite.oid = objid
         join pg_class dependent on dependent.oid = ev_class
         where refclassid = 'pg_class'::regclass and refobjid = $1 and dependent.oid <> $1
         union
         select 'foreign key ' || quote_ident(conname) || ' of table ' || conrelid::regclass
         from pg_constraint where contype = 'f' and $1 in (confrelid, conrelid)
         union
         select 'trigger ' || quote_ident(tgname) from pg_trigger where tgrelid = $1 and not tgisinternal
         union
         select 'policy ' || quote_ident(polname) from pg_policy where polrelid = $1
         union
         select 'publication ' || quote_ident(pubname)
         from pg_publication_rel join pg_publication on pg_publication.oid = prpubid where prrelid = $1
         union
         select 'inheritance of ' || inhrelid::regclass from pg_inherits where $1 in (inhrelid, inhparent)
         union
         select 'index ' || quote_ident(relname)
         from pg_index old join pg_class on pg_class.oid = indexrelid
         where indrelid = $1 and not indisprimary and not exists (
             select from pg_index kept
             where kept.indrelid = $2 and kept.indisunique = old.indisunique
               and substring(pg_get_indexdef(kept.indexrelid) from ' USING .*')
                   = substring(pg_get_indexdef(old.indexrelid) from ' USING .*'))
         union
         select 'check ' || quote_ident(conname) from pg_constraint old
         where conrelid = $1 and contype = 'c' and not exists (
             select from pg_constraint kept
             where kept.conrelid = $2 and kept.contype = 'c'
               and pg_get_constraintdef(kept.oid) = pg_get_constraintdef(old.oid))
         order by 1",
    )
    .bind(table)
    .bind(new)
    .fetch_all(connection)
    .await
    .map_err(TargetError::during("looking what hangs on the table"))?;
    if obstacles.is_empty() {
        return Ok(());
    }
    Err(TargetError::TableInUse {
        table: place.to_string(),
        obstacles: obstacles.join(", "),
    })
}
