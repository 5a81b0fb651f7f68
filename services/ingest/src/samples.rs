//! Examples beside a mapping: a request, and the events that must come of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use chrono::{DateTime, Utc};
use dragoman_core::Event;
use dragoman_translate::{Document, Json, JsonKind};

use crate::adapters::Webhook;
use crate::catalogue::check_event;
use crate::delivery::Delivery;
use crate::error::chain;
use crate::translate::events_of;
use crate::{Adapters, Decode, Schemas};

const REQUEST: &str = ".request.json";
const EVENTS: &str = ".events.json";

/// A sample that was run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Whose it is.
    pub adapter: String,
    /// Its name in the folder.
    pub name: String,
    /// What came out otherwise than it should, if anything.
    pub failure: Option<String>,
}

impl Adapters {
    /// Runs the samples of every adapter that has some, in the order of their names.
    /// Signatures are not looked at; `.received` is 1970-01-01T00:00:00Z, unless the
    /// request says `received`.
    #[must_use]
    pub fn run_samples(&self, schemas: &Schemas) -> Vec<Sample> {
        self.webhooks()
            .filter_map(|webhook| Some((webhook, webhook.samples.as_deref()?)))
            .flat_map(|(webhook, folder)| run_folder(webhook, folder, schemas))
            .collect()
    }
}

fn run_folder(webhook: &Webhook, folder: &Path, schemas: &Schemas) -> Vec<Sample> {
    let sample = |name: &str, failure| Sample {
        adapter: webhook.name.to_string(),
        name: name.to_owned(),
        failure,
    };
    let names = match names_in(folder) {
        Ok(names) if names.is_empty() => {
            return vec![sample(
                &folder.display().to_string(),
                Some(format!(
                    "there is no NAME{REQUEST} in it; write one, with NAME{EVENTS} beside it"
                )),
            )];
        }
        Ok(names) => names,
        Err(error) => {
            return vec![sample(
                &folder.display().to_string(),
                Some(error.to_string()),
            )];
        }
    };
    names
        .iter()
        .map(|name| sample(name, run_one(webhook, folder, name, schemas).err()))
        .collect()
}

fn names_in(folder: &Path) -> std::io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in std::fs::read_dir(folder)? {
        let file = entry?.file_name();
        let file = file.to_string_lossy();
        let name = file
            .strip_suffix(REQUEST)
            .or_else(|| file.strip_suffix(EVENTS));
        names.extend(name.map(str::to_owned));
    }
    Ok(names)
}

/// # Errors
/// What is different, or what cannot be read.
fn run_one(webhook: &Webhook, folder: &Path, name: &str, schemas: &Schemas) -> Result<(), String> {
    let request = read(folder, &format!("{name}{REQUEST}"))?;
    let expected = read(folder, &format!("{name}{EVENTS}"))?;
    let request = parse(&request, &format!("{name}{REQUEST}"))?;
    let expected = parse(&expected, &format!("{name}{EVENTS}"))?;
    let delivery = delivery_of(request.root(), webhook.decoder.form)
        .map_err(|error| format!("{name}{REQUEST}: {error}"))?;
    let events = events_of(webhook, &delivery, |event, data| {
        check_event(schemas, event, data.root())
    })
    .map_err(|fault| chain(&fault))?;
    if expected.root().kind() != JsonKind::Array {
        return Err(format!("{name}{EVENTS}: it must be an array of events"));
    }
    let wanted: Vec<Json<'_>> = expected.root().elements().collect();
    if wanted.len() != events.len() {
        return Err(format!(
            "{} events came of it, and it should be {}",
            events.len(),
            wanted.len()
        ));
    }
    for (number, (wanted, event)) in wanted.into_iter().zip(&events).enumerate() {
        compare(wanted, event).map_err(|what| format!("event {number}: {what}"))?;
    }
    Ok(())
}

fn read(folder: &Path, file: &str) -> Result<Vec<u8>, String> {
    std::fs::read(folder.join(file)).map_err(|error| format!("{file} cannot be read ({error})"))
}

fn parse<'t>(text: &'t [u8], file: &str) -> Result<Document<'t>, String> {
    Document::parse(text).map_err(|error| format!("{file}: {error}"))
}

fn delivery_of(request: Json<'_>, form: Decode) -> Result<Delivery, String> {
    let mut delivery = Delivery {
        headers: BTreeMap::new(),
        query: BTreeMap::new(),
        body: Vec::new(),
        received: DateTime::<Utc>::UNIX_EPOCH,
    };
    for (key, value) in request.members() {
        match key.as_ref() {
            "headers" => {
                delivery.headers = texts(value)?
                    .into_iter()
                    .map(|(name, value)| (name.to_ascii_lowercase(), value))
                    .collect();
            }
            "query" => delivery.query = texts(value)?,
            "body" => delivery.body = body(value, form)?,
            "received" => delivery.received = time(value)?,
            other => {
                return Err(format!(
                    "`{other}` means nothing there; there are headers, query, body, received"
                ));
            }
        }
    }
    Ok(delivery)
}

