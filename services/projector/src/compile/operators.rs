//! Columns that operators keep.

use dragoman_translate::EventScope;

use super::Compiler;
use crate::{Column, ColumnOptions, ColumnType, Operator, ProjectionOptions};

impl Compiler<'_> {
    /// The columns that operators keep, as far as nothing is wrong with them.
    pub(super) fn columns(
        &mut self,
        options: &ProjectionOptions,
        scope: Option<&EventScope>,
    ) -> Vec<Column> {
        let mut columns = Vec::new();
        for (name, column) in &options.columns {
            let column_type = column.column_type();
            let Some((operator, source)) = self.operator(name, column) else {
                continue;
            };
            self.operator_fits(name, operator, column_type);
            let path = ["columns", name, operator.as_str()];
            if let Some(value) = self.program(&path, source, column_type, scope) {
                columns.push(Column {
                    name: name.clone(),
                    column_type,
                    operator,
                    value,
                });
            }
        }
        columns
    }

    /// The one operator that a column must have.
    fn operator<'o>(
        &mut self,
        name: &str,
        column: &'o ColumnOptions,
    ) -> Option<(Operator, &'o str)> {
        let operators: Vec<_> = match column {
            ColumnOptions::Operated(options) => options.operators().collect(),
            ColumnOptions::Folded(_) => Vec::new(),
        };
        match operators.as_slice() {
            [one] => Some(*one),
            [] => {
                let remedy = match column {
                    ColumnOptions::Operated(_) => {
                        "add one operator with its program: add, min, max, set or first".to_owned()
                    }
                    ColumnOptions::Folded(column_type) => format!(
                        "give it an operator, as in {{ type: {column_type}, set: .data.{name} }}, or the projection a `fold:` that keeps all of its columns"
                    ),
                };
                self.problem(
                    &["columns", name],
                    format!("nothing says what the column `{name}` holds"),
                    remedy,
                );
                None
            }
            [_, second, ..] => {
                let names: Vec<&str> = operators
                    .iter()
                    .map(|(operator, _)| operator.as_str())
                    .collect();
                self.problem(
                    &["columns", name, second.0.as_str()],
                    format!(
                        "the column `{name}` has several operators: {}",
                        names.join(", ")
                    ),
                    "keep one; give each other one a column of its own",
                );
                None
            }
        }
    }

    fn operator_fits(&mut self, name: &str, operator: Operator, column_type: ColumnType) {
        let path = ["columns", name, operator.as_str()];
        match operator {
            Operator::Add if column_type == ColumnType::Double => self.problem(
                &path,
                "sums of double precision depend on the order they are made in, so this column could not be built again the same",
                "use numeric: its sums are exact",
            ),
            Operator::Add if !column_type.can_add() => self.problem(
                &path,
                format!("values of {column_type} cannot be added"),
                "use bigint, integer or numeric, or another operator",
            ),
            Operator::Min | Operator::Max if !column_type.is_ordered() => self.problem(
                &path,
                format!("of values of {column_type} none is smaller or larger"),
                "use a type of numbers, times or text, or another operator",
            ),
            Operator::Add | Operator::Min | Operator::Max | Operator::Set | Operator::First => {}
        }
    }
}
