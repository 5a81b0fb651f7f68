//! Requests, read from what a program yields.

use vrl::value::Value;

use super::super::part::{Part, shortened};
use super::super::stand_in::Copies;
use super::path;
use crate::Kinds;

/// A request as a program makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappedRequest {
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`; `POST` when the program says none.
    pub method: String,
    /// What is added to the address of the receiver, the query included: empty, or
    /// beginning with `/` or `?`. It has no `.` or `..` as a step.
    pub path: String,
    /// Names as the program writes them, and values.
    pub headers: Vec<(String, String)>,
    /// Absent: no body.
    pub body: Option<RequestBody>,
}

/// The body of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestBody {
    /// JSON text.
    Json(String),
    /// Text, to be sent as it is.
    Text(String),
}

/// The members that a request has.
pub(super) const MEMBERS: [&str; 5] = ["method", "path", "query", "headers", "body"];
/// The methods that a request may have.
pub(super) const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

pub(super) const SHAPE: &str = "a request is { method, path, query, headers, body }, each of \
                                which may be left out; null means that there is nothing to send";
pub(super) const METHOD: &str = "the methods are GET, POST, PUT, PATCH and DELETE";
pub(super) const PATH: &str = "a path is a text that is added to the sink's `url`, as in \
                               \"/orders\"; parameters go into `query`";
pub(super) const HEADERS: &str = "headers are an object of texts, numbers and booleans, as in \
                                  { \"x-kind\": .type }";
pub(super) const QUERY: &str = "a query is an object of texts, numbers and booleans, as in \
                                { \"page\": 1 }";

/// Why something is no request.
pub(super) struct NoRequest {
    /// What it is instead, in words that go on after "it yields".
    pub(super) yielded: String,
    /// What to do.
    pub(super) help: &'static str,
}

fn no_request(yielded: impl Into<String>, help: &'static str) -> NoRequest {
    NoRequest {
        yielded: yielded.into(),
        help,
    }
}

/// The request that a result is; none for null.
pub(super) fn request(
    value: &Value,
    copies: &Copies<'_>,
) -> Result<Option<MappedRequest>, NoRequest> {
    let result = Part::of(value, copies);
    if result.kinds() == Kinds::NULL {
        return Ok(None);
    }
    let Some(members) = result.members() else {
        let message = format!("{} where a request should be", result.kinds());
        return Err(no_request(message, SHAPE));
    };
    if let Some((name, _)) = members
        .iter()
        .find(|(name, _)| !MEMBERS.contains(&name.as_ref()))
    {
        let message = format!("a request with a member `{}`", shortened(name));
        return Err(no_request(message, SHAPE));
    }
    let member = |wanted: &str| {
        let found = members.iter().find(|(name, _)| name == wanted);
        found
            .map(|(_, part)| part)
            .filter(|part| part.kinds() != Kinds::NULL)
    };
    Ok(Some(MappedRequest {
        method: member("method").map_or_else(|| Ok("POST".to_owned()), method)?,
        path: whole_path(member("path"), member("query"))?,
        headers: member("headers").map_or_else(|| Ok(Vec::new()), headers)?,
        body: member("body").map(body).transpose()?,
    }))
}

fn method(part: &Part<'_>) -> Result<String, NoRequest> {
    let text = part
        .text()
        .map_err(|found| no_request(format!("{found} as `method`"), METHOD))?;
    let method = text.to_ascii_uppercase();
    if METHODS.contains(&method.as_str()) {
        return Ok(method);
    }
    let message = format!("`{}` as `method`", shortened(&text));
    Err(no_request(message, METHOD))
}

fn whole_path(path: Option<&Part<'_>>, query: Option<&Part<'_>>) -> Result<String, NoRequest> {
    let text = path.map_or_else(|| Ok(String::new()), Part::text);
    let mut whole = text.map_err(|found| no_request(format!("{found} as `path`"), PATH))?;
    if let Some(objection) = path::objection(&whole) {
        return Err(no_request(objection, PATH));
    }
    for (name, value) in
        query.map_or_else(|| Ok(Vec::new()), |part| scalars(part, "query", QUERY))?
    {
        path::add_parameter(&mut whole, &name, &value);
    }
    Ok(whole)
}

fn headers(part: &Part<'_>) -> Result<Vec<(String, String)>, NoRequest> {
    let headers = scalars(part, "headers", HEADERS)?;
    for (name, value) in &headers {
        if !is_token(name) {
            let message = format!("`{}` as the name of a header", shortened(name));
            return Err(no_request(message, HEADERS));
        }
        if value.contains(|letter: char| letter.is_control() && letter != '\t') {
            let message = format!("a control character in `headers.{name}`");
            return Err(no_request(message, "leave it out of the value"));
        }
    }
    Ok(headers)
}

/// Whether HTTP allows it as a name.
fn is_token(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(allowed)
}

/// The members of an object as text; those that are null are left out.
fn scalars(
    part: &Part<'_>,
    name: &str,
    help: &'static str,
) -> Result<Vec<(String, String)>, NoRequest> {
    let Some(members) = part.members() else {
        return Err(no_request(format!("{} as `{name}`", part.kinds()), help));
    };
    let present = members
        .into_iter()
        .filter(|(_, part)| part.kinds() != Kinds::NULL);
    present
        .map(|(key, part)| {
            let text = scalar(&part, name).map_err(|found| {
                no_request(format!("{found} as `{name}.{}`", shortened(&key)), help)
            })?;
            Ok((key.into_owned(), text))
        })
        .collect()
}

/// A value that is no array and no object, as text; otherwise what it is.
fn scalar(part: &Part<'_>, name: &str) -> Result<String, String> {
    let kinds = part.kinds();
    if let Part::Made(Value::Timestamp(_), _) = part {
        return Ok(part.json(name)?.trim_matches('"').to_owned());
    }
    if kinds == Kinds::STRING {
        part.text()
    } else if kinds.within(Kinds::NUMBER.union(Kinds::BOOLEAN)) {
        part.json(name)
    } else {
        Err(kinds.to_string())
    }
}

fn body(part: &Part<'_>) -> Result<RequestBody, NoRequest> {
    if part.kinds() == Kinds::STRING {
        let text = part.text();
        let text = text.map_err(|found| no_request(format!("{found} as `body`"), SHAPE));
        return Ok(RequestBody::Text(text?));
    }
    let json = part
        .json("body")
        .map_err(|yielded| no_request(yielded, SHAPE))?;
    Ok(RequestBody::Json(json))
}