/// A body of JSON stands in the sample as it is, others as text.
fn body(value: Json<'_>, form: Decode) -> Result<Vec<u8>, String> {
    match (form, value.as_text()) {
        (Decode::Json, _) => Ok(value.raw().as_bytes().to_vec()),
        // A sample is UTF-8, whatever its text declares: a byte order mark says so.
        (Decode::Xml, Some(text)) => Ok(format!("\u{feff}{text}").into_bytes()),
        (Decode::Form, Some(text)) => Ok(text.into_owned().into_bytes()),
        (Decode::Xml | Decode::Form, None) => {
            Err("`body` must be text, the XML or the form as it comes".to_owned())
        }
    }
}

fn texts(object: Json<'_>) -> Result<BTreeMap<String, String>, String> {
    object
        .members()
        .map(|(name, value)| match value.as_text() {
            Some(value) => Ok((name.into_owned(), value.into_owned())),
            None => Err(format!("`{name}` must be text")),
        })
        .collect()
}

fn time(value: Json<'_>) -> Result<DateTime<Utc>, String> {
    value
        .as_text()
        .and_then(|text| DateTime::parse_from_rfc3339(&text).ok())
        .map(|time| time.with_timezone(&Utc))
        .ok_or_else(|| "a time is text as in 2026-01-31T12:00:00Z".to_owned())
}

/// # Errors
/// The first difference between what an event should be and what it is.
fn compare(wanted: Json<'_>, event: &Event) -> Result<(), String> {
    for (key, value) in wanted.members() {
        let found = match key.as_ref() {
            "id" => &event.id,
            "source" => &event.source,
            "type" => &event.event_type,
            "subject" => &event.subject,
            "time" => {
                let wanted = time(value)?;
                if wanted != event.time {
                    return Err(format!(
                        "time is {} and should be {}",
                        event.time.to_rfc3339(),
                        wanted.to_rfc3339()
                    ));
                }
                continue;
            }
            "data" => {
                let data = Document::parse(event.data.as_bytes()).map_err(|error| chain(&error))?;
                if let Some((pointer, what)) = difference(value, data.root(), String::new()) {
                    return Err(format!("data{pointer} {what}"));
                }
                continue;
            }
            other => {
                return Err(format!(
                    "`{other}` means nothing there; there are id, source, type, subject, time, data"
                ));
            }
        };
        if value.as_text().as_deref() != Some(found) {
            return Err(format!("{key} is {found:?} and should be {}", value.raw()));
        }
    }
    for key in ["id", "type", "subject", "data"] {
        if wanted.get(key).is_none() {
            return Err(format!("the sample does not say `{key}`"));
        }
    }
    Ok(())
}

/// Where two values differ, by JSON pointer, and how. Members in any order are the
/// same; numbers are the same when their digits are.
fn difference(wanted: Json<'_>, found: Json<'_>, pointer: String) -> Option<(String, String)> {
    let differs = |what: String| Some((pointer.clone(), what));
    match (wanted.kind(), found.kind()) {
        (JsonKind::Object, JsonKind::Object) => {
            for (key, wanted) in wanted.members() {
                let place = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
                let Some(found) = found.get(&key) else {
                    return Some((place, "is missing".to_owned()));
                };
                if let Some(found) = difference(wanted, found, place) {
                    return Some(found);
                }
            }
            found
                .members()
                .find(|(key, _)| wanted.get(key).is_none())
                .map(|(key, _)| (format!("{pointer}/{key}"), "should not be there".to_owned()))
        }
        (JsonKind::Array, JsonKind::Array) => {
            let (wanted, found): (Vec<_>, Vec<_>) =
                (wanted.elements().collect(), found.elements().collect());
            if wanted.len() != found.len() {
                return differs(format!(
                    "has {} elements and should have {}",
                    found.len(),
                    wanted.len()
                ));
            }
            wanted
                .into_iter()
                .zip(found)
                .enumerate()
                .find_map(|(at, (wanted, found))| {
                    difference(wanted, found, format!("{pointer}/{at}"))
                })
        }
        (JsonKind::String, JsonKind::String) if wanted.as_text() == found.as_text() => None,
        _ if wanted.raw() == found.raw() => None,
        _ => differs(format!("is {} and should be {}", found.raw(), wanted.raw())),
    }
}
