//! `projections:` programs that compile, columns that fit, an order that is promised,
//! a table for each.

use std::collections::BTreeMap;
use std::sync::Arc;

use dragoman_projector::{
    DatabaseName, Definition, DefinitionProblem, Effect, Order, ProjectionOptions,
};
use dragoman_translate::Schema;

use super::Findings;
use crate::config::{Config, Problem};

/// The compiled projections, by name.
pub(crate) type Definitions = BTreeMap<String, Arc<Definition>>;

/// Checks `projections:` and compiles them. The schemas must have been compiled.
pub(super) fn check(config: &Config, findings: &mut Findings) {
    let mut compiled = Definitions::new();
    let catalogue = catalogue(config, findings);
    let mut problems = Vec::new();
    for (name, options) in &config.projections {
        if !is_name(name) {
            problems.push(config.problem(
                ["projections", name],
                format!("`{name}` cannot be the name of a projection"),
                "use letters, digits, dots, dashes and underscores, 100 at the most",
            ));
        }
        match Definition::compile(name, options, &catalogue) {
            Ok(definition) => {
                compiled.insert(name.clone(), Arc::new(definition));
            }
            Err(found) => problems.extend(
                found
                    .into_iter()
                    .map(|problem| located(config, name, &problem)),
            ),
        }
    }
    findings.problems.extend(problems);
    check_tables(config, &compiled, findings);
    for (name, options) in &config.projections {
        if let Some(definition) = compiled.get(name) {
            findings.checked.push(summary(options, definition));
        }
    }
    findings.definitions = compiled;
}

fn located(config: &Config, name: &str, problem: &DefinitionProblem) -> Problem {
    let (message, remedy) = (problem.message.clone(), problem.remedy.clone());
    match &problem.file {
        Some(place) => Problem::at(&place.file, place.line, place.column, message, remedy),
        None => {
            let path = ["projections", name]
                .into_iter()
                .chain(problem.path.iter().map(String::as_str));
            config.problem(path, message, remedy)
        }
    }
}

fn catalogue<'a>(
    config: &Config,
    findings: &'a Findings,
) -> BTreeMap<String, (String, Option<&'a Schema>)> {
    config
        .events
        .iter()
        .map(|(event_type, options)| {
            let schema = findings.schemas.get(event_type).and_then(Option::as_ref);
            (event_type.clone(), (options.topic_of(event_type), schema))
        })
        .collect()
}

/// That each URL can be read, and no two projections write one table.
fn check_tables(config: &Config, compiled: &Definitions, findings: &mut Findings) {
    // None stands for the private Postgres, which nobody else can name.
    let hub = config
        .postgres
        .as_ref()
        .and_then(|url| DatabaseName::of(url.expose()).ok());
    let mut taken = BTreeMap::new();
    for (name, options) in &config.projections {
        let url = options.sink.database();
        let database = match url.map(|url| DatabaseName::of(url.expose())) {
            None => hub.clone(),
            Some(Ok(database)) => Some(database),
            Some(Err(error)) => {
                findings.problems.push(config.problem(
                    ["projections", name, "sink", "url"],
                    error.to_string(),
                    "write postgres://USER:PASSWORD@HOST:PORT/DATABASE, best as ${NAME}",
                ));
                continue;
            }
        };
        let effect = compiled.get(name).map(|definition| &definition.effect);
        let Some(Effect::Table(effect)) = effect else {
            continue;
        };
        let table = &effect.table;
        let key = (database, table.schema_name().to_owned(), table.name.clone());
        if let Some(other) = taken.insert(key, name) {
            findings.problems.push(config.problem(
                ["projections", name, "sink", "table"],
                format!("the projections `{other}` and `{name}` write the same table, {table}"),
                "give each of them a table of its own",
            ));
        }
    }
}

fn summary(options: &ProjectionOptions, definition: &Definition) -> String {
    let order = match definition.order {
        Order::Subject => "",
        Order::Total => ", in the order of the log",
    };
    let types: Vec<&str> = definition.events.keys().map(String::as_str).collect();
    let database = match options.sink.database() {
        Some(_) => "its own database",
        None => "the hub's database",
    };
    let place = match &definition.effect {
        Effect::Table(effect) => format!("table {} in {database}", effect.table),
        Effect::Statements(_) => format!("statements in {database}"),
        Effect::Requests(_) => "requests to its receiver".to_owned(),
    };
    let mut line = format!(
        "projection {}: {} → {place}{order}",
        definition.name,
        types.join(", "),
    );
    for note in &definition.notes {
        line.push_str("; note: ");
        line.push_str(note);
    }
    line
}

/// It becomes the name of a consumer group.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 100
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_'))
}
