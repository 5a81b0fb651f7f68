//! What programs after the log can see.

use super::Each;
use super::scope::Scope;
use crate::shape::Shape;
use crate::{Kinds, Schema};

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
        Self {
            scope: self.scope.clone().with("item", each.item_shape().clone()),
        }
    }
}
