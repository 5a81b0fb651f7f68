//! From the body of a delivery, in the form in which it came, to JSON text: the one form
//! that mappings see.

mod error;
mod form;
mod xml;
mod xml_element;
mod xml_text;

pub use error::{DecodeError, FormError, XmlError, XmlErrorKind};
pub use form::form_to_json;
pub use xml::{MAX_XML_DEPTH, xml_to_json};

use serde_json::{Map, Value};

/// Members of which one may come again: then they are an array.
#[derive(Debug, Default)]
struct Members(Map<String, Value>);

impl Members {
    /// Adds a value under a name. `in_array` makes an array even of one.
    fn add(&mut self, name: String, value: Value, in_array: bool) {
        match self.0.get_mut(&name) {
            // No value of a form or of an element is an array itself.
            Some(Value::Array(all)) => all.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
            None if in_array => drop(self.0.insert(name, Value::Array(vec![value]))),
            None => drop(self.0.insert(name, value)),
        }
    }
}
