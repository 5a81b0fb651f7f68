//! Media types (RFC 9110, section 8.3), as far as JSON needs them.

use super::unsupported;
use crate::problem::Problem;

/// A media type and its charset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MediaType {
    essence: String,
    charset: Option<String>,
}

impl MediaType {
    /// Reads one; type and parameters in lower case.
    pub(super) fn parse(text: &str) -> Self {
        let mut parts = text.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
        let charset = parts
            .filter_map(|part| part.split_once('='))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))
            .map(|(_, value)| value.trim().trim_matches('"').to_ascii_lowercase());
        Self { essence, charset }
    }

    /// Type and subtype, without parameters.
    pub(super) fn essence(&self) -> &str {
        &self.essence
    }

    /// Whether it is JSON: `application/json`, or anything that ends with `+json`.
    pub(super) fn is_json(&self) -> bool {
        let subtype = self.essence.split_once('/').map(|(_, subtype)| subtype);
        self.essence == "application/json"
            || self.essence == "text/json"
            || subtype.is_some_and(|subtype| subtype.len() > 5 && subtype.ends_with("+json"))
    }

    /// JSON is UTF-8 (RFC 8259, section 8.1).
    pub(super) fn require_utf8(&self) -> Result<(), Problem> {
        match self.charset.as_deref() {
            None | Some("utf-8" | "utf8" | "us-ascii") => Ok(()),
            Some(other) => Err(unsupported(format!("JSON comes as UTF-8, not as {other}"))),
        }
    }

    /// The content type of an event's data, as it is stored: without parameters, so
    /// that the same data is the same content however it was sent.
    ///
    /// # Errors
    /// It is no JSON.
    pub(super) fn of_data(text: &str) -> Result<String, Problem> {
        let media_type = Self::parse(text);
        if !media_type.is_json() || media_type.essence.len() > 255 {
            return Err(unsupported(format!(
                "data must be JSON, and this is {:?}",
                media_type.essence
            )));
        }
        media_type.require_utf8()?;
        Ok(media_type.essence)
    }
}

#[cfg(test)]
mod tests {
    use super::MediaType;

    #[test]
    fn json_is_told_by_type_suffix_and_charset() {
        for (text, essence) in [
            ("application/json", "application/json"),
            ("Application/JSON; charset=UTF-8", "application/json"),
            ("application/vnd.x+json;v=1", "application/vnd.x+json"),
        ] {
            assert_eq!(MediaType::of_data(text).as_deref(), Ok(essence), "{text}");
        }
        for bad in [
            "",
            "json",
            "application/+json",
            "text/plain",
            "application/json; charset=latin1",
        ] {
            assert!(MediaType::of_data(bad).is_err(), "{bad}");
        }
    }
}
