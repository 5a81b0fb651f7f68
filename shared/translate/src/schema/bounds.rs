//! Keywords that compare numbers, as decimals.

use std::str::FromStr;

use bigdecimal::BigDecimal;
use jsonschema::json::Node;
use jsonschema::{Keyword, ValidationError, ValidationOptions};
use serde_json::Value;

use super::decimal::Given;
use super::instance::{Instance, Strict};
use crate::json::write_quoted;
use crate::{Json, JsonKind};

/// `options` with keywords for numbers that look at every digit.
pub(super) fn exact<'i, R>(
    options: ValidationOptions<'i, R, Strict>,
) -> ValidationOptions<'i, R, Strict> {
    let options = options
        .with_keyword("const", |_, value, _| {
            Ok(Box::new(OneOf(vec![value.clone()])))
        })
        .with_keyword("enum", |_, value, _| {
            Ok(Box::new(OneOf(
                value.as_array().cloned().unwrap_or_default(),
            )))
        });
    [
        ("minimum", Bound::Minimum),
        ("maximum", Bound::Maximum),
        ("exclusiveMinimum", Bound::ExclusiveMinimum),
        ("exclusiveMaximum", Bound::ExclusiveMaximum),
        ("multipleOf", Bound::MultipleOf),
    ]
    .into_iter()
    .fold(options, |options, (name, bound)| {
        options.with_keyword(name, move |_, value, _| match Limit::new(bound, value) {
            Some(limit) => Ok(Box::new(limit)),
            // The meta-schema has been looked at before.
            None => Err(ValidationError::custom("a number is needed here")),
        })
    })
}

/// `const` and `enum`.
struct OneOf(Vec<Value>);

impl<'i> Keyword<'i, Strict> for OneOf {
    fn validate(&self, instance: Instance<'i>) -> Result<(), ValidationError<'i>> {
        if Keyword::<Strict>::is_valid(self, instance) {
            return Ok(());
        }
        let allowed: Vec<String> = self.0.iter().map(Value::to_string).collect();
        Err(ValidationError::custom(match allowed.as_slice() {
            [only] => format!("value is not {only}"),
            several => format!("value is not one of {}", several.join(", ")),
        }))
    }

    fn is_valid(&self, instance: Instance<'i>) -> bool {
        self.0.iter().any(|allowed| instance.equals_value(allowed))
    }
}

#[derive(Debug, Clone, Copy)]
enum Bound {
    Minimum,
    Maximum,
    ExclusiveMinimum,
    ExclusiveMaximum,
    MultipleOf,
}

struct Limit {
    bound: Bound,
    limit: Given,
}

impl Limit {
    fn new(bound: Bound, value: &Value) -> Option<Self> {
        let limit = Given::new(value.as_number()?)?;
        Some(Self { bound, limit })
    }

    fn holds(&self, digits: &str) -> bool {
        match self.bound {
            Bound::Minimum => self.limit.compare(digits).is_ge(),
            Bound::Maximum => self.limit.compare(digits).is_le(),
            Bound::ExclusiveMinimum => self.limit.compare(digits).is_gt(),
            Bound::ExclusiveMaximum => self.limit.compare(digits).is_lt(),
            Bound::MultipleOf => self.limit.divides(digits),
        }
    }

    fn demand(&self) -> String {
        let limit = &self.limit;
        match self.bound {
            Bound::Minimum => format!("value is less than the minimum of {limit}"),
            Bound::Maximum => format!("value is greater than the maximum of {limit}"),
            Bound::ExclusiveMinimum => format!("value is not greater than {limit}"),
            Bound::ExclusiveMaximum => format!("value is not less than {limit}"),
            Bound::MultipleOf => format!("value is not a multiple of {limit}"),
        }
    }
}

impl<'i> Keyword<'i, Strict> for Limit {
    fn validate(&self, instance: Instance<'i>) -> Result<(), ValidationError<'i>> {
        if Keyword::<Strict>::is_valid(self, instance) {
            Ok(())
        } else {
            Err(ValidationError::custom(self.demand()))
        }
    }

    fn is_valid(&self, instance: Instance<'i>) -> bool {
        instance
            .as_number()
            .is_none_or(|number| self.holds(number.0))
    }
}

/// Whether a number of a document is the number of a schema.
pub(super) fn same_number(digits: &str, expected: &serde_json::Number) -> bool {
    Given::new(expected).is_some_and(|expected| expected.compare(digits).is_eq())
}

/// Writes a value so that equal values have equal texts: members by name, numbers
/// without what does not change them.
///
/// Documents are at most [`MAX_DEPTH`](crate::MAX_DEPTH) deep, and so is this.
pub(super) fn canonical(json: Json<'_>, out: &mut String) {
    match json.kind() {
        JsonKind::Null | JsonKind::Boolean => out.push_str(json.raw()),
        JsonKind::Number => match BigDecimal::from_str(json.raw()) {
            Ok(number) => {
                let (digits, scale) = number.normalized().into_bigint_and_exponent();
                out.push_str(&format!("{digits}e{scale}"));
            }
            Err(_) => out.push_str(json.raw()),
        },
        JsonKind::String => write_quoted(&json.as_text().unwrap_or_default(), out),
        JsonKind::Array => {
            out.push('[');
            for element in json.elements() {
                canonical(element, out);
                out.push(',');
            }
            out.push(']');
        }
        JsonKind::Object => {
            let mut members: Vec<_> = json.members().collect();
            members.sort_by(|(one, _), (other, _)| one.cmp(other));
            out.push('{');
            for (name, member) in members {
                write_quoted(&name, out);
                out.push(':');
                canonical(member, out);
                out.push(',');
            }
            out.push('}');
        }
    }
}
