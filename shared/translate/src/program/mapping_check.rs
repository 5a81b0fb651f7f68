//! What types tell about a mapping before it has run.

use std::collections::BTreeMap;

use vrl::diagnostic::Span;
use vrl::value::Kind;

use super::compile::Program;
use super::known_kinds::kinds_in;
use super::literals::{self, Literal, Literals, MemberPlace};
use super::mapped_event::MEMBERS;
use super::promise;
use super::report::{CompileError, Problem};
use super::scope::Scope;
use crate::{Kinds, Schema};

const SHAPE: &str =
    "an event is { \"id\": …, \"type\": …, \"subject\": …, \"data\": … } and may have a \"time\"";

/// Everything that is wrong with a mapping, as far as types tell: see
/// [`Mapping::check`](crate::Mapping::check).
pub(super) fn check(
    program: &Program,
    ast: &vrl::parser::Program,
    catalogue: &BTreeMap<String, Option<&Schema>>,
) -> Result<(), CompileError> {
    let kinds = kinds_in(&program.kind);
    if !kinds.intersects(Kinds::OBJECT.union(Kinds::ARRAY)) {
        return Err(CompileError::of_whole(
            &program.name,
            &program.source,
            &format!("this can never yield an event; it yields {kinds}"),
            SHAPE,
        ));
    }
    let mut problems = Vec::new();
    let literals = literals::find(ast);
    for (number, literal) in literals.objects.iter().enumerate() {
        let event = Event {
            program,
            ast,
            literals: &literals,
            number,
        };
        event.check_members(literal, &mut problems);
        event.check_type(literal, catalogue, &mut problems);
    }
    problems.sort_by_key(|problem| (problem.line, problem.column));
    if problems.is_empty() {
        Ok(())
    } else {
        Err(CompileError {
            name: program.name.clone(),
            problems,
        })
    }
}

/// One event that a mapping writes down.
struct Event<'p> {
    program: &'p Program,
    ast: &'p vrl::parser::Program,
    literals: &'p Literals,
    number: usize,
}

impl Event<'_> {
    fn problem(&self, span: Span, message: String, help: &str) -> Problem {
        Problem::at(&self.program.source, span, message, "", [help])
    }

    fn check_members(&self, literal: &Literal, problems: &mut Vec<Problem>) {
        let missing = MEMBERS
            .into_iter()
            .filter(|name| *name != "time" && !literal.members.contains_key(*name));
        for name in missing {
            problems.push(self.problem(literal.span, format!("the event has no `{name}`"), SHAPE));
        }
        for (name, member) in &literal.members {
            if !MEMBERS.contains(&name.as_str()) {
                let help = match name.as_str() {
                    "source" => "the source is the adapter's: set `source` there",
                    _ => SHAPE,
                };
                let message = format!("an event has no member `{name}`");
                problems.push(self.problem(member.span, message, help));
            }
        }
        for (name, allowed, help) in [
            ("id", Kinds::STRING, "write to_string!(…)"),
            ("type", Kinds::STRING, "write the type as a text"),
            ("subject", Kinds::STRING, "write to_string!(…)"),
            (
                "time",
                Kinds::STRING.union(Kinds::TIMESTAMP).union(Kinds::NULL),
                "give a timestamp or a text as \"2026-07-01T12:00:00Z\", or leave it out",
            ),
        ] {
            let Some(member) = literal.members.get(name) else {
                continue;
            };
            if let Some(kind) = self.kind_of(name)
                && !kinds_in(&kind).intersects(allowed)
            {
                let message = format!(
                    "`{name}` is {}; it must be {}",
                    kinds_in(&kind),
                    allowed.without(Kinds::NULL)
                );
                problems.push(self.problem(member.span, message, help));
            }
        }
    }

    fn check_type(
        &self,
        literal: &Literal,
        catalogue: &BTreeMap<String, Option<&Schema>>,
        problems: &mut Vec<Problem>,
    ) {
        let Some(MemberPlace {
            span,
            text: Some(event_type),
        }) = literal.members.get("type")
        else {
            return;
        };
        let Some(schema) = catalogue.get(event_type) else {
            let known: Vec<&str> = catalogue.keys().map(String::as_str).collect();
            let help = if known.is_empty() {
                "add it to `events`".to_owned()
            } else {
                format!("add it to `events`, or use one of {}", known.join(", "))
            };
            let message = format!("`{event_type}` is not in the catalogue");
            problems.push(self.problem(*span, message, &help));
            return;
        };
        let (Some(schema), Some(data)) = (schema, literal.members.get("data")) else {
            return;
        };
        let Some(kind) = self.kind_of("data") else {
            return;
        };
        for objection in promise::objections(&kind, schema.shape()) {
            problems.push(self.problem(
                data.span,
                format!("{objection}, by the schema of {event_type}"),
                "make the data what the schema says, or quarantine what cannot be made so with \
                 a function that ends in `!`",
            ));
        }
    }

    /// What types tell of a member of this event.
    fn kind_of(&self, member: &str) -> Option<Kind> {
        let place = (self.number, member);
        literals::kind_of(self.ast, self.literals, place, &Scope::of_mapping())
    }
}
