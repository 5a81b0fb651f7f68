//! From the options of a projection to its definition, or to all that is wrong.

use std::collections::{BTreeMap, BTreeSet};

use dragoman_settings::suggest;
use dragoman_translate::{CompileError, Each, EventScope, Expression, Kinds, Schema};

use crate::definition_hash::hash_of;
use crate::order_rule;
use crate::table_name::check_column;
use crate::{
    Column, ColumnOptions, ColumnType, Definition, DefinitionProblem, KeyColumn, Operator, Order,
    OrderOptions, ProjectionOptions, SinkOptions, TableName,
};

/// Every type of the catalogue with its topic, and its schema if it has one.
type Catalogue<'a> = BTreeMap<String, (String, Option<&'a Schema>)>;

impl Definition {
    /// Compiles a projection. `catalogue`: every type with its topic and its schema,
    /// if it has one.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn compile(
        name: &str,
        options: &ProjectionOptions,
        catalogue: &Catalogue<'_>,
    ) -> Result<Self, Vec<DefinitionProblem>> {
        let mut compiler = Compiler {
            projection: name,
            problems: Vec::new(),
        };
        let events = compiler.events(options, catalogue);
        let table = compiler.table(&options.sink);
        compiler.names(options);
        let (each, scope) = compiler.each(options, catalogue);
        let key = compiler.key(options, scope.as_ref());
        let columns = compiler.columns(options, scope.as_ref());
        let order = match options.order {
            Some(OrderOptions::Total) => Order::Total,
            None => Order::Subject,
        };
        if compiler.problems.is_empty() && order == Order::Subject {
            compiler
                .problems
                .extend(order_rule::problem(&events, &key, &columns));
        }
        match table {
            Some(table) if compiler.problems.is_empty() => Ok(Self {
                name: name.to_owned(),
                hash: hash_of(options, &events),
                events,
                order,
                start: options.from,
                table,
                each,
                key,
                columns,
            }),
            _ => Err(compiler.problems),
        }
    }
}

impl ColumnOptions {
    /// The operators that it has, with their programs.
    pub(crate) fn operators(&self) -> impl Iterator<Item = (Operator, &str)> {
        Operator::ALL.into_iter().filter_map(|operator| {
            let program = match operator {
                Operator::Add => &self.add,
                Operator::Min => &self.min,
                Operator::Max => &self.max,
                Operator::Set => &self.set,
                Operator::First => &self.first,
            };
            program.as_deref().map(|program| (operator, program))
        })
    }
}

struct Compiler<'a> {
    projection: &'a str,
    problems: Vec<DefinitionProblem>,
}

impl Compiler<'_> {
    fn problem(&mut self, path: &[&str], message: impl Into<String>, remedy: impl Into<String>) {
        self.problems.push(DefinitionProblem {
            path: path.iter().map(|key| (*key).to_owned()).collect(),
            message: message.into(),
            remedy: remedy.into(),
        });
    }

    /// The types with their topics, as far as the catalogue has them.
    fn events(
        &mut self,
        options: &ProjectionOptions,
        catalogue: &Catalogue<'_>,
    ) -> BTreeMap<String, String> {
        let mut events = BTreeMap::new();
        if options.events.is_empty() {
            self.problem(
                &["events"],
                "a projection of no events would stay empty",
                "name the event types that it follows, as in [order.placed]",
            );
        }
        for (at, event_type) in options.events.iter().enumerate() {
            let (event_type, at) = (event_type.as_str(), at.to_string());
            let Some((topic, _)) = catalogue.get(event_type) else {
                self.problem(
                    &["events", &at],
                    format!("the event type `{event_type}` is not in the catalogue, `events:`"),
                    suggest(event_type, catalogue.keys().map(String::as_str)),
                );
                continue;
            };
            if events
                .insert(event_type.to_owned(), topic.clone())
                .is_some()
            {
                self.problem(
                    &["events", &at],
                    format!("the event type `{event_type}` is named twice"),
                    "remove one of them",
                );
            }
        }
        events
    }

    fn table(&mut self, sink: &SinkOptions) -> Option<TableName> {
        let SinkOptions::Postgres(postgres) = sink;
        match TableName::parse(postgres.table.as_str()) {
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
            self.problem(
                &["columns"],
                "there are no columns beside the key",
                "name one, as in { events: { type: bigint, add: \"1\" } }",
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
        let scope = EventScope::of(options.events.iter().map(|event_type| {
            catalogue
                .get(event_type.as_str())
                .and_then(|(_, schema)| *schema)
        }));
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

    fn key(&mut self, options: &ProjectionOptions, scope: Option<&EventScope>) -> Vec<KeyColumn> {
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

    fn columns(&mut self, options: &ProjectionOptions, scope: Option<&EventScope>) -> Vec<Column> {
        let mut columns = Vec::new();
        for (name, column) in &options.columns {
            let column_type = column.column_type;
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
        let operators: Vec<_> = column.operators().collect();
        match operators.as_slice() {
            [one] => Some(*one),
            [] => {
                self.problem(
                    &["columns", name],
                    format!("nothing says what the column `{name}` holds"),
                    "add one operator with its program: add, min, max, set or first",
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

    fn program(
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

    fn yields(&mut self, path: &[&str], kinds: Kinds, column_type: ColumnType) {
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

    fn does_not_compile(&mut self, path: &[&str], error: &CompileError) {
        for problem in &error.problems {
            let mut message = format!("the program does not compile: {}", problem.message);
            for line in problem.excerpt.lines() {
                message.push_str("\n    ");
                message.push_str(line);
            }
            let remedy = if problem.help.is_empty() {
                "correct the program; docs/mappings-and-operators.md shows how they are written"
                    .to_owned()
            } else {
                problem.help.join("; ")
            };
            self.problem(path, message, remedy);
        }
    }

    /// What a program is called when it fails: where it stands in the configuration.
    fn program_name(&self, path: &[&str]) -> String {
        format!("projections.{}.{}", self.projection, path.join("."))
    }
}
