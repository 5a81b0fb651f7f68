//! A projection to a table: from its options to its effect.

use std::collections::BTreeSet;

use dragoman_translate::{Each, EventScope, Expression, Kinds};

use super::{Catalogue, Compiler};
use crate::order_rule;
use crate::table_name::check_column;
use crate::{ColumnType, Effect, Order, ProjectionOptions, RowChange, TableEffect, TableName};

impl Compiler<'_> {
    /// The effect on a table, if nothing is wrong.
    pub(super) fn table_effect(
        &mut self,
        options: &ProjectionOptions,
        table: &str,
        catalogue: &Catalogue<'_>,
        order: Order,
    ) -> Option<Effect> {
        self.no_others(options);
        let table = self.table(table);
        self.names(options);
        let (each, scope) = self.each(options, catalogue);
        let key = self.key(options, scope.as_ref());
        let change = match &options.fold {
            None => Some(RowChange::Operators(self.columns(options, scope.as_ref()))),
            Some(file) => self.fold(options, file, scope.as_ref()),
        };
        if let Some(change) = &change
            && self.problems.is_empty()
            && order == Order::Subject
        {
            let events = Self::topics(options, catalogue);
            self.problems
                .extend(order_rule::problem(&events, &key, change));
        }
        Some(Effect::Table(TableEffect {
            table: table?,
            each,
            key,
            change: change?,
        }))
    }

    fn no_others(&mut self, options: &ProjectionOptions) {
        if options.request.is_some() {
            self.problem(
                &["request"],
                "a projection to a table sends no requests",
                "remove `request`, or give the projection a sink of `kind: http`",
            );
        }
        if !options.execute.is_empty() {
            self.problem(
                &["execute"],
                "`execute` is for tables that the projection does not own, and `sink.table` names one that it does",
                "remove `execute`, or remove `sink.table` with `key` and `columns`",
            );
        }
    }

    fn table(&mut self, table: &str) -> Option<TableName> {
        match TableName::parse(table) {
            Ok(table) => Some(table),
            Err(error) => {
                self.problem(&["sink", "table"], error.to_string(), error.remedy());
                None
            }
        }
    }

    /// That each column has a name of its own, which Postgres takes.
    fn names(&mut self, options: &ProjectionOptions) {
        if options.key.is_empty() {
            self.problem(
                &["key"],
                "without a key no row can be found again",
                "name a column and what yields it, as in { order_id: { type: text, from: .subject } }",
            );
        }
        if options.columns.is_empty() {
            let example = match options.fold {
                None => "{ events: { type: bigint, add: \"1\" } }",
                Some(_) => "{ state: text }",
            };
            self.problem(
                &["columns"],
                "there are no columns beside the key",
                format!("name one, as in {example}"),
            );
        }
        let sections = [
            ("key", options.key.keys().collect::<Vec<_>>()),
            ("columns", options.columns.keys().collect()),
        ];
        let mut seen = BTreeSet::new();
        for (section, names) in sections {
            for name in names {
                if let Err(error) = check_column(name) {
                    self.problem(&[section, name], error.to_string(), error.remedy());
                } else if !seen.insert(name) {
                    self.problem(
                        &[section, name],
                        format!("the column `{name}` stands in `key:` already"),
                        "give it another name, or remove it here: the key is written by itself",
                    );
                }
            }
        }
    }

    /// The program of `each`, and what the other programs see. No scope: `each` does
    /// not compile, so nothing can be said of programs that see its elements.
    fn each(
        &mut self,
        options: &ProjectionOptions,
        catalogue: &Catalogue<'_>,
    ) -> (Option<Each>, Option<EventScope>) {
        let scope = Self::scope(options, catalogue);
        let Some(source) = &options.each else {
            return (None, Some(scope));
        };
        match Each::compile(&self.program_name(&["each"]), source, &scope) {
            Ok(each) => {
                let scope = scope.with_items_of(&each);
                (Some(each), Some(scope))
            }
            Err(error) => {
                self.does_not_compile(&["each"], &error);
                (None, None)
            }
        }
    }

    pub(super) fn program(
        &mut self,
        path: &[&str],
        source: &str,
        column_type: ColumnType,
        scope: Option<&EventScope>,
    ) -> Option<Expression> {
        let compiled = Expression::compile(&self.program_name(path), source, scope?);
        match compiled {
            Ok(program) => {
                self.yields(path, program.kinds(), column_type);
                Some(program)
            }
            Err(error) => {
                self.does_not_compile(path, &error);
                None
            }
        }
    }

    pub(super) fn yields(&mut self, path: &[&str], kinds: Kinds, column_type: ColumnType) {
        if kinds.within(Kinds::NULL) {
            self.problem(
                path,
                "this yields nothing but null",
                "name what the events have; `dragoman events list --json` shows some",
            );
        } else if !column_type.fits(kinds) {
            self.problem(
                path,
                format!("this may yield {kinds}, and {column_type} takes {}", column_type.values()),
                "change the type of the column, or convert the value in the program, as in to_int!(.data.count) or to_string(.data.count)",
            );
        }
    }
}
