//! `POST /v1/events`: CloudEvents of programs that have a key.

use std::sync::Arc;

use bytes::Bytes;
use dragoman_core::{Clock, Event};
use dragoman_faults::{Bug, CrashPoint, crash, planted};
use dragoman_store::{AppendConflict, AppendOutcome, AppendRequest, Appended, KeyScope};
use dragoman_translate::{Document, JsonError, Violation};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming as Body;
use serde::Serialize;

use super::{Door, Refused, body, unavailable};
use crate::catalogue::EventFault;
use crate::cloud_events::{Incoming, Mode, read_batch, read_binary, read_structured};
use crate::delivery::traceparent_of;
use crate::keys::KeyFault;
use crate::problem::{Pointed, Problem, ProblemKind, answer};

/// Takes the events of a request: all of them or none.
///
/// # Errors
/// What is told to the sender instead.
pub(super) async fn take<C: Clock>(
    door: &Door<C>,
    adapter: &Arc<str>,
    request: Request<Body>,
) -> Result<Response<Full<Bytes>>, Refused> {
    let (head, body) = request.into_parts();
    let now = door.clock.now();
    let scope = door
        .keys
        .scope(&head.headers, now)
        .await
        .map_err(unauthorized)?;
    crash(CrashPoint::IngestAfterAuth);
    let mode = Mode::of(&head.headers)?;
    let body = body::read(&head.headers, body, door.body_limit, door.body_timeout).await?;
    let document = Document::parse(&body).map_err(|error| invalid_json(&error))?;
    let traceparent = traceparent_of(&head.headers);
    let incoming = match mode {
        Mode::Binary => vec![read_binary(&head.headers, &document, now)?],
        Mode::Structured => {
            vec![read_structured(
                document.root(),
                String::new(),
                now,
                traceparent,
            )?]
        }
        Mode::Batch => read_batch(document.root(), now, traceparent.as_deref())?,
    };
    let refused = |problem| Refused {
        problem,
        events: incoming.len().max(1),
    };
    for event in &incoming {
        if let Err(problem) = check(door, &scope, event) {
            if planted(Bug::RefusedIsStored) && problem.kind == ProblemKind::SchemaViolated {
                let events = vec![event.event.clone()];
                let adapter = Arc::clone(adapter);
                let _told_otherwise = door.append(AppendRequest { adapter, events }).await;
            }
            return Err(refused(problem));
        }
    }
    let places: Vec<String> = incoming.iter().map(|event| event.place.clone()).collect();
    let events: Vec<Event> = incoming.into_iter().map(|event| event.event).collect();
    let refused = |problem| Refused {
        problem,
        events: places.len().max(1),
    };
    let receipts: Vec<Receipt> = events.iter().map(Receipt::of).collect();
    let outcome = door
        .append(AppendRequest {
            adapter: Arc::clone(adapter),
            events,
        })
        .await
        .map_err(refused)?;
    match outcome {
        AppendOutcome::Appended(appended) => Ok(stored(receipts, &appended, mode)),
        AppendOutcome::Conflict(conflicts) => {
            Err(refused(conflict(&receipts, &places, &conflicts)))
        }
    }
}

/// Attributes first, then what the key may write, and only then what the catalogue
/// says: a key learns nothing of types that are not its.
fn check<C>(door: &Door<C>, scope: &KeyScope, incoming: &Incoming<'_>) -> Result<(), Problem> {
    let event = &incoming.event;
    let fault = match event.check_attributes() {
        Err(error) => EventFault::Attribute(error),
        Ok(()) => {
            if !may_write(scope, event) {
                return Err(forbidden(scope, incoming));
            }
            match door.catalogue.check(event, incoming.data) {
                Ok(()) => return Ok(()),
                Err(fault) => fault,
            }
        }
    };
    Err(faulty(fault, incoming))
}

fn may_write(scope: &KeyScope, event: &Event) -> bool {
    scope.sources.contains(&event.source)
        && scope
            .types
            .iter()
            .any(|pattern| pattern.matches(&event.event_type))
}

fn forbidden(scope: &KeyScope, incoming: &Incoming<'_>) -> Problem {
    let event = &incoming.event;
    let detail = if scope.sources.contains(&event.source) {
        format!(
            "the key {} may not write type {}",
            scope.name, event.event_type
        )
    } else {
        format!(
            "the key {} may not write source {}",
            scope.name, event.source
        )
    };
    pointed(Problem::new(ProblemKind::Forbidden, detail), incoming)
}

