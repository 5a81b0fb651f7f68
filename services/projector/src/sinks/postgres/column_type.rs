//! Types of columns as the database names them.

use crate::ColumnType;

/// The type as Postgres prints it (`format_type`), which it also reads.
pub(super) fn printed(column_type: ColumnType) -> String {
    match column_type {
        ColumnType::Timestamp => "timestamp with time zone".to_owned(),
        other => other.to_string(),
    }
}

/// The type of the elements in which values of a column travel. What the driver has no
/// binary form for goes as text and is cast by the statement.
pub(super) const fn wire_type(column_type: ColumnType) -> &'static str {
    match column_type {
        ColumnType::Text | ColumnType::Numeric { .. } | ColumnType::Json => "text",
        ColumnType::Bigint => "bigint",
        ColumnType::Integer => "integer",
        ColumnType::Double => "double precision",
        ColumnType::Boolean => "boolean",
        ColumnType::Timestamp => "timestamptz",
        ColumnType::Date => "date",
        ColumnType::Uuid => "uuid",
    }
}

/// What makes a column's value of the element that travelled.
pub(super) const fn cast(column_type: ColumnType) -> &'static str {
    match column_type {
        ColumnType::Numeric { .. } => "::numeric",
        ColumnType::Json => "::jsonb",
        _ => "",
    }
}
