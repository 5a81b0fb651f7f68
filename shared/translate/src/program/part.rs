//! Parts of what a program yields, made by it or passed on.

use std::borrow::Cow;

use vrl::value::{Kind, Value};

use super::input::kinds_of;
use super::known_kinds::kinds_in;
use super::stand_in::{Copied, Copies, copied};
use super::write::{text, write};
use crate::{Document, Json, JsonKind, Kinds};

/// A part of a result: made by the mapping, or passed on as it came.
pub(super) enum Part<'v> {
    Made(&'v Value, &'v Copies<'v>),
    Copied(Json<'v>),
}

impl<'v> Part<'v> {
    pub(super) fn of(value: &'v Value, copies: &'v Copies<'v>) -> Self {
        match copied(value, copies).and_then(Copied::json) {
            Some(json) => Self::Copied(json),
            None => Self::Made(value, copies),
        }
    }

    pub(super) fn kinds(&self) -> Kinds {
        match self {
            Self::Made(value, _) => kinds_in(&Kind::from(*value)),
            Self::Copied(json) => kinds_of(*json),
        }
    }

    pub(super) fn elements(&self) -> Option<Vec<Self>> {
        match self {
            Self::Made(Value::Array(elements), copies) => Some(
                elements
                    .iter()
                    .map(|element| Self::of(element, copies))
                    .collect(),
            ),
            Self::Copied(json) if json.kind() == JsonKind::Array => {
                Some(json.elements().map(Self::Copied).collect())
            }
            _ => None,
        }
    }

    pub(super) fn members(&self) -> Option<Vec<(Cow<'v, str>, Self)>> {
        match self {
            Self::Made(Value::Object(members), copies) => Some(
                members
                    .iter()
                    .map(|(name, value)| (Cow::Borrowed(name.as_str()), Self::of(value, copies)))
                    .collect(),
            ),
            Self::Copied(json) if json.kind() == JsonKind::Object => Some(
                json.members()
                    .map(|(name, member)| (name, Self::Copied(member)))
                    .collect(),
            ),
            _ => None,
        }
    }

    pub(super) fn text(&self) -> Result<String, String> {
        let found = match self {
            Self::Made(value, _) if self.kinds() == Kinds::STRING => return text(value),
            Self::Copied(json) => json.as_text(),
            Self::Made(..) => None,
        };
        found
            .map(Cow::into_owned)
            .ok_or_else(|| self.kinds().to_string())
    }

    /// As JSON text.
    ///
    /// # Errors
    /// What JSON cannot hold, in words that go on after "it yields"; `name` is what
    /// this is.
    pub(super) fn json(&self, name: &str) -> Result<String, String> {
        match self {
            Self::Copied(json) => Ok(json.raw().to_owned()),
            Self::Made(value, copies) => {
                let mut json = String::new();
                write(value, copies, 1, &mut json)
                    .map_err(|yielded| format!("{yielded} in `{name}`"))?;
                // What was passed on is deeper inside now than it was.
                Document::parse(json.as_bytes())
                    .map_err(|error| format!("`{name}` that cannot be read ({error})"))?;
                Ok(json)
            }
        }
    }
}

/// A name as errors show it.
pub(super) fn shortened(name: &str) -> String {
    if name.chars().count() > 40 {
        name.chars().take(40).chain(['…']).collect()
    } else {
        name.to_owned()
    }
}
