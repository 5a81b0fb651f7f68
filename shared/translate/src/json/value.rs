//! A value inside a document.

use std::borrow::Cow;

use super::Document;
use super::node::Node;
use super::string::unescape;

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonKind {
    /// `null`
    Null,
    /// `true` or `false`
    Boolean,
    /// Any number.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// A value inside a [`Document`]. Cheap to copy.
#[derive(Debug, Clone, Copy)]
pub struct Json<'d> {
    pub(super) document: &'d Document<'d>,
    pub(super) node: u32,
}

impl<'d> Json<'d> {
    fn here(self) -> Node {
        self.document.node(self.node)
    }

    fn at(self, node: u32) -> Self {
        Self { node, ..self }
    }

    /// What it is.
    #[must_use]
    pub fn kind(self) -> JsonKind {
        self.here().kind
    }

    /// Its text exactly as it came, without white space around it.
    #[must_use]
    pub fn raw(self) -> &'d str {
        let node = self.here();
        &self.document.text()[node.start as usize..node.end as usize]
    }

    /// Whether it is `null`.
    #[must_use]
    pub fn is_null(self) -> bool {
        self.kind() == JsonKind::Null
    }

    /// The boolean, if it is one.
    #[must_use]
    pub fn as_boolean(self) -> Option<bool> {
        (self.kind() == JsonKind::Boolean).then(|| self.raw() == "true")
    }

    /// The string with its escapes resolved, if it is one.
    #[must_use]
    pub fn as_text(self) -> Option<Cow<'d, str>> {
        let node = self.here();
        (node.kind == JsonKind::String).then(|| unescape(self.raw(), node.escaped))
    }

    /// The number as it was written, if it is one.
    #[must_use]
    pub fn as_number(self) -> Option<&'d str> {
        (self.kind() == JsonKind::Number).then(|| self.raw())
    }

    /// How many members or elements it has; 0 if it is no container.
    #[must_use]
    pub fn count(self) -> usize {
        self.here().count as usize
    }

    /// The member of that name, if it is an object that has it. Looks at one key
    /// after the other.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Json<'d>> {
        let node = self.here();
        if node.kind != JsonKind::Object {
            return None;
        }
        let mut at = self.node + 1;
        while at < node.next {
            let name = self.at(at);
            let value = self.at(at + 1);
            if name.is_key(key) {
                return Some(value);
            }
            at = value.here().next;
        }
        None
    }

    fn is_key(self, key: &str) -> bool {
        let node = self.here();
        if node.escaped {
            return unescape(self.raw(), true) == key;
        }
        let length = (node.end - node.start) as usize;
        length == key.len() + 2 && self.raw().as_bytes()[1..=key.len()] == *key.as_bytes()
    }

    /// The element at `index`, counted from 0, if it is an array that has it.
    #[must_use]
    pub fn element(self, index: usize) -> Option<Json<'d>> {
        self.elements().nth(index)
    }

    /// The members in the order of the text; none if it is no object.
    #[must_use]
    pub fn members(self) -> Members<'d> {
        Members(self.inside(JsonKind::Object))
    }

    /// The elements; none if it is no array.
    #[must_use]
    pub fn elements(self) -> Elements<'d> {
        Elements(self.inside(JsonKind::Array))
    }

    fn inside(self, kind: JsonKind) -> Inside<'d> {
        let node = self.here();
        let end = if node.kind == kind {
            node.next
        } else {
            self.node + 1
        };
        Inside {
            next: self.at(self.node + 1),
            end,
        }
    }

    /// Which value of its document it is: no two have the same number.
    pub(crate) fn number(self) -> u32 {
        self.node
    }
}

/// Nodes from `next` to `end`.
#[derive(Debug, Clone)]
struct Inside<'d> {
    next: Json<'d>,
    end: u32,
}

impl<'d> Inside<'d> {
    fn take(&mut self) -> Option<Json<'d>> {
        if self.next.node >= self.end {
            return None;
        }
        let value = self.next;
        self.next.node = value.here().next;
        Some(value)
    }
}

/// Iterator over the members of an object.
#[derive(Debug, Clone)]
pub struct Members<'d>(Inside<'d>);

impl<'d> Iterator for Members<'d> {
    type Item = (Cow<'d, str>, Json<'d>);

    fn next(&mut self) -> Option<Self::Item> {
        let key = self.0.take()?.as_text()?;
        Some((key, self.0.take()?))
    }
}

/// Iterator over the elements of an array.
#[derive(Debug, Clone)]
pub struct Elements<'d>(Inside<'d>);

impl<'d> Iterator for Elements<'d> {
    type Item = Json<'d>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.take()
    }
}
