//! Types of columns as the database names them.

use crate::ColumnType;

/// The type as Postgres prints it (`format_type`), which it also reads.
pub(super) fn sql_type(column_type: ColumnType) -> String {
    match column_type {
        ColumnType::Text => "text".to_owned(),
        ColumnType::Bigint => "bigint".to_owned(),
        ColumnType::Integer => "integer".to_owned(),
        ColumnType::Numeric { precision: None } => "numeric".to_owned(),
        ColumnType::Numeric {
            precision: Some((digits, scale)),
        } => format!("numeric({digits},{scale})"),
        ColumnType::Double => "double precision".to_owned(),
        ColumnType::Boolean => "boolean".to_owned(),
        ColumnType::Timestamp => "timestamp with time zone".to_owned(),
        ColumnType::Date => "date".to_owned(),
        ColumnType::Uuid => "uuid".to_owned(),
        ColumnType::Json => "jsonb".to_owned(),
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