fn faulty(fault: EventFault, incoming: &Incoming<'_>) -> Problem {
    let kind = match &fault {
        EventFault::Attribute(_) => ProblemKind::InvalidEvent,
        EventFault::UnknownType { .. } => ProblemKind::UnknownType,
        EventFault::Schema { .. } => ProblemKind::SchemaViolated,
        EventFault::TooLarge { .. } => ProblemKind::TooLarge,
    };
    match fault {
        EventFault::Schema {
            event_type,
            violations,
        } => {
            let at = |violation: Violation| {
                Pointed::new(
                    format!("{}{}", incoming.data_place, violation.pointer),
                    violation.message,
                )
            };
            Problem::new(kind, format!("the data of {event_type} breaks its schema"))
                .at(violations.into_iter().map(at))
        }
        EventFault::UnknownType { .. } if incoming.data_place.ends_with("/data") => {
            Problem::new(kind, fault.to_string()).at([Pointed::new(
                format!("{}/type", incoming.place),
                "not in the catalogue",
            )])
        }
        EventFault::Attribute(_) | EventFault::UnknownType { .. } | EventFault::TooLarge { .. } => {
            pointed(Problem::new(kind, fault.to_string()), incoming)
        }
    }
}

/// In a batch it must be said which event it was.
fn pointed(problem: Problem, incoming: &Incoming<'_>) -> Problem {
    if incoming.place.is_empty() {
        problem
    } else {
        problem.at([Pointed::new(incoming.place.clone(), "this event")])
    }
}

fn unauthorized(fault: KeyFault) -> Problem {
    let detail = match fault {
        KeyFault::Missing => "send the key as `Authorization: Bearer dgm_…`",
        KeyFault::Invalid => "the key is unknown, revoked, or has ended",
        KeyFault::Unavailable => return unavailable(),
    };
    Problem::new(ProblemKind::Unauthorized, detail)
}

fn invalid_json(error: &JsonError) -> Problem {
    let problem = Problem::new(ProblemKind::InvalidJson, error.to_string());
    if error.pointer.is_empty() {
        problem
    } else {
        problem.at([Pointed::new(error.pointer.clone(), error.kind.to_string())])
    }
}

/// What a sender is told of an event that is in the log.
#[derive(Debug, Serialize)]
struct Receipt {
    id: String,
    source: String,
    status: &'static str,
}

impl Receipt {
    fn of(event: &Event) -> Self {
        Self {
            id: event.id.clone(),
            source: event.source.clone(),
            status: "duplicate",
        }
    }
}

fn stored(mut receipts: Vec<Receipt>, appended: &[Appended], mode: Mode) -> Response<Full<Bytes>> {
    for (receipt, appended) in receipts.iter_mut().zip(appended) {
        if *appended == Appended::Stored {
            receipt.status = "stored";
        }
    }
    // Text under fixed names: it cannot fail.
    let (status, body) = match (mode, receipts.as_slice()) {
        (Mode::Binary | Mode::Structured, [receipt]) => {
            let status = match receipt.status {
                "stored" => StatusCode::CREATED,
                _ => StatusCode::OK,
            };
            (status, serde_json::to_vec(receipt))
        }
        _ => (StatusCode::OK, serde_json::to_vec(&receipts)),
    };
    answer(status, "application/json", body.unwrap_or_default())
}

fn conflict(receipts: &[Receipt], places: &[String], conflicts: &[AppendConflict]) -> Problem {
    let first = conflicts.first();
    let detail = match first.and_then(|first| receipts.get(first.event)) {
        Some(receipt) => format!(
            "the id {} of source {} stands for other content",
            receipt.id, receipt.source
        ),
        None => "an id stands for other content".to_owned(),
    };
    let errors = conflicts.iter().filter_map(|conflict| {
        let place = places
            .get(conflict.event)
            .filter(|place| !place.is_empty())?;
        let what = if conflict.stored_at.is_some() {
            "its id stands for other content"
        } else {
            "its id stands for other content in the same batch"
        };
        Some(Pointed::new(place.clone(), what).since(conflict.stored_at))
    });
    Problem::new(ProblemKind::Conflict, detail)
        .since(first.and_then(|first| first.stored_at))
        .at(errors)
}
