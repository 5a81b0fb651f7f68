//! Names of tables and columns, quoted.

use std::fmt;

use crate::TableName;

/// What Postgres keeps of a name, in bytes.
const MAX_NAME_BYTES: usize = 63;

/// A table with its schema. `Display` quotes both, as a statement needs them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) schema: String,
    pub(crate) name: String,
}

impl Place {
    /// Where a table of that name is.
    pub(crate) fn of(table: &TableName) -> Self {
        Self {
            schema: table.schema_name().to_owned(),
            name: table.name.clone(),
        }
    }

    /// Where the table of a generation is built beside this one.
    pub(crate) fn shadow(&self, generation: i32) -> Self {
        let suffix = format!("__g{generation}");
        let mut end = self.name.len().min(MAX_NAME_BYTES - suffix.len());
        while !self.name.is_char_boundary(end) {
            end -= 1;
        }
        Self {
            schema: self.schema.clone(),
            name: format!("{}{suffix}", self.name.get(..end).unwrap_or_default()),
        }
    }

    /// Another table or index of the same schema.
    pub(crate) fn beside(&self, name: &str) -> Self {
        Self {
            schema: self.schema.clone(),
            name: name.to_owned(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", quoted(&self.schema), quoted(&self.name))
    }
}

/// A name as a statement needs it.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn names_are_quoted_and_shadows_fit() {
        let place = Place {
            schema: "public".into(),
            name: "a\"b".into(),
        };
        assert_eq!(place.to_string(), r#""public"."a""b""#);
        assert_eq!(place.shadow(2).name, "a\"b__g2");
        let long = place.beside(&"é".repeat(40)).shadow(12);
        assert!(long.name.len() <= 63);
        assert!(long.name.ends_with("é__g12"));
    }
}
