//! Giving events to statements, one by one in order.

use dragoman_core::RecordedEvent;
use serde_json::json;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, PgConnection, Postgres};

use super::evaluate::{Evaluated, Work};
use crate::{Statement, StatementParameter};

/// Executes the statements of events. Until the end of the transaction names are looked
/// up in `public`: who wrote the statements did not know that the session does not.
pub(super) async fn execute(
    connection: &mut PgConnection,
    events: &[&Evaluated<'_>],
) -> Result<(), sqlx::Error> {
    sqlx::query("set local search_path to public")
        .execute(&mut *connection)
        .await?;
    for event in events {
        if let Ok(Work::Statement(statement)) = &event.work {
            bound(statement, event.event())
                .execute(&mut *connection)
                .await?;
        }
    }
    Ok(())
}

fn bound<'q>(
    statement: &Statement,
    recorded: &'q RecordedEvent,
) -> Query<'q, Postgres, PgArguments> {
    let event = &recorded.event;
    let query = sqlx::query(AssertSqlSafe(statement.sql().to_owned()));
    let parameters = statement.parameters().iter();
    parameters.fold(query, |query, parameter| match parameter {
        StatementParameter::Id => query.bind(&event.id),
        StatementParameter::Source => query.bind(&event.source),
        StatementParameter::Type => query.bind(&event.event_type),
        StatementParameter::Subject => query.bind(&event.subject),
        StatementParameter::Time => query.bind(event.time),
        // As text, and cast by the statement: every digit gets through.
        StatementParameter::Data => query.bind(&event.data),
        StatementParameter::Position => query.bind(recorded.position.0),
        StatementParameter::Extensions => query.bind(json!(event.extensions).to_string()),
    })
}
