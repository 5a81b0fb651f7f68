//! What programs read, and how it is given to them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use vrl::path::{OwnedSegment, OwnedTargetPath, OwnedValuePath};
use vrl::value::Value;

use super::exact::{exact, shown};
use super::syntax::field_name;
use crate::json::Digits;
use crate::shape::{NumberForm, Shape};
use crate::{Json, JsonKind, Kinds};

/// The places at the root of what a program reads.
pub(super) trait Input<'d> {
    /// What is at a place of that name, if there is one.
    fn place(&self, name: &str) -> Option<Place<'d>>;
    /// The names of all places.
    fn names(&self) -> &'static [&'static str];
}

/// Something that a program can read, where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place<'d> {
    Json(Json<'d>),
    Text(&'d str),
    Time(DateTime<Utc>),
    Map(&'d BTreeMap<String, String>),
    /// Something that another program has made.
    Made(&'d Value),
}

/// Why a program cannot be given what it reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// A number is inexact.
    Inexact { path: String, digits: String },
    /// A value is not of the kind that its schema promises.
    Unfit {
        path: String,
        expected: Kinds,
        found: Kinds,
    },
}

impl<'d> Place<'d> {
    /// What is at a path from the root of `input`.
    pub(super) fn find(input: &impl Input<'d>, path: &OwnedValuePath) -> Option<Self> {
        let (first, rest) = path.segments.split_first()?;
        let place = input.place(field_name(first)?)?;
        place.below(rest)
    }

    fn below(self, path: &[OwnedSegment]) -> Option<Self> {
        let Some((first, rest)) = path.split_first() else {
            return Some(self);
        };
        let next = match (self, first) {
            (Self::Json(json), OwnedSegment::Field(name)) => Self::Json(json.get(name.as_str())?),
            (Self::Json(json), OwnedSegment::Index(index)) => {
                let index = match usize::try_from(*index) {
                    Ok(index) => index,
                    Err(_) => json.count().checked_sub(index.unsigned_abs())?,
                };
                Self::Json(json.element(index)?)
            }
            (Self::Map(map), OwnedSegment::Field(name)) => Self::Text(map.get(name.as_str())?),
            (Self::Made(value), segment) => {
                let path = OwnedValuePath::from(vec![segment.clone()]);
                Self::Made(value.get(&path)?)
            }
            _ => return None,
        };
        next.below(rest)
    }

    /// The value as VRL holds it.
    pub(super) fn value(self, shape: &Shape, path: &OwnedValuePath) -> Result<Value, Unreadable> {
        match self {
            Self::Json(json) => read(json, shape).map_err(|unread| unread.at(path)),
            Self::Text(text) => Ok(Value::from(text)),
            Self::Time(time) => Ok(Value::Timestamp(time)),
            Self::Map(map) => Ok(map
                .iter()
                .map(|(name, text)| (name.clone(), Value::from(text.as_str())))
                .collect()),
            Self::Made(value) => Ok(value.clone()),
        }
    }
}

/// Everything that `input` has, as one object.
pub(super) fn whole<'d>(input: &impl Input<'d>, shape: &Shape) -> Result<Value, Unreadable> {
    let mut members = Vec::new();
    for &name in input.names() {
        if let Some(place) = input.place(name) {
            let path = OwnedValuePath::single_field(name);
            let value = place.value(&shape.member(name, false), &path)?;
            members.push((name.to_owned(), value));
        }
    }
    Ok(members.into_iter().collect())
}

/// A value that could not be read, and the way to it, from the inside out.
struct Unread {
    way: Vec<OwnedSegment>,
    why: Why,
}

enum Why {
    Inexact(String),
    Unfit { expected: Kinds, found: Kinds },
}

impl Unread {
    fn new(why: Why) -> Self {
        Self {
            way: Vec::new(),
            why,
        }
    }

    fn inside(mut self, segment: OwnedSegment) -> Self {
        self.way.push(segment);
        self
    }

    fn at(self, path: &OwnedValuePath) -> Unreadable {
        let mut full = path.clone();
        full.segments.extend(self.way.into_iter().rev());
        let path = OwnedTargetPath::event(full).to_string();
        match self.why {
            Why::Inexact(digits) => Unreadable::Inexact { path, digits },
            Why::Unfit { expected, found } => Unreadable::Unfit {
                path,
                expected,
                found,
            },
        }
    }
}

/// A value of a document that a program reads as text.
///
/// # Errors
/// A number is inexact, in words for the one who wrote the program.
pub(super) fn exact_value(json: Json<'_>) -> Result<Value, String> {
    read(json, &Shape::any()).map_err(|unread| match unread.at(&OwnedValuePath::root()) {
        Unreadable::Inexact { path, digits } => {
            format!("the number {digits} at {path} in it cannot be held exactly")
        }
        Unreadable::Unfit { path, found, .. } => format!("there is {found} at {path} in it"),
    })
}

/// Documents are at most [`MAX_DEPTH`](crate::MAX_DEPTH) deep, and so is this.
fn read(json: Json<'_>, shape: &Shape) -> Result<Value, Unread> {
    let found = kinds_of(json);
    if !found.intersects(shape.kinds) {
        return Err(Unread::new(Why::Unfit {
            expected: shape.kinds,
            found,
        }));
    }
    match json.kind() {
        JsonKind::Null => Ok(Value::Null),
        JsonKind::Boolean => Ok(Value::Boolean(json.raw() == "true")),
        JsonKind::Number => read_number(json.raw(), shape),
        JsonKind::String => Ok(Value::from(json.as_text().unwrap_or_default())),
        JsonKind::Array => {
            let each = shape.each_element();
            let elements = json.elements().enumerate().map(|(index, element)| {
                read(element, &each).map_err(|unread| {
                    unread.inside(OwnedSegment::index(
                        isize::try_from(index).unwrap_or_default(),
                    ))
                })
            });
            Ok(Value::Array(elements.collect::<Result<_, _>>()?))
        }
        JsonKind::Object => {
            let known = !shape.fields.is_empty();
            let any = Shape::any();
            let members = json.members().map(|(name, member)| {
                let value = match known.then(|| shape.member(&name, false)) {
                    Some(shape) => read(member, &shape),
                    None => read(member, &any),
                };
                match value {
                    Ok(value) => Ok((name.into(), value)),
                    Err(unread) => Err(unread.inside(OwnedSegment::field(&name))),
                }
            });
            Ok(Value::Object(members.collect::<Result<_, _>>()?))
        }
    }
}

fn read_number(digits: &str, shape: &Shape) -> Result<Value, Unread> {
    if shape.number == NumberForm::Integer && !Digits(digits).is_whole() {
        return Err(Unread::new(Why::Unfit {
            expected: shape.kinds,
            found: Kinds::FLOAT,
        }));
    }
    exact(digits, shape.number).ok_or_else(|| Unread::new(Why::Inexact(shown(digits))))
}

/// What a value is, as kinds.
pub(super) fn kinds_of(json: Json<'_>) -> Kinds {
    match json.kind() {
        JsonKind::Null => Kinds::NULL,
        JsonKind::Boolean => Kinds::BOOLEAN,
        JsonKind::Number => Kinds::NUMBER,
        JsonKind::String => Kinds::STRING,
        JsonKind::Array => Kinds::ARRAY,
        JsonKind::Object => Kinds::OBJECT,
    }
}
