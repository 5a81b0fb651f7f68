//! What a schema demands, as far as programs can use it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::Kinds;
use crate::shape::{Field, NumberForm, Others, Shape};

/// How many subschemas are looked at inside each other; below that, and so in schemas
/// that refer to themselves, nothing is known.
const MAX_DEPTH: usize = 16;

/// What a schema demands. It may demand more, never less.
pub(super) fn shape(schema: &Value) -> Shape {
    Reader { root: schema }.shape(schema, 0)
}

struct Reader<'s> {
    root: &'s Value,
}

impl Reader<'_> {
    fn shape(&self, schema: &Value, depth: usize) -> Shape {
        let Some(keywords) = schema.as_object() else {
            return match schema {
                Value::Bool(false) => Shape::of(Kinds::NEVER),
                _ => Shape::any(),
            };
        };
        if depth > MAX_DEPTH {
            return Shape::any();
        }
        let mut shape = self.own(keywords, depth);
        if let Some(Value::String(reference)) = keywords.get("$ref") {
            let target = reference
                .strip_prefix('#')
                .and_then(|pointer| self.root.pointer(pointer));
            if let Some(target) = target {
                shape = shape.intersection(self.shape(target, depth + 1));
            }
        }
        for part in list(keywords, "allOf") {
            shape = shape.intersection(self.shape(part, depth + 1));
        }
        for keyword in ["anyOf", "oneOf"] {
            let any_of = list(keywords, keyword)
                .iter()
                .map(|part| self.shape(part, depth + 1))
                .reduce(Shape::union);
            if let Some(any_of) = any_of {
                shape = shape.intersection(any_of);
            }
        }
        shape
    }

    /// What its keywords demand, but for those that combine schemas.
    fn own(&self, keywords: &Map<String, Value>, depth: usize) -> Shape {
        let mut shape = Shape::any();
        if let Some(types) = keywords.get("type") {
            (shape.kinds, shape.number) = of_types(types);
        }
        for keyword in ["const", "enum"] {
            let values: Vec<&Value> = match keywords.get(keyword) {
                Some(Value::Array(values)) if keyword == "enum" => values.iter().collect(),
                Some(value) if keyword == "const" => vec![value],
                _ => continue,
            };
            let kinds = values
                .into_iter()
                .fold(Kinds::NEVER, |kinds, value| kinds.union(kinds_of(value)));
            shape.kinds = shape.kinds.intersection(kinds);
        }
        shape.fields = self.fields(keywords, depth);
        let closed = keywords.get("additionalProperties") == Some(&Value::Bool(false))
            && !keywords.contains_key("patternProperties");
        if closed {
            shape.others = Others::Forbidden;
        }
        let has_first = keywords.contains_key("prefixItems");
        if let Some(items) = keywords.get("items").filter(|_| !has_first) {
            shape.elements = Some(Arc::new(self.shape(items, depth + 1)));
        }
        shape
    }

    fn fields(&self, keywords: &Map<String, Value>, depth: usize) -> BTreeMap<String, Field> {
        let required: Vec<&str> = list(keywords, "required")
            .iter()
            .filter_map(Value::as_str)
            .collect();
        let named = keywords
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .map(|(name, schema)| {
                let field = Field {
                    shape: self.shape(schema, depth + 1),
                    required: required.contains(&name.as_str()),
                };
                (name.clone(), field)
            });
        let mut fields: BTreeMap<String, Field> = named.collect();
        for name in required {
            fields.entry(name.to_owned()).or_insert_with(|| Field {
                shape: Shape::any(),
                required: true,
            });
        }
        fields
    }
}

fn list<'v>(keywords: &'v Map<String, Value>, keyword: &str) -> &'v [Value] {
    keywords
        .get(keyword)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn of_types(types: &Value) -> (Kinds, NumberForm) {
    let names: Vec<&str> = match types {
        Value::String(name) => vec![name],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => return (Kinds::ANY, NumberForm::Written),
    };
    let kinds = names.iter().fold(Kinds::NEVER, |kinds, name| {
        kinds.union(match *name {
            "null" => Kinds::NULL,
            "boolean" => Kinds::BOOLEAN,
            "integer" => Kinds::INTEGER,
            "number" => Kinds::NUMBER,
            "string" => Kinds::STRING,
            "array" => Kinds::ARRAY,
            "object" => Kinds::OBJECT,
            _ => Kinds::ANY,
        })
    });
    let number = if names.contains(&"number") {
        NumberForm::Float
    } else if names.contains(&"integer") {
        NumberForm::Integer
    } else {
        NumberForm::Written
    };
    (kinds, number)
}

fn kinds_of(value: &Value) -> Kinds {
    match value {
        Value::Null => Kinds::NULL,
        Value::Bool(_) => Kinds::BOOLEAN,
        Value::Number(_) => Kinds::NUMBER,
        Value::String(_) => Kinds::STRING,
        Value::Array(_) => Kinds::ARRAY,
        Value::Object(_) => Kinds::OBJECT,
    }
}
