//! A document as jsonschema looks at it: without a copy, and with its digits.

use std::borrow::Cow;
use std::collections::HashSet;

use jsonschema::JsonType;
use jsonschema::json::{self, JsonNumber, Node, NodeIdentity, Object};
use serde_json::Value;

use super::bounds::{canonical, same_number};
use crate::json::Digits;
use crate::{Elements, Json, JsonKind, Members};

/// Documents of this crate, as a representation of JSON.
#[derive(Debug)]
pub(super) struct Strict;

/// A value of a document, or the name of a member.
#[derive(Debug, Clone, Copy)]
pub(super) enum Instance<'a> {
    Value(Json<'a>),
    Name(&'a str),
}

impl json::Json for Strict {
    type Node<'a> = Instance<'a>;
    type PreparedKey = String;
    /// Members are looked up by going through the keys, so a pass over all of them is
    /// soon cheaper.
    const KEYS_PER_LOOKUP: usize = 8;
    const ACYCLIC: bool = true;
    type StringBuffer = ();

    fn prepare_key(key: &str) -> String {
        key.to_owned()
    }

    fn with_string_node<T>((): &mut (), string: &str, f: impl FnOnce(Instance<'_>) -> T) -> T {
        f(Instance::Name(string))
    }
}

impl<'a> Node<'a, Strict> for Instance<'a> {
    type Object = Container<'a>;
    type Array = Container<'a>;
    type Number = Number<'a>;

    fn as_object(&self) -> Option<Container<'a>> {
        self.container(JsonKind::Object)
    }

    fn as_array(&self) -> Option<Container<'a>> {
        self.container(JsonKind::Array)
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        match self {
            Self::Value(json) => json.as_text(),
            Self::Name(name) => Some(Cow::Borrowed(name)),
        }
    }

    fn as_number(&self) -> Option<Number<'a>> {
        match self {
            Self::Value(json) => json.as_number().map(Number),
            Self::Name(_) => None,
        }
    }

    fn as_boolean(&self) -> Option<bool> {
        match self {
            Self::Value(json) => json.as_boolean(),
            Self::Name(_) => None,
        }
    }

    fn is_null(&self) -> bool {
        matches!(self, Self::Value(json) if json.is_null())
    }

    fn json_type(&self) -> JsonType {
        match self {
            Self::Name(_) => JsonType::String,
            Self::Value(json) => match json.kind() {
                JsonKind::Null => JsonType::Null,
                JsonKind::Boolean => JsonType::Boolean,
                JsonKind::Number => JsonType::Number,
                JsonKind::String => JsonType::String,
                JsonKind::Array => JsonType::Array,
                JsonKind::Object => JsonType::Object,
            },
        }
    }

    fn equals_value(&self, expected: &Value) -> bool {
        match self {
            Self::Name(name) => expected.as_str() == Some(name),
            Self::Value(json) => equal(*json, expected),
        }
    }

    /// For errors, which are told without the payload: so there is nothing to copy.
    fn to_value(&self) -> Cow<'a, Value> {
        Cow::Owned(Value::Null)
    }

    fn identity(&self) -> Option<NodeIdentity> {
        match self {
            Self::Value(json) => Some(NodeIdentity::tagged(0, json.number())),
            Self::Name(_) => None,
        }
    }
}

impl<'a> Instance<'a> {
    fn container(&self, kind: JsonKind) -> Option<Container<'a>> {
        match self {
            Self::Value(json) if json.kind() == kind => Some(Container(*json)),
            _ => None,
        }
    }
}

/// Documents are at most [`MAX_DEPTH`](crate::MAX_DEPTH) deep, and so is this.
fn equal(json: Json<'_>, expected: &Value) -> bool {
    match expected {
        Value::Null => json.is_null(),
        Value::Bool(boolean) => json.as_boolean() == Some(*boolean),
        Value::Number(number) => json
            .as_number()
            .is_some_and(|digits| same_number(digits, number)),
        Value::String(text) => json.as_text().is_some_and(|found| found == *text),
        Value::Array(elements) => {
            json.kind() == JsonKind::Array
                && json.count() == elements.len()
                && json
                    .elements()
                    .zip(elements)
                    .all(|(found, expected)| equal(found, expected))
        }
        Value::Object(members) => {
            json.kind() == JsonKind::Object
                && json.count() == members.len()
                && json.members().all(|(name, found)| {
                    members
                        .get(name.as_ref())
                        .is_some_and(|expected| equal(found, expected))
                })
        }
    }
}

/// An array or an object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Container<'a>(Json<'a>);

impl<'a> Object<'a, Strict> for Container<'a> {
    type Node = Instance<'a>;
    type MemberName = Cow<'a, str>;
    type MembersIter = MemberNodes<'a>;

    fn len(&self) -> usize {
        self.0.count()
    }

    fn get(&self, key: &String) -> Option<Instance<'a>> {
        self.0.get(key).map(Instance::Value)
    }

    fn members(&self) -> MemberNodes<'a> {
        MemberNodes(self.0.members())
    }
}

/// The members of an object.
pub(super) struct MemberNodes<'a>(Members<'a>);

impl<'a> Iterator for MemberNodes<'a> {
    type Item = (Cow<'a, str>, Instance<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, value) = self.0.next()?;
        Some((name, Instance::Value(value)))
    }
}

impl<'a> json::Array<'a, Strict> for Container<'a> {
    type Node = Instance<'a>;
    type ElementsIter = ElementNodes<'a>;

    fn len(&self) -> usize {
        self.0.count()
    }

    fn elements(&self) -> ElementNodes<'a> {
        ElementNodes(self.0.elements())
    }

    fn is_unique(&self) -> bool {
        let mut seen = HashSet::with_capacity(self.0.count());
        self.0.elements().all(|element| {
            let mut text = String::new();
            canonical(element, &mut text);
            seen.insert(text)
        })
    }
}

/// The elements of an array.
pub(super) struct ElementNodes<'a>(Elements<'a>);

impl<'a> Iterator for ElementNodes<'a> {
    type Item = Instance<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(Instance::Value)
    }
}

/// A number with its digits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Number<'a>(pub(super) &'a str);

impl JsonNumber for Number<'_> {
    fn as_u64(&self) -> Option<u64> {
        self.0.parse().ok()
    }

    fn as_i64(&self) -> Option<i64> {
        self.0.parse().ok()
    }

    fn as_f64(&self) -> Option<f64> {
        self.0.parse().ok().filter(|float: &f64| float.is_finite())
    }

    fn as_str(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.0)
    }

    fn to_number(&self) -> Cow<'_, serde_json::Number> {
        let number = self.as_f64().and_then(serde_json::Number::from_f64);
        Cow::Owned(number.unwrap_or_else(|| 0.into()))
    }

    fn is_integer(&self) -> bool {
        Digits(self.0).is_whole()
    }
}
