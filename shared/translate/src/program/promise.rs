//! Whether data that a program yields can be what its schema forbids.

use vrl::value::Kind;

use super::known_kinds::kinds_in;
use crate::Kinds;
use crate::shape::{Others, Shape};

/// What the data may be that its schema forbids, in words that begin a sentence.
/// Where types tell nothing, nothing is objected.
pub(super) fn objections(data: &Kind, shape: &Shape) -> Vec<String> {
    let mut found = Vec::new();
    compare(data, shape, "data", &mut found);
    found
}

fn compare(kind: &Kind, shape: &Shape, path: &str, found: &mut Vec<String>) {
    let kinds = kinds_in(&kind.without_undefined());
    if Kinds::JSON.within(kinds) {
        return;
    }
    // A timestamp is written down as text.
    let written = if kinds.intersects(Kinds::TIMESTAMP) {
        kinds.without(Kinds::TIMESTAMP).union(Kinds::STRING)
    } else {
        kinds
    };
    let forbidden = written.without(shape.kinds);
    if forbidden != Kinds::NEVER {
        let may = if written.intersects(shape.kinds) {
            "may be"
        } else {
            "is"
        };
        found.push(format!(
            "`{path}` {may} {forbidden}, and must be {}",
            shape.kinds
        ));
        return;
    }
    if let (Some(array), Some(elements)) = (kind.as_array(), &shape.elements) {
        for (index, element) in array.known() {
            let index = index.to_usize();
            compare(element, elements, &format!("{path}[{index}]"), found);
        }
        let unknown = array.unknown_kind().without_undefined();
        if unknown.contains_any_defined() {
            compare(&unknown, elements, &format!("{path}[]"), found);
        }
    }
    if let Some(object) = kind.as_object() {
        members(object, shape, path, found);
    }
}

fn members(
    object: &vrl::value::kind::Collection<vrl::value::kind::Field>,
    shape: &Shape,
    path: &str,
    found: &mut Vec<String>,
) {
    let others = object.unknown_kind();
    for (name, field) in &shape.fields {
        let kind = object.known().get(&name.as_str().into()).unwrap_or(&others);
        let member = format!("{path}.{name}");
        let any = Kinds::JSON.within(kinds_in(&kind.without_undefined()));
        if any {
            continue;
        }
        if !kind.contains_any_defined() {
            if field.required {
                found.push(format!("`{member}` is missing, and must be there"));
            }
            continue;
        }
        if field.required && kind.contains_undefined() {
            found.push(format!("`{member}` may be missing, and must be there"));
        }
        compare(kind, &field.shape, &member, found);
    }
    if shape.others == Others::Forbidden {
        let unknown = object
            .known()
            .keys()
            .filter(|name| !shape.fields.contains_key(name.as_str()));
        for name in unknown {
            found.push(format!("`{path}.{name}` must not be there"));
        }
    }
}
