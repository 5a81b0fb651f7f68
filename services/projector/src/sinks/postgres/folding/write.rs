//! Writing what events have made of rows.

use std::borrow::Cow;

use sqlx::{AssertSqlSafe, PgConnection};

use super::super::arrays::{bind_keys, unnested};
use super::super::column_type::cast;
use super::super::gather::Gathered;
use super::super::upsert::upsert;
use super::super::value::Value;
use super::held::Values;
use super::keyed::KeyedRows;
use super::{FoldedTable, quoted};
use crate::TableEffect;

impl FoldedTable<'_> {
    /// Writes the rows that have changed, and deletes those that have ended. Those that
    /// are cached and go on are left to [`FoldedTable::write_cached`].
    pub(super) async fn write(
        &self,
        connection: &mut PgConnection,
        rows: &KeyedRows<'_>,
    ) -> Result<(), sqlx::Error> {
        let (mut kept, mut ended) = (Vec::new(), Vec::new());
        for (key, row) in rows.entries().filter(|(_, row)| row.is_changed()) {
            match &row.now {
                None => ended.push(key),
                Some(values) if row.cached.is_none() => kept.push(gathered(key, values)),
                Some(_) => {}
            }
        }
        upsert(&mut *connection, self.effect, self.table, &kept).await?;
        self.delete(connection, &ended).await
    }

    async fn delete(
        &self,
        connection: &mut PgConnection,
        keys: &[&[Value]],
    ) -> Result<(), sqlx::Error> {
        if keys.is_empty() {
            return Ok(());
        }
        let statement = format!(
            "delete from {} as t using {} where {}",
            self.table,
            unnested(self.effect.key_columns().map(|(_, kind)| kind)),
            same_key(self.effect)
        );
        let query = sqlx::query(AssertSqlSafe(statement));
        let query = bind_keys(query, self.effect, keys.iter().copied());
        query.execute(connection).await.map(|_| ())
    }
}

/// All values of a row, to be written.
pub(super) fn gathered<'r>(key: &'r [Value], values: &'r Values) -> Gathered<'r> {
    let columns = values.iter().map(|it| it.as_ref().map(Cow::Borrowed));
    Gathered {
        key,
        columns: columns.collect(),
    }
}

/// That a row of the table, `t`, has the key that travels in `v`.
pub(super) fn same_key(effect: &TableEffect) -> String {
    let columns = effect.key_columns().enumerate();
    let conditions: Vec<String> = columns
        .map(|(n, (name, kind))| format!("t.{} = v.c{n}{}", quoted(name), cast(kind)))
        .collect();
    conditions.join(" and ")
}
