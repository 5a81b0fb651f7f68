//! Forms as browsers and older systems send them: `application/x-www-form-urlencoded`.
//! <https://url.spec.whatwg.org/#application/x-www-form-urlencoded>

use std::collections::BTreeSet;

use percent_encoding::percent_decode;
use serde_json::Value;

use super::{FormError, Members};

/// The fields of a form as a JSON object: every value is text, and a field that comes
/// again is an array of them in their order, as is one whose name is among `arrays`.
///
/// Stricter than the browsers' rules, which would replace what they do not understand.
///
/// # Errors
/// A field that is not written as it should be.
pub fn form_to_json(body: &[u8], arrays: &BTreeSet<String>) -> Result<String, FormError> {
    let mut members = Members::default();
    let fields = body.split(|byte| *byte == b'&');
    for (place, field) in fields.filter(|field| !field.is_empty()).enumerate() {
        let number = place + 1;
        let equals = field.iter().position(|byte| *byte == b'=');
        let (name, value) = match equals {
            Some(equals) => (
                field.get(..equals).unwrap_or_default(),
                field.get(equals + 1..).unwrap_or_default(),
            ),
            None => (field, &[][..]),
        };
        let (name, value) = (plain(name, number)?, plain(value, number)?);
        let in_array = arrays.contains(&name);
        members.add(name, Value::String(value), in_array);
    }
    Ok(Value::Object(members.0).to_string())
}

fn plain(text: &[u8], field: usize) -> Result<String, FormError> {
    let after_percent = text.split(|byte| *byte == b'%').skip(1);
    let is_escape = |after: &[u8]| {
        after
            .get(..2)
            .is_some_and(|pair| pair.iter().all(u8::is_ascii_hexdigit))
    };
    if !after_percent.into_iter().all(is_escape) {
        return Err(FormError::Percent { field });
    }
    let spaced: Vec<u8> = text
        .iter()
        .map(|byte| if *byte == b'+' { b' ' } else { *byte })
        .collect();
    let decoded = percent_decode(&spaced)
        .decode_utf8()
        .map_err(|_| FormError::NotUtf8 { field })?;
    if decoded.contains('\0') {
        return Err(FormError::Nul { field });
    }
    Ok(decoded.into_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeSet;

    use super::{FormError, form_to_json};

    fn json(body: &str, arrays: &[&str]) -> Result<String, FormError> {
        let arrays: BTreeSet<String> = arrays.iter().map(|name| (*name).to_owned()).collect();
        form_to_json(body.as_bytes(), &arrays)
    }

    #[test]
    fn fields_are_text_and_repeated_ones_arrays() {
        for (body, expected) in [
            ("", "{}"),
            ("a=1&b=x+y%21", r#"{"a":"1","b":"x y!"}"#),
            ("a=1&a=2&a=3", r#"{"a":["1","2","3"]}"#),
            ("a&b=&&=c", r#"{"a":"","b":"","":"c"}"#),
            ("caf%C3%A9=%22%0A", r#"{"café":"\"\n"}"#),
            ("payload=%7B%22a%22%3A1%7D", r#"{"payload":"{\"a\":1}"}"#),
            ("a=b=c", r#"{"a":"b=c"}"#),
        ] {
            assert_eq!(json(body, &[]).unwrap(), expected, "{body}");
        }
        assert_eq!(json("a=1&b=2", &["a"]).unwrap(), r#"{"a":["1"],"b":"2"}"#);
    }

    #[test]
    fn what_browsers_would_replace_is_refused() {
        assert_eq!(json("a=1&b=%", &[]), Err(FormError::Percent { field: 2 }));
        assert_eq!(json("a=%4", &[]), Err(FormError::Percent { field: 1 }));
        assert_eq!(json("%zz=1", &[]), Err(FormError::Percent { field: 1 }));
        assert_eq!(json("a=%FF", &[]), Err(FormError::NotUtf8 { field: 1 }));
        assert_eq!(json("a=%00", &[]), Err(FormError::Nul { field: 1 }));
    }
}
