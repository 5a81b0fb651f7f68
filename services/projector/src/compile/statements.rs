//! A projection to statements: from its options to its effect.

use std::collections::BTreeMap;

use super::{Catalogue, Compiler};
use crate::{Effect, ProjectionOptions, Statement, StatementEffect};

impl Compiler<'_> {
    /// The effect of statements, if nothing is wrong.
    pub(super) fn statement_effect(
        &mut self,
        options: &ProjectionOptions,
        catalogue: &Catalogue<'_>,
    ) -> Option<Effect> {
        if options.execute.is_empty() {
            self.problem(
                &["sink"],
                "nothing says what the events do in the database",
                "name the `table` that the projection keeps; or, for tables that it does not own, add `execute:` with a statement for each event type",
            );
            return None;
        }
        self.say_nothing(
            [
                ("each", options.each.is_some()),
                ("key", !options.key.is_empty()),
                ("columns", !options.columns.is_empty()),
                ("fold", options.fold.is_some()),
                ("request", options.request.is_some()),
            ],
            "a projection with `execute` has no table of its own",
            "the statement says what an event does; or name the table as `sink.table`, without `execute`",
        );
        self.says_where_it_begins(options, "what its statements do");
        self.topics_in_order(options, catalogue, "given to their statements");
        self.each_type_has_one(options);
        let mut statements = BTreeMap::new();
        for (event_type, text) in &options.execute {
            match Statement::parse(text) {
                Ok(statement) => {
                    statements.insert(event_type.clone(), statement);
                }
                Err(error) => {
                    self.problem(&["execute", event_type], error.to_string(), error.remedy());
                }
            }
        }
        Some(Effect::Statements(StatementEffect { statements }))
    }

    fn each_type_has_one(&mut self, options: &ProjectionOptions) {
        let followed = || options.events.iter().map(|followed| followed.as_str());
        for event_type in followed().filter(|it| !options.execute.contains_key(*it)) {
            self.problem(
                &["execute"],
                format!("no statement says what events of type `{event_type}` do"),
                format!("add `{event_type}:` with its statement, or take it out of `events`"),
            );
        }
        for event_type in options.execute.keys() {
            if !followed().any(|followed| followed == event_type) {
                self.problem(
                    &["execute", event_type],
                    format!("the projection does not follow `{event_type}`"),
                    "add it to `events`, or remove its statement",
                );
            }
        }
    }
}
