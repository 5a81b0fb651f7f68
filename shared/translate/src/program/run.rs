//! Running a program.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;

use vrl::compiler::TimeZone;
use vrl::compiler::runtime::{Runtime, Terminate};
use vrl::value::Value;

use super::compile::{Program, Slot};
use super::given::Given;
use super::input::{Input, Place, Unreadable, whole};
use super::report::line_and_column;
use super::stand_in::{Copied, Copies, stand_in};
use crate::JsonKind;

/// How many steps a program may take, each about one expression.
const MAX_STEPS: usize = 1_000_000;

/// Programs read times without an offset as UTC, whatever machine they run on.
static UTC: LazyLock<TimeZone> = LazyLock::new(|| TimeZone::parse("UTC").unwrap_or_default());

/// What a program has yielded, with what it passed on.
pub(super) struct Outcome<'d> {
    pub(super) value: Value,
    pub(super) copies: Copies<'d>,
}

/// Why a program has yielded nothing.
pub(super) enum Stopped {
    /// It cannot be given what it reads.
    Unreadable(Unreadable),
    /// It stopped with an error.
    Failed(String),
}

impl Program {
    /// Runs it on what it reads of `input`.
    pub(super) fn run<'d>(&self, input: &impl Input<'d>) -> Result<Outcome<'d>, Stopped> {
        let (mut given, copies) = self.give(input)?;
        let value = self.resolve(&mut given)?;
        Ok(Outcome { value, copies })
    }

    /// Runs it on what it reads of `input` and on `row`; the outcome is what the row
    /// is at its end.
    pub(super) fn run_on_row<'d>(
        &self,
        input: &impl Input<'d>,
        row: Value,
    ) -> Result<Outcome<'d>, Stopped> {
        let (mut given, copies) = self.give(input)?;
        given.give_row(row);
        self.resolve(&mut given)?;
        let value = given.into_row();
        Ok(Outcome { value, copies })
    }

    fn give<'d>(&self, input: &impl Input<'d>) -> Result<(Given<'_>, Copies<'d>), Stopped> {
        let mut given = Given::with_room_for(self.reads.len() + self.copies.len());
        for slot in &self.reads {
            let value = read(slot, input).map_err(Stopped::Unreadable)?;
            given.give(&slot.at, value);
        }
        let mut passed_on = Copies::with_capacity(self.copies.len());
        for (number, slot) in self.copies.iter().enumerate() {
            let place = Place::find(input, &slot.from);
            let (value, copy) = match place {
                Some(Place::Json(json)) if is_passed_on(json.kind()) => (
                    Some(stand_in(number, json.kind())),
                    Some(Copied::Json(json, slot.shape.number)),
                ),
                _ => (read(slot, input).map_err(Stopped::Unreadable)?, None),
            };
            given.give(&slot.at, value);
            passed_on.push(copy);
        }
        Ok((given, passed_on))
    }

    fn resolve(&self, given: &mut Given<'_>) -> Result<Value, Stopped> {
        let mut steps = 0_usize;
        let mut control = || {
            steps += 1;
            if steps > MAX_STEPS {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        // A function of VRL that panics on some payload is a failed program, not a
        // failed process. What was given is used for nothing afterwards.
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            Runtime::default().resolve_with_control(given, &self.vrl, &UTC, &mut control)
        }));
        match outcome {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(Terminate::Interrupted)) => Err(Stopped::Failed(format!(
                "it took more than {MAX_STEPS} steps"
            ))),
            Ok(Err(Terminate::Abort(error) | Terminate::Error(error))) => Err(Stopped::Failed(
                with_place(&error.to_string(), &self.source),
            )),
            Err(_) => Err(Stopped::Failed(
                "a function that it calls cannot bear this payload".to_owned(),
            )),
        }
    }
}

fn is_passed_on(kind: JsonKind) -> bool {
    matches!(kind, JsonKind::Number | JsonKind::Array | JsonKind::Object)
}

fn read<'d>(slot: &Slot, input: &impl Input<'d>) -> Result<Option<Value>, Unreadable> {
    if slot.from.is_root() {
        return whole(input, &slot.shape).map(Some);
    }
    Place::find(input, &slot.from)
        .map(|place| place.value(&slot.shape, &slot.from))
        .transpose()
}

/// VRL says where something failed as bytes from the beginning, `(12:30)`; people
/// count lines.
fn with_place(message: &str, source: &str) -> String {
    let mut rest = message;
    let mut text = String::with_capacity(message.len());
    while let Some(found) = rest.find(" at (") {
        let (before, place) = rest.split_at(found);
        text.push_str(before);
        let inside = &place[" at (".len()..];
        let parsed = inside.split_once(')').and_then(|(span, after)| {
            let (start, _) = span.split_once(':')?;
            Some((start.parse::<usize>().ok()?, after))
        });
        if let Some((start, after)) = parsed {
            let (line, column) = line_and_column(source, start);
            text.push_str(&format!(" (line {line}, column {column})"));
            rest = after;
        } else {
            text.push_str(" at (");
            rest = inside;
        }
    }
    text.push_str(rest);
    text
}
