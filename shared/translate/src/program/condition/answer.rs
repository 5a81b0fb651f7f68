//! An answer, opened for conditions.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use vrl::value::Value;

use super::super::input::{Input, Place};
use crate::Document;

/// The answer of a receiver, opened for conditions.
///
/// Its body is looked at when the first condition reads it: the JSON when it is one
/// strict JSON document, else its text, with `�` for what is no UTF-8; null when there
/// is none.
#[derive(Debug)]
pub struct AnswerView<'a> {
    status: Value,
    headers: BTreeMap<String, String>,
    bytes: &'a [u8],
    body: OnceLock<Body<'a>>,
}

#[derive(Debug)]
enum Body<'a> {
    None,
    Json(Document<'a>),
    Text(String),
}

impl<'a> AnswerView<'a> {
    /// Opens an answer. Names of headers are made lower-case; the values of headers of
    /// one name are put together with `, `, as HTTP says.
    #[must_use]
    pub fn new(
        status: u16,
        headers: impl IntoIterator<Item = (String, String)>,
        body: &'a [u8],
    ) -> Self {
        let mut gathered: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in headers {
            gathered
                .entry(name.to_ascii_lowercase())
                .and_modify(|before| {
                    before.push_str(", ");
                    before.push_str(&value);
                })
                .or_insert(value);
        }
        Self {
            status: Value::Integer(status.into()),
            headers: gathered,
            bytes: body,
            body: OnceLock::new(),
        }
    }

    fn body(&self) -> Option<Place<'_>> {
        let bytes = self.bytes;
        let body = self.body.get_or_init(|| match Document::parse(bytes) {
            _ if bytes.is_empty() => Body::None,
            Ok(document) => Body::Json(document),
            Err(_) => Body::Text(String::from_utf8_lossy(bytes).into_owned()),
        });
        match body {
            Body::None => None,
            Body::Json(document) => Some(Place::Json(document.root())),
            Body::Text(text) => Some(Place::Text(text)),
        }
    }
}

/// What a condition reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct AnswerInput<'v, 'a>(pub(super) &'v AnswerView<'a>);

impl<'v> Input<'v> for AnswerInput<'v, '_> {
    fn place(&self, name: &str) -> Option<Place<'v>> {
        let answer = self.0;
        match name {
            "status" => Some(Place::Made(&answer.status)),
            "headers" => Some(Place::Map(&answer.headers)),
            "body" => answer.body(),
            _ => None,
        }
    }

    fn names(&self) -> &'static [&'static str] {
        &["status", "headers", "body"]
    }
}
