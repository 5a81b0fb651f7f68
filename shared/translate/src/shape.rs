//! What is known of a value before it is seen.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::Kinds;

/// How a number at a place is given to a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NumberForm {
    /// As it is written: whole without point and exponent, else a float.
    Written,
    /// As an integer, however it is written (`1.0`): the schema says so.
    Integer,
    /// As a float, even when it is whole: the schema says `number`.
    Float,
}

/// What is known of a value: from the envelope, or from what its schema demands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shape {
    pub(crate) kinds: Kinds,
    pub(crate) number: NumberForm,
    /// What is known of members, if it is an object.
    pub(crate) fields: BTreeMap<String, Field>,
    /// What is known of members that are not in `fields`.
    pub(crate) others: Others,
    /// What is known of the elements, if it is an array; nothing if it is absent.
    pub(crate) elements: Option<Arc<Shape>>,
}

/// A member that a schema names.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Field {
    pub(crate) shape: Shape,
    /// Whether it is always there.
    pub(crate) required: bool,
}

/// Members that are not named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Others {
    /// There may be any.
    Anything,
    /// There may be any, and they are text.
    Text,
    /// There are none.
    Forbidden,
}

impl Shape {
    /// Nothing is known.
    pub(crate) fn any() -> Self {
        Self::of(Kinds::ANY)
    }

    /// One of these kinds, and no more is known.
    pub(crate) fn of(kinds: Kinds) -> Self {
        Self {
            kinds,
            number: NumberForm::Written,
            fields: BTreeMap::new(),
            others: Others::Anything,
            elements: None,
        }
    }

    /// A whole number, however it is written.
    pub(crate) fn integer() -> Self {
        Self {
            number: NumberForm::Integer,
            ..Self::of(Kinds::INTEGER)
        }
    }

    /// An object whose members are all text.
    pub(crate) fn map_of_text() -> Self {
        Self {
            others: Others::Text,
            ..Self::of(Kinds::OBJECT)
        }
    }

    /// Whether nothing is known of it.
    pub(crate) fn is_any(&self) -> bool {
        Kinds::JSON.within(self.kinds) && self.number == NumberForm::Written
    }

    /// What is known of a member. A member that may be missing may be null.
    /// `precise`: also of members that are not required; programs are not given
    /// that, so that a `!` or `??` that was right stays right.
    pub(crate) fn member(&self, name: &str, precise: bool) -> Self {
        if !self.kinds.intersects(Kinds::OBJECT) {
            return Self::of(Kinds::NULL);
        }
        let surely_object = self.kinds.within(Kinds::OBJECT);
        let (shape, present) = match (self.fields.get(name), self.others) {
            (Some(field), _) if field.required || precise => (field.shape.clone(), field.required),
            (Some(_), _) | (None, Others::Anything) => (Self::any(), false),
            (None, Others::Text) => (Self::of(Kinds::STRING), false),
            (None, Others::Forbidden) => (Self::of(Kinds::NULL), true),
        };
        shape.or_null(!(surely_object && present))
    }

    /// What is known of an element; null stands for one that is not there.
    pub(crate) fn element(&self) -> Self {
        if !self.kinds.intersects(Kinds::ARRAY) {
            return Self::of(Kinds::NULL);
        }
        self.each_element().or_null(true)
    }

    /// What is known of an element that is there.
    pub(crate) fn each_element(&self) -> Self {
        self.elements
            .as_deref()
            .map_or_else(Self::any, Shape::clone)
    }

    fn or_null(mut self, may_be: bool) -> Self {
        if may_be {
            self.kinds = self.kinds.union(Kinds::NULL);
        }
        self
    }

    /// What is known of a value that is of one or the other.
    pub(crate) fn union(self, other: Self) -> Self {
        let number = match (
            self.kinds.intersects(Kinds::NUMBER),
            other.kinds.intersects(Kinds::NUMBER),
        ) {
            (true, false) => self.number,
            (false, _) => other.number,
            (true, true) => either_form(self.number, other.number),
        };
        let (fields, others) = match (
            self.kinds.intersects(Kinds::OBJECT),
            other.kinds.intersects(Kinds::OBJECT),
        ) {
            (true, false) => (self.fields, self.others),
            (false, _) => (other.fields, other.others),
            (true, true) => {
                let others = if self.others == other.others {
                    self.others
                } else {
                    Others::Anything
                };
                (common_fields(self.fields, other.fields), others)
            }
        };
        let elements = match (
            self.kinds.intersects(Kinds::ARRAY),
            other.kinds.intersects(Kinds::ARRAY),
        ) {
            (true, false) => self.elements,
            (false, _) => other.elements,
            (true, true) => self
                .elements
                .zip(other.elements)
                .map(|(one, other)| Arc::new(Self::union(Self::clone(&one), Self::clone(&other)))),
        };
        Self {
            kinds: self.kinds.union(other.kinds),
            number,
            fields,
            others,
            elements,
        }
    }

    /// What is known of a value that is of both.
    pub(crate) fn intersection(self, other: Self) -> Self {
        let mut fields = self.fields;
        for (name, field) in other.fields {
            let merged = match fields.remove(&name) {
                None => field,
                Some(here) => Field {
                    shape: here.shape.intersection(field.shape),
                    required: here.required || field.required,
                },
            };
            fields.insert(name, merged);
        }
        Self {
            kinds: self.kinds.intersection(other.kinds),
            number: both_forms(self.number, other.number),
            fields,
            others: match (self.others, other.others) {
                (Others::Anything, others) | (others, Others::Anything) => others,
                (here, there) if here == there => here,
                _ => Others::Forbidden,
            },
            elements: match (self.elements, other.elements) {
                (Some(one), Some(other)) => Some(Arc::new(Self::intersection(
                    Self::clone(&one),
                    Self::clone(&other),
                ))),
                (one, other) => one.or(other),
            },
        }
    }
}

fn either_form(one: NumberForm, other: NumberForm) -> NumberForm {
    match (one, other) {
        (NumberForm::Written, _) | (_, NumberForm::Written) => NumberForm::Written,
        (NumberForm::Integer, NumberForm::Integer) => NumberForm::Integer,
        // Every integer is a number.
        _ => NumberForm::Float,
    }
}

fn both_forms(one: NumberForm, other: NumberForm) -> NumberForm {
    match (one, other) {
        (NumberForm::Written, form) | (form, NumberForm::Written) => form,
        (NumberForm::Float, NumberForm::Float) => NumberForm::Float,
        _ => NumberForm::Integer,
    }
}

/// Members that both name; of the rest nothing is known.
fn common_fields(
    one: BTreeMap<String, Field>,
    mut other: BTreeMap<String, Field>,
) -> BTreeMap<String, Field> {
    one.into_iter()
        .filter_map(|(name, field)| {
            let there = other.remove(&name)?;
            let merged = Field {
                shape: field.shape.union(there.shape),
                required: field.required && there.required,
            };
            Some((name, merged))
        })
        .collect()
}
