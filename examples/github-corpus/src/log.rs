//! The log, as `dragoman events list` shows it.

use serde::Deserialize;
use serde_json::value::RawValue;
use stage::{Hub, StageError};

use crate::delivery::Delivery;

/// An event of the log.
#[derive(Deserialize)]
struct Event<'a> {
    id: &'a str,
    source: &'a str,
    #[serde(rename = "type")]
    event_type: &'a str,
    subject: &'a str,
    #[serde(borrow)]
    data: &'a RawValue,
}

/// All of the log, an object a line.
///
/// # Errors
/// When it cannot be had.
pub(crate) async fn read_log(hub: &Hub) -> Result<String, StageError> {
    hub.run(&["events", "list", "--json", "--limit", "0"]).await
}

/// The first difference between the log and the deliveries that it must hold, one for
/// one and in their order. Data is compared byte for byte, but that a line of JSON shows
/// the line breaks between values as blanks.
///
/// # Errors
/// When a line is no event.
pub(crate) fn difference(log: &str, wanted: &[&Delivery]) -> Result<Option<String>, StageError> {
    let lines: Vec<&str> = log.lines().collect();
    for (line, delivery) in lines.iter().zip(wanted) {
        let event: Event<'_> = serde_json::from_str(line).map_err(|error| {
            StageError::Unexpected(format!("a line of `events list` is no event: {error}"))
        })?;
        let flaw = if event.id != delivery.id {
            format!("{} stands in its place", event.id)
        } else if event.source != "/github"
            || event.event_type != format!("github.{}", delivery.event)
        {
            format!("it is a {} of {}", event.event_type, event.source)
        } else if Some(event.subject) != delivery.repository.as_deref() {
            format!("its subject is {}", event.subject)
        } else if event.data.get().as_bytes() != in_one_line(&delivery.body) {
            "its data is not what was sent".to_owned()
        } else {
            continue;
        };
        return Ok(Some(format!(
            "{} ({}): {flaw}",
            delivery.id, delivery.event
        )));
    }
    Ok((lines.len() != wanted.len())
        .then(|| format!("{} events instead of {}", lines.len(), wanted.len())))
}

fn in_one_line(body: &[u8]) -> Vec<u8> {
    body.iter()
        .map(|byte| {
            if matches!(byte, b'\n' | b'\r') {
                b' '
            } else {
                *byte
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::difference;
    use crate::delivery::Delivery;

    fn delivery() -> Delivery {
        Delivery {
            id: "d1".to_owned(),
            event: "push".to_owned(),
            body: Bytes::from_static(b"{\n\"score\": 5.50}"),
            repository: Some("a/b".to_owned()),
        }
    }

    fn line(id: &str, score: &str) -> String {
        format!(
            r#"{{"position":1,"id":"{id}","source":"/github","type":"github.push","subject":"a/b","data":{{ "score": {score}}}}}"#
        )
    }

    #[test]
    fn a_digit_that_is_missing_is_seen() {
        let delivery = delivery();
        let found = |log: &str| difference(log, &[&delivery]).ok();
        assert_eq!(found(&line("d1", "5.50")), Some(None));
        assert!(found(&line("d1", "5.5")).flatten().is_some());
        assert!(found(&line("d2", "5.50")).flatten().is_some());
        assert!(found("").flatten().is_some());
        assert_eq!(found("{}"), None, "no event at all is an error");
    }
}
