//! Binary content mode: attributes in `ce-` headers, data in the body.

use chrono::{DateTime, Utc};
use dragoman_translate::Document;
use http::{HeaderMap, header};

use super::attributes::Attributes;
use super::media_type::MediaType;
use super::{Incoming, invalid};
use crate::delivery::traceparent_of;
use crate::percent;
use crate::problem::Problem;

/// Reads the event of a request. Its data is the body, byte for byte.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn read<'d>(
    headers: &HeaderMap,
    body: &'d Document<'d>,
    now: DateTime<Utc>,
) -> Result<Incoming<'d>, Problem> {
    let mut attributes = Attributes::default();
    for name in headers.keys() {
        let Some(attribute) = name.as_str().strip_prefix("ce-") else {
            continue;
        };
        let mut values = headers.get_all(name).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return Err(invalid(format!("`{name}` is there more than once")));
        };
        let value = decoded(value.as_bytes())
            .ok_or_else(|| invalid(format!("`{name}` is not percent-encoded UTF-8")))?;
        attributes.take(attribute, value)?;
    }
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .map(|value| MediaType::of_data(&String::from_utf8_lossy(value.as_bytes())))
        .transpose()?;
    let event = attributes.event(
        content_type,
        body.text().to_owned(),
        now,
        traceparent_of(headers),
    )?;
    Ok(Incoming {
        event,
        data: body.root(),
        place: String::new(),
        data_place: String::new(),
    })
}

/// The value behind a header (section 3.1.3.2 of the binding): quotes taken away,
/// escapes resolved.
fn decoded(value: &[u8]) -> Option<String> {
    let quoted = value
        .strip_prefix(b"\"")
        .and_then(|rest| rest.strip_suffix(b"\""));
    let plain = match quoted {
        None => value.to_vec(),
        Some(quoted) => {
            let mut plain = Vec::with_capacity(quoted.len());
            let mut bytes = quoted.iter();
            while let Some(byte) = bytes.next() {
                let byte = if *byte == b'\\' { bytes.next()? } else { byte };
                plain.push(*byte);
            }
            plain
        }
    };
    String::from_utf8(percent::decode(&plain)).ok()
}

#[cfg(test)]
mod tests {
    use super::decoded;

    #[test]
    fn headers_are_unquoted_and_decoded() {
        for (value, text) in [
            ("Euro%20%E2%82%AC%20%F0%9F%98%80", Some("Euro € 😀")),
            ("plain", Some("plain")),
            ("\"a \\\"b\\\"\"", Some("a \"b\"")),
            ("\"", Some("\"")),
            ("%FF", None),
        ] {
            assert_eq!(decoded(value.as_bytes()).as_deref(), text, "{value}");
        }
    }
}
