//! What is called with.

use bytes::Bytes;

/// One call, as a program made it from an event. Nothing in it is trusted: what could
/// reach another server than the endpoint's, or say something in the hub's name, is
/// [`Unsendable`](crate::Unsendable).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// `GET`, `HEAD`, `POST`, `PUT`, `PATCH`, `DELETE` or `OPTIONS`.
    pub method: String,
    /// What follows the endpoint's URL: empty, or a path that begins with a slash, with a
    /// query behind it or not, or a query alone. Characters that a URL cannot hold are
    /// percent-encoded; what is percent-encoded stays as it is.
    pub path: String,
    /// Names and values. Not those that the hub sets itself.
    pub headers: Vec<(String, String)>,
    /// The body; `None` for none.
    pub body: Option<Bytes>,
    /// Sent as `Idempotency-Key`, the same for each attempt at the same effect.
    pub idempotency_key: Option<String>,
}

impl Call {
    /// A call without headers, body and key.
    #[must_use]
    pub fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: None,
            idempotency_key: None,
        }
    }
}
