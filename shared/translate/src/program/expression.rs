//! Programs that yield the value of a key or a column.

use vrl::path::OwnedValuePath;

use super::compile::{Program, compile, parse};
use super::copies::Reach;
use super::deep_stack::with_deep_stack;
use super::errors::EvaluateError;
use super::event_scope::EventScope;
use super::input::{Input, Place, kinds_of};
use super::known_kinds::kinds_in;
use super::run::{Outcome, Stopped};
use super::syntax::field_name;
use super::view::{EventInput, EventView, Item};
use super::write::write;
use super::{Cell, CompileError, Kinds};
use crate::json::write_quoted;
use crate::shape::Shape;

/// A program that yields the value of a key or a column.
///
/// A bare path is looked up in the text of the event and never goes through VRL, and
/// what reads nothing is run once, when it is compiled.
#[derive(Debug)]
pub struct Expression {
    name: String,
    kinds: Kinds,
    work: Work,
}

#[derive(Debug)]
enum Work {
    /// It is nothing but a path.
    Path { path: OwnedValuePath, shape: Shape },
    /// It is always the same.
    Constant(Cell),
    /// It computes.
    Program(Box<Program>),
}

impl Expression {
    /// Compiles it; `name` is its place in the configuration.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn compile(name: &str, source: &str, scope: &EventScope) -> Result<Self, CompileError> {
        let scope = &scope.scope;
        with_deep_stack(name, source, || {
            let parsed = parse(name, source, scope)?;
            if let Some(path) = parsed.bare {
                let shape = scope.shape_at(&path, true);
                return Ok(Self {
                    name: name.to_owned(),
                    kinds: shape.kinds,
                    work: Work::Path { path, shape },
                });
            }
            let program = compile(name, source, parsed.ast, scope, Reach::Everywhere)?;
            let kinds = kinds_in(&program.kind);
            if kinds == Kinds::NEVER {
                return Err(CompileError::of_whole(
                    name,
                    source,
                    "the program never yields anything",
                    "let its last expression be the value",
                ));
            }
            Ok(Self {
                name: name.to_owned(),
                kinds,
                work: match constant(&program) {
                    Some(cell) => Work::Constant(cell),
                    None => Work::Program(Box::new(program)),
                },
            })
        })
    }

    /// What it may yield, as far as types tell.
    #[must_use]
    pub fn kinds(&self) -> Kinds {
        self.kinds
    }

    /// Whether it is a bare path, whose digits are copied.
    #[must_use]
    pub fn is_bare_path(&self) -> bool {
        matches!(self.work, Work::Path { .. })
    }

    /// Whether it reads nothing of the event but `.subject` (or nothing at all).
    #[must_use]
    pub fn reads_only_subject(&self) -> bool {
        let is_subject = |path: &OwnedValuePath| {
            path.segments
                .first()
                .and_then(field_name)
                .is_some_and(|name| name == "subject")
        };
        match &self.work {
            Work::Path { path, .. } => is_subject(path),
            Work::Constant(_) => true,
            Work::Program(program) => program
                .reads
                .iter()
                .chain(&program.copies)
                .all(|slot| is_subject(&slot.from)),
        }
    }

    /// Its value for an event (and an element). A path to what is missing is null.
    ///
    /// # Errors
    /// The program failed, a number that it may read is inexact, or the event does not
    /// fit its schema.
    pub fn evaluate(
        &self,
        view: &EventView<'_>,
        item: Option<&Item<'_>>,
    ) -> Result<Cell, EvaluateError> {
        let input = EventInput { view, item };
        let program = match &self.work {
            Work::Constant(cell) => return Ok(cell.clone()),
            Work::Path { path, shape } => return self.look_up(&input, path, shape),
            Work::Program(program) => program,
        };
        let outcome = program
            .run(&input)
            .map_err(|stopped| EvaluateError::new(&self.name, stopped))?;
        cell(outcome).map_err(|yielded| self.unusable(yielded))
    }

    fn look_up<'v>(
        &self,
        input: &impl Input<'v>,
        path: &OwnedValuePath,
        shape: &Shape,
    ) -> Result<Cell, EvaluateError> {
        if path.is_root() {
            return self.whole(input);
        }
        let Some(place) = Place::find(input, path) else {
            return Ok(Cell::Null);
        };
        match place {
            Place::Json(json) => {
                let found = kinds_of(json);
                if found.intersects(shape.kinds) {
                    return Ok(Cell::copied(json, shape.number));
                }
                Err(EvaluateError::Unfit {
                    program: self.name.clone(),
                    path: format!(".{path}"),
                    expected: shape.kinds.to_string(),
                    found: found.to_string(),
                })
            }
            Place::Text(text) => Ok(Cell::Text(text.to_owned())),
            Place::Time(time) => Ok(Cell::Timestamp(time)),
            Place::Map(map) => {
                let mut json = String::from("{");
                for (number, (name, text)) in map.iter().enumerate() {
                    if number > 0 {
                        json.push(',');
                    }
                    write_quoted(name, &mut json);
                    json.push(':');
                    write_quoted(text, &mut json);
                }
                json.push('}');
                Ok(Cell::Json(json))
            }
            Place::Made(value) => {
                Cell::computed(value.clone(), &Vec::new()).map_err(|yielded| self.unusable(yielded))
            }
        }
    }

    /// The event, and the element if there is one, as one object.
    fn whole<'v>(&self, input: &impl Input<'v>) -> Result<Cell, EvaluateError> {
        let mut json = String::from("{");
        for &name in input.names() {
            let Some(place) = input.place(name) else {
                continue;
            };
            if json.len() > 1 {
                json.push(',');
            }
            write_quoted(name, &mut json);
            json.push(':');
            match place {
                Place::Json(value) => json.push_str(value.raw()),
                Place::Made(value) => write(value, &Vec::new(), 1, &mut json)
                    .map_err(|yielded| self.unusable(yielded))?,
                _ => {
                    let cell =
                        self.look_up(input, &OwnedValuePath::single_field(name), &Shape::any())?;
                    json.push_str(&cell.to_json());
                }
            }
        }
        json.push('}');
        Ok(Cell::Json(json))
    }

    fn unusable(&self, yielded: String) -> EvaluateError {
        EvaluateError::unusable(&self.name, yielded, "no column can hold that")
    }
}

fn cell(outcome: Outcome<'_>) -> Result<Cell, String> {
    Cell::computed(outcome.value, &outcome.copies)
}

/// The value of a program that reads nothing, unless it fails.
fn constant(program: &Program) -> Option<Cell> {
    if !program.reads.is_empty() || !program.copies.is_empty() {
        return None;
    }
    let outcome: Result<_, Stopped> = program.run(&Nothing);
    cell(outcome.ok()?).ok()
}

/// What a program that reads nothing reads.
struct Nothing;

impl<'d> Input<'d> for Nothing {
    fn place(&self, _name: &str) -> Option<Place<'d>> {
        None
    }
    fn names(&self) -> &'static [&'static str] {
        &[]
    }
}
