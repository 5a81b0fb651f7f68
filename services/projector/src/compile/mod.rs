//! From the options of a projection to its definition, or to all that is wrong.

mod fold;
mod key;
mod operators;
mod problems;
mod request;
mod statements;
mod table;

use std::collections::{BTreeMap, BTreeSet};

use dragoman_settings::suggest;
use dragoman_translate::{EventScope, Schema};

use crate::definition_hash::hash_of;
use crate::{
    Definition, DefinitionProblem, Order, OrderOptions, ProjectionOptions, SinkOptions, Start,
};

/// Every type of the catalogue with its topic, and its schema if it has one.
type Catalogue<'a> = BTreeMap<String, (String, Option<&'a Schema>)>;

impl Definition {
    /// Compiles a projection. `catalogue`: every type with its topic and its schema,
    /// if it has one. Reads the files that it names.
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
            notes: Vec::new(),
        };
        let events = compiler.events(options, catalogue);
        let order = match options.order {
            Some(OrderOptions::Total) => Order::Total,
            None => Order::Subject,
        };
        let effect = match &options.sink {
            SinkOptions::Postgres(sink) => match &sink.table {
                None => compiler.statement_effect(options, catalogue),
                Some(table) => compiler.table_effect(options, table.as_str(), catalogue, order),
            },
            SinkOptions::Http(sink) => compiler.request_effect(options, sink, catalogue),
        };
        match effect {
            Some(effect) if compiler.problems.is_empty() => Ok(Self {
                name: name.to_owned(),
                hash: hash_of(options, &events),
                events,
                order,
                start: options.from.unwrap_or(Start::Beginning),
                effect,
                notes: compiler.notes,
            }),
            _ => Err(compiler.problems),
        }
    }
}

struct Compiler<'a> {
    projection: &'a str,
    problems: Vec<DefinitionProblem>,
    notes: Vec<String>,
}

impl Compiler<'_> {
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

    /// The topics of the types that the catalogue has.
    fn topics(options: &ProjectionOptions, catalogue: &Catalogue<'_>) -> BTreeMap<String, String> {
        let known = |event_type: &str| {
            let (topic, _) = catalogue.get(event_type)?;
            Some((event_type.to_owned(), topic.clone()))
        };
        options
            .events
            .iter()
            .filter_map(|event_type| known(event_type.as_str()))
            .collect()
    }

    /// What cannot be taken back is not to surprise anybody with the past.
    fn says_where_it_begins(&mut self, options: &ProjectionOptions, what: &str) {
        if options.from.is_none() {
            self.problem(
                &["sink"],
                format!("the projection does not say where it begins, and {what} cannot be taken back"),
                "add `from: now` for what happens from here on, `from: beginning` for everything that ever happened, or a position",
            );
        }
    }

    fn topics_in_order(
        &mut self,
        options: &ProjectionOptions,
        catalogue: &Catalogue<'_>,
        done: &str,
    ) {
        let topics: BTreeSet<String> = Self::topics(options, catalogue).into_values().collect();
        if topics.len() > 1 && options.order.is_none() {
            self.notes.push(format!(
                "its events come from several topics ({}): those of one subject are {done} in order within a topic; with `order: total` they are in the order of the log",
                topics.into_iter().collect::<Vec<_>>().join(", ")
            ));
        }
    }

    /// What programs see of the events.
    fn scope(options: &ProjectionOptions, catalogue: &Catalogue<'_>) -> EventScope {
        EventScope::of(options.events.iter().map(|event_type| {
            let (_, schema) = catalogue.get(event_type.as_str())?;
            *schema
        }))
    }
}
