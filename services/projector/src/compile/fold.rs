//! Columns that a fold keeps, and the fold.

use dragoman_settings::FilePath;
use dragoman_translate::{ColumnKind, EventScope, Fold, FoldColumn, Kinds};

use super::Compiler;
use crate::{ColumnOptions, ColumnType, FoldRule, FoldedColumn, ProjectionOptions, RowChange};

impl Compiler<'_> {
    /// What a fold makes of a row, if nothing is wrong.
    pub(super) fn fold(
        &mut self,
        options: &ProjectionOptions,
        file: &FilePath,
        scope: Option<&EventScope>,
    ) -> Option<RowChange> {
        self.types_alone(options);
        let source = self.source(&["fold"], file)?;
        // Of a row whose columns are wrong nothing can be said.
        if !self.problems.is_empty() {
            return None;
        }
        let program = match Fold::compile(&file.to_string(), &source, scope?, &row_of(options)) {
            Ok(program) => program,
            Err(error) => {
                self.file_does_not_compile(&["fold"], file.path(), error);
                return None;
            }
        };
        let columns = options.columns.iter().map(|(name, column)| FoldedColumn {
            name: name.clone(),
            column_type: column.column_type(),
        });
        let columns: Vec<FoldedColumn> = columns.collect();
        for column in &columns {
            self.leaves(column, program.kinds_of(&column.name));
        }
        Some(RowChange::Fold(Box::new(FoldRule { columns, program })))
    }

    fn types_alone(&mut self, options: &ProjectionOptions) {
        for (name, column) in &options.columns {
            let ColumnOptions::Operated(operated) = column else {
                continue;
            };
            let column_type = operated.column_type;
            match operated.operators().next() {
                Some((operator, _)) => self.problem(
                    &["columns", name, operator.as_str()],
                    format!(
                        "the column `{name}` has an operator, and `fold` keeps all columns of the row"
                    ),
                    format!("write its type alone, as in {name}: {column_type}, and let the fold assign `.row.{name}`"),
                ),
                None => self.problem(
                    &["columns", name],
                    format!("the fold keeps the column `{name}`, of which only the type is to be said"),
                    format!("write {name}: {column_type}"),
                ),
            }
        }
    }

    fn leaves(&mut self, column: &FoldedColumn, kinds: Kinds) {
        let (name, column_type) = (&column.name, column.column_type);
        if kinds.within(Kinds::NULL) {
            self.problem(
                &["columns", name],
                format!("the fold leaves nothing but null in `.row.{name}`"),
                format!("assign it in the fold, or remove the column `{name}`"),
            );
        } else if !column_type.fits(kinds) {
            self.problem(
                &["columns", name],
                format!(
                    "the fold may leave {kinds} in `.row.{name}`, and {column_type} takes {}",
                    column_type.values()
                ),
                "change the type of the column, or convert the value in the fold, as in to_int!(.data.count) or to_string(.data.count)",
            );
        }
    }
}

/// The row as the fold sees it.
fn row_of(options: &ProjectionOptions) -> Vec<FoldColumn> {
    let column = |name: &String, column_type, key| FoldColumn {
        name: name.clone(),
        kind: kind_of(column_type),
        key,
    };
    let key = options.key.iter();
    let columns = options.columns.iter();
    key.map(|(name, options)| column(name, options.column_type, true))
        .chain(columns.map(|(name, options)| column(name, options.column_type(), false)))
        .collect()
}

const fn kind_of(column_type: ColumnType) -> ColumnKind {
    match column_type {
        ColumnType::Text | ColumnType::Date | ColumnType::Uuid => ColumnKind::Text,
        ColumnType::Bigint | ColumnType::Integer => ColumnKind::Integer,
        ColumnType::Numeric { .. } => ColumnKind::Number,
        ColumnType::Double => ColumnKind::Float,
        ColumnType::Boolean => ColumnKind::Boolean,
        ColumnType::Timestamp => ColumnKind::Timestamp,
        ColumnType::Json => ColumnKind::Json,
    }
}
