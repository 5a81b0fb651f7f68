//! In which form deliveries come.

use std::borrow::Cow;
use std::collections::BTreeSet;

use dragoman_translate::{DecodeError, form_to_json, xml_to_json};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// In which form deliveries come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decode {
    /// Strict JSON (RFC 8259): no duplicate keys, at most 128 deep.
    #[default]
    Json,
    /// XML 1.0: local names, attributes as `@name`, repeated elements as arrays, every
    /// value text; no DTD, at most 60 deep.
    Xml,
    /// A form (`application/x-www-form-urlencoded`): every value text, repeated fields as
    /// arrays.
    Form,
}

/// How the bodies of an adapter are decoded.
#[derive(Debug)]
pub(crate) struct Decoder {
    pub(crate) form: Decode,
    /// What is an array even when it is there once.
    pub(crate) arrays: BTreeSet<String>,
}

impl Decoder {
    /// The body as JSON text, which is not looked at when it comes as such.
    ///
    /// # Errors
    /// When it is not in that form.
    pub(crate) fn json<'b>(&self, body: &'b [u8]) -> Result<Cow<'b, [u8]>, DecodeError> {
        let json = match self.form {
            Decode::Json => return Ok(Cow::Borrowed(body)),
            Decode::Xml => xml_to_json(body, &self.arrays).map_err(DecodeError::Xml),
            Decode::Form => form_to_json(body, &self.arrays).map_err(DecodeError::Form),
        };
        json.map(|json| Cow::Owned(json.into_bytes()))
    }
}
