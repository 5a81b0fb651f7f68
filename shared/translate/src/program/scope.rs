//! What programs can see, and how it is typed.

use vrl::path::{OwnedTargetPath, OwnedValuePath, PathPrefix};

use super::Each;
use super::syntax::field_name;
use crate::shape::{Field, Others, Shape};
use crate::{Kinds, Schema};

/// The root of what a kind of program sees.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    root: Shape,
    /// What the places are places of, for people.
    of: &'static str,
    /// The places whose values can be passed on as they came.
    copied_from: &'static [&'static str],
}

impl Scope {
    fn new(
        of: &'static str,
        copied_from: &'static [&'static str],
        places: impl IntoIterator<Item = (&'static str, Shape)>,
    ) -> Self {
        Self {
            root: Shape {
                fields: places
                    .into_iter()
                    .map(|(name, shape)| {
                        let field = Field {
                            shape,
                            required: true,
                        };
                        (name.to_owned(), field)
                    })
                    .collect(),
                others: Others::Forbidden,
                ..Shape::of(Kinds::OBJECT)
            },
            of,
            copied_from,
        }
    }

    /// What a webhook mapping sees.
    pub(super) fn of_mapping() -> Self {
        Self::new(
            "a delivery",
            &["body"],
            [
                ("body", Shape::any()),
                ("headers", Shape::map_of_text()),
                ("query", Shape::map_of_text()),
                ("received", Shape::of(Kinds::TIMESTAMP)),
            ],
        )
    }

    pub(super) fn root(&self) -> &Shape {
        &self.root
    }

    pub(super) fn copied_from(&self) -> &'static [&'static str] {
        self.copied_from
    }

    /// What is known of the value at a path; null stands for a value that is not there.
    pub(super) fn shape_at(&self, path: &OwnedValuePath, precise: bool) -> Shape {
        path.segments
            .iter()
            .fold(self.root.clone(), |shape, segment| {
                match field_name(segment) {
                    Some(name) => shape.member(name, precise),
                    None => shape.element(),
                }
            })
    }

    /// What is wrong with a path, and what to do: it leads nowhere.
    pub(super) fn objection(&self, path: &OwnedTargetPath) -> Option<(String, String)> {
        let places = || {
            let names: Vec<String> = self
                .root
                .fields
                .keys()
                .map(|name| format!("`.{name}`"))
                .collect();
            format!("{} has {}", self.of, names.join(", "))
        };
        if path.prefix == PathPrefix::Metadata {
            return Some((
                "there is nothing at paths that begin with `%`".to_owned(),
                places(),
            ));
        }
        let first = path.path.segments.first()?;
        let name = field_name(first).map(str::to_owned);
        if let Some(name) = &name
            && self.root.fields.contains_key(name)
        {
            return None;
        }
        if name.as_deref() == Some("item") {
            return Some((
                "there is no `.item`".to_owned(),
                "give the projection an `each`, as in `each: .data.lines`, or read the event \
                 itself"
                    .to_owned(),
            ));
        }
        let shown = name.unwrap_or_else(|| path.path.to_string());
        Some((format!("there is no `.{shown}` in {}", self.of), places()))
    }
}

/// What programs after the log can see and how it is typed: the event types that
/// they serve, and the element if there is one.
///
/// The envelope is typed: `.id .source .type .subject` are text, `.time` is a
/// timestamp, `.extensions` an object of text. `.data` is typed as far as the schemas
/// of all the types demand it: members that are required, `number` as a float and
/// `integer` as an integer however they are written. Of the rest nothing is known.
#[derive(Debug, Clone)]
pub struct EventScope {
    pub(super) scope: Scope,
}

impl EventScope {
    /// The scope of events of several types, each with its schema if it has one.
    #[must_use]
    pub fn of<'s>(schemas: impl IntoIterator<Item = Option<&'s Schema>>) -> Self {
        let data = schemas
            .into_iter()
            .map(|schema| schema.map_or_else(Shape::any, |schema| schema.shape().clone()))
            .reduce(Shape::union)
            .unwrap_or_else(Shape::any);
        let text = || Shape::of(Kinds::STRING);
        Self {
            scope: Scope::new(
                "an event",
                &["data", "item"],
                [
                    ("id", text()),
                    ("source", text()),
                    ("type", text()),
                    ("subject", text()),
                    ("time", Shape::of(Kinds::TIMESTAMP)),
                    ("data", data),
                    ("extensions", Shape::map_of_text()),
                ],
            ),
        }
    }

    /// This scope with `.item`, an element of what `each` yields.
    #[must_use]
    pub fn with_items_of(&self, each: &Each) -> Self {
        let mut wider = self.clone();
        wider.scope.root.fields.insert(
            "item".to_owned(),
            Field {
                shape: each.item_shape().clone(),
                required: true,
            },
        );
        wider
    }
}
