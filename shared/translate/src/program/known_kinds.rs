//! What is known of values, as VRL's compiler wants it told and tells it.

use vrl::value::Kind;
use vrl::value::kind::{Collection, Field as FieldName, Index};

use crate::Kinds;
use crate::shape::{NumberForm, Others, Shape};

/// What is known of a value, for VRL's compiler.
pub(super) fn kind_of(shape: &Shape) -> Kind {
    if shape.is_any() {
        return Kind::any();
    }
    let mut kind = Kind::never();
    let has = |kinds| shape.kinds.intersects(kinds);
    if has(Kinds::NULL) {
        kind = kind.or_null();
    }
    if has(Kinds::BOOLEAN) {
        kind = kind.or_boolean();
    }
    if has(Kinds::STRING) {
        kind = kind.or_bytes();
    }
    if has(Kinds::TIMESTAMP) {
        kind = kind.or_timestamp();
    }
    if has(Kinds::NUMBER) {
        kind = match shape.number {
            NumberForm::Integer => kind.or_integer(),
            NumberForm::Float => kind.or_float(),
            NumberForm::Written => kind.or_integer().or_float(),
        };
    }
    if has(Kinds::ARRAY) {
        kind = kind.or_array(Collection::<Index>::from_unknown(kind_of(
            &shape.each_element(),
        )));
    }
    if has(Kinds::OBJECT) {
        kind = kind.or_object(members_of(shape));
    }
    kind
}

fn members_of(shape: &Shape) -> Collection<FieldName> {
    let others = match shape.others {
        Others::Anything => Kind::any(),
        Others::Text => Kind::bytes(),
        // Members that are not required are there, untyped.
        Others::Forbidden if shape.fields.values().any(|field| !field.required) => Kind::any(),
        Others::Forbidden => Kind::undefined(),
    };
    let known = shape
        .fields
        .iter()
        .filter(|(_, field)| field.required)
        .map(|(name, field)| (name.as_str().into(), kind_of(&field.shape)))
        .collect();
    Collection::from_parts(known, others)
}

/// What VRL's compiler knows of a value, as kinds.
pub(super) fn kinds_in(kind: &Kind) -> Kinds {
    // To VRL, never is a part of everything.
    if kind.is_never() {
        return Kinds::NEVER;
    }
    [
        (
            kind.contains_null() || kind.contains_undefined(),
            Kinds::NULL,
        ),
        (kind.contains_boolean(), Kinds::BOOLEAN),
        (kind.contains_integer(), Kinds::INTEGER),
        (kind.contains_float(), Kinds::FLOAT),
        // A regular expression is written down as text.
        (
            kind.contains_bytes() || kind.contains_regex(),
            Kinds::STRING,
        ),
        (kind.contains_timestamp(), Kinds::TIMESTAMP),
        (kind.contains_array(), Kinds::ARRAY),
        (kind.contains_object(), Kinds::OBJECT),
    ]
    .into_iter()
    .filter(|(contains, _)| *contains)
    .fold(Kinds::NEVER, |kinds, (_, more)| kinds.union(more))
}
