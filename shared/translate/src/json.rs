//! Strict JSON that keeps its text.
use std::borrow::Cow;
use thiserror::Error;

/// How deep arrays and objects may be nested.
pub const MAX_DEPTH: usize = 128;

/// One JSON document, read strictly, with its text: any value in it can be had as
/// the bytes that came.
#[derive(Debug)]
pub struct Document<'a> {
    text: &'a str,
}

impl<'a> Document<'a> {
    /// Reads exactly one document: UTF-8 without a byte order mark, no duplicate
    /// keys, at most [`MAX_DEPTH`] deep, no NUL in strings.
    ///
    /// # Errors
    /// The first thing that is wrong, with its place.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, JsonError> {
        let _ = bytes;
        todo!()
    }

    /// The text as it came, white space around the value included.
    #[must_use]
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The value that the document is.
    #[must_use]
    pub fn root(&self) -> Json<'_> {
        todo!()
    }
}

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
    document: &'d Document<'d>,
}

#[allow(missing_docs, clippy::missing_const_for_fn)]
impl<'d> Json<'d> {
    /// What it is.
    #[must_use]
    pub fn kind(self) -> JsonKind {
        todo!()
    }
    /// Its text exactly as it came, without white space around it.
    #[must_use]
    pub fn raw(self) -> &'d str {
        self.document.text
    }
    /// The boolean, if it is one.
    #[must_use]
    pub fn as_boolean(self) -> Option<bool> {
        todo!()
    }
    /// The string with its escapes resolved, if it is one.
    #[must_use]
    pub fn as_text(self) -> Option<Cow<'d, str>> {
        todo!()
    }
    /// The number as it was written, if it is one.
    #[must_use]
    pub fn as_number(self) -> Option<&'d str> {
        todo!()
    }
    /// The member of that name, if it is an object that has it.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Json<'d>> {
        let _ = key;
        todo!()
    }
    /// The members in the order of the text; none if it is no object.
    #[must_use]
    pub fn members(self) -> Members<'d> {
        todo!()
    }
    /// The elements; none if it is no array.
    #[must_use]
    pub fn elements(self) -> Elements<'d> {
        todo!()
    }
}

/// Iterator over the members of an object.
#[derive(Debug, Clone)]
pub struct Members<'d>(std::marker::PhantomData<&'d ()>);
impl<'d> Iterator for Members<'d> {
    type Item = (Cow<'d, str>, Json<'d>);
    fn next(&mut self) -> Option<Self::Item> {
        todo!()
    }
}

/// Iterator over the elements of an array.
#[derive(Debug, Clone)]
pub struct Elements<'d>(std::marker::PhantomData<&'d ()>);
impl<'d> Iterator for Elements<'d> {
    type Item = Json<'d>;
    fn next(&mut self) -> Option<Self::Item> {
        todo!()
    }
}

/// A text that is no strict JSON document, and where it stops being one.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{kind} at line {line}, column {column}")]
pub struct JsonError {
    /// What is wrong.
    pub kind: JsonErrorKind,
    /// JSON pointer of the value that is being read there; empty for the whole document.
    pub pointer: String,
    /// Bytes before it.
    pub offset: usize,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// What is wrong with a text that is no strict JSON document.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum JsonErrorKind {
    /// Nothing but white space.
    #[error("the body is empty")]
    Empty,
}
