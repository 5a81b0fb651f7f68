//! Attributes, whichever way they came.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Utc};
use dragoman_core::{Event, JSON};

use super::invalid;
use crate::delivery::is_traceparent;
use crate::limits::{EXTENSION_BYTES, EXTENSIONS};
use crate::problem::Problem;

/// Gathers the attributes of an event.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    specversion: Option<String>,
    id: Option<String>,
    source: Option<String>,
    event_type: Option<String>,
    subject: Option<String>,
    time: Option<DateTime<Utc>>,
    extensions: BTreeMap<String, String>,
}

impl Attributes {
    /// Takes an attribute, by its CloudEvents name.
    ///
    /// # Errors
    /// No attribute can have that name or value.
    pub(super) fn take(&mut self, name: &str, value: String) -> Result<(), Problem> {
        match name {
            "specversion" => self.specversion = Some(value),
            "id" => self.id = Some(value),
            "source" => self.source = Some(value),
            "type" => self.event_type = Some(value),
            "subject" => self.subject = Some(value),
            "time" => self.time = Some(time(&value)?),
            _ => self.take_extension(name, value)?,
        }
        Ok(())
    }

    fn take_extension(&mut self, name: &str, value: String) -> Result<(), Problem> {
        let named = (1..=20).contains(&name.len())
            && name
                .bytes()
                .all(|letter| matches!(letter, b'a'..=b'z' | b'0'..=b'9'));
        if !named || matches!(name, "data" | "datacontenttype") {
            return Err(invalid(format!(
                "`{}` cannot be an attribute: names are 1 to 20 lower-case letters and digits",
                shortened(name)
            )));
        }
        if value.len() > EXTENSION_BYTES || value.chars().any(char::is_control) {
            return Err(invalid(format!(
                "`{name}` must be {EXTENSION_BYTES} bytes of printable text at the most"
            )));
        }
        self.extensions.insert(name.to_owned(), value);
        if self.extensions.len() > EXTENSIONS {
            return Err(invalid(format!(
                "an event has {EXTENSIONS} extension attributes at the most"
            )));
        }
        Ok(())
    }

    /// The event with these attributes and this data; its time is `now` when it has
    /// none, its trace context the request's, else the one among its extensions.
    ///
    /// # Errors
    /// It is no CloudEvent 1.0. The others are looked at by
    /// [`Event::check_attributes`].
    pub(super) fn event(
        self,
        content_type: Option<String>,
        data: String,
        now: DateTime<Utc>,
        traceparent: Option<String>,
    ) -> Result<Event, Problem> {
        match self.specversion.as_deref() {
            Some("1.0") => {}
            Some(other) => {
                return Err(invalid(format!(
                    "`specversion` is {:?}; this hub speaks 1.0",
                    shortened(other)
                )));
            }
            None => return Err(invalid("`specversion` is missing; it must be 1.0")),
        }
        let own = self.extensions.get("traceparent").cloned();
        Ok(Event {
            id: self.id.unwrap_or_default(),
            source: self.source.unwrap_or_default(),
            event_type: self.event_type.unwrap_or_default(),
            subject: self.subject.unwrap_or_default(),
            time: self.time.unwrap_or(now),
            content_type: content_type.unwrap_or_else(|| JSON.to_owned()),
            data,
            traceparent: traceparent.or_else(|| own.filter(|own| is_traceparent(own))),
            extensions: self.extensions,
        })
    }
}

/// RFC 3339, of the years that every reader down the line can write again.
fn time(text: &str) -> Result<DateTime<Utc>, Problem> {
    DateTime::parse_from_rfc3339(text)
        .map(|time| time.with_timezone(&Utc))
        .ok()
        .filter(|time| (1..=9999).contains(&time.year()))
        .ok_or_else(|| invalid("`time` is not RFC 3339, as in 2026-01-31T12:00:00Z"))
}

/// The beginning of a text that a sender chose, for a message.
fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn times_are_rfc_3339_and_nothing_else() {
        for good in [
            "2026-01-31T12:00:00Z",
            "2026-01-31t12:00:00.123456789+05:30",
            "2016-12-31T23:59:60Z",
        ] {
            assert!(time(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "2026-01-31",
            "2026-02-30T12:00:00Z",
            "1738324800",
            "9999-12-31T23:59:59-23:59",
            "0000-01-01T00:00:00Z",
            "+12026-01-31T12:00:00Z",
        ] {
            assert!(time(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn extensions_have_plain_names_and_printable_values() {
        let mut attributes = Attributes::default();
        attributes.take("tenant1", "a".into()).unwrap();
        for (name, value) in [
            ("Tenant", "a"),
            ("a-b", "a"),
            ("", "a"),
            ("aaaaaaaaaaaaaaaaaaaaa", "a"),
            ("data", "a"),
            ("ok", "a\0"),
        ] {
            assert!(attributes.take(name, value.into()).is_err(), "{name}");
        }
        for number in 1..EXTENSIONS {
            attributes.take(&format!("x{number}"), "a".into()).unwrap();
        }
        assert!(attributes.take("onemore", "a".into()).is_err());
    }
}
