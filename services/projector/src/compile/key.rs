//! The columns of a key.

use dragoman_translate::EventScope;

use super::Compiler;
use crate::{KeyColumn, ProjectionOptions};

impl Compiler<'_> {
    /// The columns of the key, as far as nothing is wrong with them.
    pub(super) fn key(
        &mut self,
        options: &ProjectionOptions,
        scope: Option<&EventScope>,
    ) -> Vec<KeyColumn> {
        let mut key = Vec::new();
        for (name, column) in &options.key {
            let column_type = column.column_type;
            if !column_type.can_be_key() {
                self.problem(
                    &["key", name, "type"],
                    format!("{column_type} cannot tell rows apart: the same value can be written in several ways"),
                    "use text, numeric or another type with one meaning for each value",
                );
            }
            let path = ["key", name, "from"];
            if let Some(value) = self.program(&path, &column.from, column_type, scope) {
                key.push(KeyColumn {
                    name: name.clone(),
                    column_type,
                    value,
                });
            }
        }
        key
    }
}
