//! What programs can see, and how it is typed.

use std::collections::BTreeMap;

use vrl::path::{OwnedSegment, OwnedTargetPath, OwnedValuePath, PathPrefix};

use super::row_path::{ROW, columns_are};
use super::syntax::field_name;
use crate::Kinds;
use crate::shape::{Field, Others, Shape};

/// The root of what a kind of program sees.
#[derive(Debug, Clone)]
pub(super) struct Scope {
    root: Shape,
    /// What the places are places of, for people.
    of: &'static str,
    /// The places whose values can be passed on as they came.
    copied_from: &'static [&'static str],
    /// Whether it has a row, which can be changed.
    has_row: bool,
}

impl Scope {
    pub(super) fn new(
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
            has_row: false,
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

    /// What a condition on an answer sees.
    pub(super) fn of_answer() -> Self {
        Self::new(
            "an answer",
            &[],
            [
                ("status", Shape::integer()),
                ("headers", Shape::map_of_text()),
                ("body", Shape::any()),
            ],
        )
    }

    /// This scope with something more at its root.
    pub(super) fn with(mut self, name: &str, shape: Shape) -> Self {
        let field = Field {
            shape,
            required: true,
        };
        self.root.fields.insert(name.to_owned(), field);
        self
    }

    /// This scope with a row, null at first.
    pub(super) fn with_row(mut self, columns: BTreeMap<String, Field>) -> Self {
        let shape = Shape {
            fields: columns,
            others: Others::Forbidden,
            ..Shape::of(Kinds::OBJECT.union(Kinds::NULL))
        };
        self.has_row = true;
        self.with(ROW, shape)
    }

    pub(super) fn has_row(&self) -> bool {
        self.has_row
    }

    /// The places that stay as they came.
    pub(super) fn read_only_places(&self) -> impl Iterator<Item = &str> {
        let names = self.root.fields.keys().map(String::as_str);
        names.filter(|name| !self.has_row || *name != ROW)
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
            let names = self.root.fields.keys();
            let names: Vec<String> = names.map(|name| format!("`.{name}`")).collect();
            format!("{} has {}", self.of, names.join(", "))
        };
        if path.prefix == PathPrefix::Metadata {
            return Some((
                "there is nothing at paths that begin with `%`".to_owned(),
                places(),
            ));
        }
        let Some((first, rest)) = path.path.segments.split_first() else {
            return self.has_row.then(|| {
                (
                    "a fold cannot take everything at once, its row included".to_owned(),
                    "name what is meant, as in `.data` or `.row`".to_owned(),
                )
            });
        };
        let name = field_name(first).map(str::to_owned);
        if let Some(name) = &name
            && let Some(place) = self.root.fields.get(name)
        {
            let in_row = self.has_row && name == ROW;
            let column = rest.first().filter(|_| in_row)?;
            return objection_in_row(column, &place.shape);
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

fn objection_in_row(segment: &OwnedSegment, row: &Shape) -> Option<(String, String)> {
    let columns = || columns_are(row.fields.keys());
    match field_name(segment) {
        Some(column) if row.fields.contains_key(column) => None,
        Some(column) => Some((format!("the row has no column `{column}`"), columns())),
        None => Some(("a row has columns, no elements".to_owned(), columns())),
    }
}
