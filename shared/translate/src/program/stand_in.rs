//! What stands in a result where something was only passed on.

use std::borrow::Cow;

use vrl::compiler::prelude::Bytes;
use vrl::value::Value;

use super::Cell;
use crate::shape::NumberForm;
use crate::{Json, JsonKind};

/// Something that was passed on.
#[derive(Debug, Clone, Copy)]
pub(super) enum Copied<'d> {
    /// A value of a document, and how a number is written that is there.
    Json(Json<'d>, NumberForm),
    /// What a column of a row held.
    Cell(&'d Cell),
}

impl<'d> Copied<'d> {
    /// As JSON text.
    pub(super) fn text(self) -> Cow<'d, str> {
        match self {
            Self::Json(json, _) => Cow::Borrowed(json.raw()),
            Self::Cell(cell) => Cow::Owned(cell.to_json()),
        }
    }

    /// As a value for a column.
    pub(super) fn cell(self) -> Cell {
        match self {
            Self::Json(json, number) => Cell::copied(json, number),
            Self::Cell(cell) => cell.clone(),
        }
    }

    /// As a value of a document, if it is one.
    pub(super) fn json(self) -> Option<Json<'d>> {
        match self {
            Self::Json(json, _) => Some(json),
            Self::Cell(_) => None,
        }
    }
}

/// What was passed on, by the number of its stand-in.
pub(super) type Copies<'d> = Vec<Option<Copied<'d>>>;

/// What was passed on where `value` stands.
pub(super) fn copied<'d>(value: &Value, copies: &Copies<'d>) -> Option<Copied<'d>> {
    copies.get(copy_of(value)?).copied().flatten()
}

/// The name, under the root of the metadata, of the stand-in for copy `number`.
pub(super) fn name_of(number: usize) -> String {
    number.to_string()
}

/// What the bytes of a stand-in begin with. Not UTF-8, so no text of a payload is
/// like it.
const TAG: &[u8] = b"\xff\xfedragoman copy ";

/// The stand-in for a value, of the kind that the value has.
pub(super) fn stand_in(number: usize, kind: JsonKind) -> Value {
    let tagged = |kind: u8| {
        let mut bytes = TAG.to_vec();
        bytes.push(kind);
        bytes.extend(name_of(number).into_bytes());
        Value::Bytes(Bytes::from(bytes))
    };
    match kind {
        JsonKind::Array => Value::Array(vec![tagged(b'a')]),
        JsonKind::Object => Value::Object([("".into(), tagged(b'o'))].into_iter().collect()),
        _ => tagged(b'n'),
    }
}

/// The copy that a value of a result stands for, if it is a stand-in.
pub(super) fn copy_of(value: &Value) -> Option<usize> {
    match value {
        Value::Bytes(_) => number_in(value, b'n'),
        Value::Array(elements) => match elements.as_slice() {
            [one] => number_in(one, b'a'),
            _ => None,
        },
        Value::Object(members) if members.len() == 1 => number_in(members.get("")?, b'o'),
        _ => None,
    }
}

fn number_in(value: &Value, kind: u8) -> Option<usize> {
    let Value::Bytes(bytes) = value else {
        return None;
    };
    let rest = bytes.strip_prefix(TAG)?.strip_prefix(&[kind])?;
    std::str::from_utf8(rest).ok()?.parse().ok()
}
