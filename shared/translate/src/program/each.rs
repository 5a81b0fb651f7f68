//! Programs that yield the elements of an event.

use vrl::path::OwnedValuePath;
use vrl::value::Value;

use super::compile::{Program, compile, parse};
use super::copies::Reach;
use super::deep_stack::with_deep_stack;
use super::errors::EvaluateError;
use super::event_scope::EventScope;
use super::input::{Place, kinds_of};
use super::known_kinds::kinds_in;
use super::stand_in::{Copied, copied};
use super::view::{Element, EventInput, EventView, Item};
use super::{CompileError, Kinds};
use crate::shape::Shape;
use crate::{Json, JsonKind};

/// The program that yields the elements of an event, one row for each. Usually a bare
/// path, as in `.data.lines`.
#[derive(Debug)]
pub struct Each {
    name: String,
    work: Work,
    item: Shape,
}

#[derive(Debug)]
enum Work {
    Path(OwnedValuePath),
    Program(Box<Program>),
}

impl Each {
    /// Compiles it; `name` is its place in the configuration.
    ///
    /// # Errors
    /// Everything that is wrong with it; also, that it can never yield an array.
    pub fn compile(name: &str, source: &str, scope: &EventScope) -> Result<Self, CompileError> {
        let scope = &scope.scope;
        with_deep_stack(name, source, || {
            let parsed = parse(name, source, scope)?;
            let (work, kinds, item) = match parsed.bare {
                Some(path) => {
                    let shape = scope.shape_at(&path, false);
                    let item = shape.each_element();
                    (Work::Path(path), shape.kinds, item)
                }
                None => {
                    let program = compile(name, source, parsed.ast, scope, Reach::Elements)?;
                    let kinds = kinds_in(&program.kind);
                    (Work::Program(Box::new(program)), kinds, Shape::any())
                }
            };
            if !kinds.intersects(Kinds::ARRAY) {
                return Err(CompileError::of_whole(
                    name,
                    source,
                    &format!("this can never yield an array; it yields {kinds}"),
                    "let `each` name an array, as in `.data.lines`",
                ));
            }
            Ok(Self {
                name: name.to_owned(),
                work,
                item,
            })
        })
    }

    pub(super) fn item_shape(&self) -> &Shape {
        &self.item
    }

    /// The elements; none when what it names is missing or null.
    ///
    /// # Errors
    /// It yields something else than an array, or as
    /// [`Expression::evaluate`](crate::Expression::evaluate).
    pub fn items<'v>(&self, view: &'v EventView<'_>) -> Result<Vec<Item<'v>>, EvaluateError> {
        let input = EventInput { view, item: None };
        let program = match &self.work {
            Work::Path(path) => {
                return match Place::find(&input, path) {
                    None => Ok(Vec::new()),
                    Some(Place::Json(json)) => self.elements(json),
                    Some(_) => Err(self.no_array(Kinds::STRING)),
                };
            }
            Work::Program(program) => program,
        };
        let outcome = program
            .run(&input)
            .map_err(|stopped| EvaluateError::new(&self.name, stopped))?;
        let copied = |value: &Value| copied(value, &outcome.copies).and_then(Copied::json);
        if let Some(json) = copied(&outcome.value) {
            return self.elements(json);
        }
        match &outcome.value {
            Value::Null => Ok(Vec::new()),
            Value::Array(elements) => Ok(elements
                .iter()
                .map(|element| {
                    Item(
                        copied(element)
                            .map_or_else(|| Element::Made(element.clone()), Element::Copied),
                    )
                })
                .collect()),
            other => Err(self.no_array(kinds_in(&vrl::value::Kind::from(other)))),
        }
    }

    fn elements<'v>(&self, json: Json<'v>) -> Result<Vec<Item<'v>>, EvaluateError> {
        match json.kind() {
            JsonKind::Null => Ok(Vec::new()),
            JsonKind::Array => Ok(json
                .elements()
                .map(|element| Item(Element::Copied(element)))
                .collect()),
            _ => Err(self.no_array(kinds_of(json))),
        }
    }

    fn no_array(&self, found: Kinds) -> EvaluateError {
        EvaluateError::unusable(
            &self.name,
            found.to_string(),
            "the elements of an event must be an array, or missing",
        )
    }
}
