//! Names in the target's database.

use std::fmt;

use thiserror::Error;

/// The longest name that Postgres keeps whole, in bytes.
const MAX_BYTES: usize = 63;

/// Columns that every table of Postgres has already.
const SYSTEM_COLUMNS: [&str; 6] = ["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"];

/// Schemas that are no place for a projection's table: the hub's own, the
/// bookkeeping of projections, and Postgres' own.
const RESERVED_SCHEMAS: [&str; 3] = ["dragoman", "dragoman_projection", "information_schema"];

/// A table, quoted where it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableName {
    /// Its schema; `None`: `public`.
    pub schema: Option<String>,
    /// Its name.
    pub name: String,
}

/// A text that cannot name a table or a column.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum NameError {
    /// Not an identifier.
    #[error("`{name}` cannot be a name in Postgres")]
    Malformed {
        /// What was written.
        name: String,
    },
    /// Taken by Postgres or the hub.
    #[error("`{name}` is taken by Postgres or the hub itself")]
    Reserved {
        /// What was written.
        name: String,
    },
}

impl NameError {
    /// What to write instead.
    pub(crate) const fn remedy(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => {
                "begin with a letter or an underscore, go on with letters, digits and underscores, 63 at the most"
            }
            Self::Reserved { .. } => "choose another name",
        }
    }
}

/// As a person writes it, `schema.name`, without quotes.
impl fmt::Display for TableName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.schema {
            Some(schema) => write!(formatter, "{schema}.{}", self.name),
            None => formatter.write_str(&self.name),
        }
    }
}

impl TableName {
    /// The schema that it is in.
    #[must_use]
    pub fn schema_name(&self) -> &str {
        self.schema.as_deref().unwrap_or("public")
    }

    /// Reads `name` or `schema.name`.
    pub(crate) fn parse(text: &str) -> Result<Self, NameError> {
        let (schema, name) = match text.split_once('.') {
            Some((schema, name)) => (Some(schema), name),
            None => (None, text),
        };
        for part in schema.into_iter().chain([name]) {
            check_identifier(part)?;
        }
        if let Some(schema) = schema
            && (RESERVED_SCHEMAS.contains(&schema) || schema.starts_with("pg_"))
        {
            return Err(NameError::Reserved {
                name: text.to_owned(),
            });
        }
        Ok(Self {
            schema: schema.map(str::to_owned),
            name: name.to_owned(),
        })
    }
}

/// Whether a text can be the name of a column.
pub(crate) fn check_column(name: &str) -> Result<(), NameError> {
    check_identifier(name)?;
    if SYSTEM_COLUMNS.contains(&name) {
        return Err(NameError::Reserved {
            name: name.to_owned(),
        });
    }
    Ok(())
}

fn check_identifier(name: &str) -> Result<(), NameError> {
    let first = |letter: char| letter.is_ascii_alphabetic() || letter == '_';
    let fine = name.len() <= MAX_BYTES
        && name.starts_with(first)
        && name
            .chars()
            .all(|letter| first(letter) || letter.is_ascii_digit());
    if fine {
        Ok(())
    } else {
        Err(NameError::Malformed {
            name: name.to_owned(),
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{NameError, TableName, check_column};

    #[test]
    fn a_table_may_have_a_schema_that_is_not_the_hubs() {
        let table = TableName::parse("reports.sales_by_product").unwrap();
        assert_eq!(table.schema_name(), "reports");
        assert_eq!(table.to_string(), "reports.sales_by_product");
        assert_eq!(TableName::parse("sales").unwrap().schema_name(), "public");
        for wrong in ["", "a.b.c", "1a", "a b", "a;drop", "\"a\"", "ä", ".a", "a."] {
            let error = TableName::parse(wrong).unwrap_err();
            assert!(matches!(error, NameError::Malformed { .. }), "{wrong}");
        }
        for taken in ["dragoman.events", "dragoman_projection.x", "pg_catalog.x"] {
            let error = TableName::parse(taken).unwrap_err();
            assert!(matches!(error, NameError::Reserved { .. }), "{taken}");
        }
    }

    #[test]
    fn a_column_may_not_be_one_that_every_table_has() {
        assert!(check_column("order_id").is_ok());
        assert!(check_column(&"a".repeat(63)).is_ok());
        for wrong in ["xmin", "", "9", &"a".repeat(64)] {
            assert!(check_column(wrong).is_err(), "{wrong}");
        }
    }
}
