//! Names of tables and columns, quoted.

use std::fmt;

use crate::Definition;

/// What Postgres keeps of a name, in bytes.
const MAX_NAME_BYTES: usize = 63;

/// A table with its schema. `Display` quotes both, as a statement needs them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) schema: String,
    pub(super) name: String,
}

impl Place {
    /// Where a definition wants its table.
    pub(super) fn of(definition: &Definition) -> Self {
        Self {
            schema: definition.table.schema_name().to_owned(),
            name: definition.table.name.clone(),
        }
    }

    /// Where the table of a generation is built beside this one.
    pub(super) fn shadow(&self, generation: i32) -> Self {
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
    pub(super) fn beside(&self, name: &str) -> Self {
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
pub(super) fn quoted(name: &str) -> String {
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
