//! `POST /hooks/NAME`: deliveries of senders that have a form of their own.
//!
//! Until the signature is verified a delivery is anybody's and is sent back with what
//! is wrong. From then on the sender has done its part: what cannot become an event is
//! kept here, and the sender need not send it again.

use bytes::Bytes;
use dragoman_core::{Clock, Event};
use dragoman_faults::{CrashPoint, crash};
use dragoman_store::{AppendOutcome, AppendRequest, Appended, StoreError};
use http::request::Parts;
use http::{Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming as Body;
use serde_json::{Value, json};

use super::{Door, Refused, body, unavailable};
use crate::adapters::Webhook;
use crate::catalogue::EventFault;
use crate::credentials::redact;
use crate::delivery::{Delivery, headers_of};
use crate::error::chain;
use crate::problem::{Problem, ProblemKind, answer};
use crate::translate::{DeliveryFault, events_of};
use crate::verify::Signed;
use crate::{percent, quarantine, telemetry};

/// Takes a delivery.
///
/// # Errors
/// What is told to the sender when the delivery must come again, or is not authentic.
pub(super) async fn take<C: Clock>(
    door: &Door<C>,
    webhook: &Webhook,
    request: Request<Body>,
) -> Result<Response<Full<Bytes>>, Refused> {
    let (head, body) = request.into_parts();
    let body = body::read(&head.headers, body, door.body_limit, door.body_timeout).await?;
    let now = door.clock.now();
    let signed = Signed {
        headers: &head.headers,
        body: &body,
        now,
    };
    webhook.verifier.verify(signed).map_err(|refusal| {
        tracing::info!(adapter = %webhook.name, %refusal, "a delivery is not authentic");
        Problem::new(ProblemKind::Unauthorized, refusal.to_string())
    })?;
    crash(CrashPoint::IngestAfterAuth);
    let delivery = delivery_of(webhook, &head, body, now);
    let events = events_of(webhook, &delivery, |event, data| {
        door.catalogue.check(event, data.root())
    });
    let events = match events {
        Ok(events) => events,
        Err(fault) => match too_large(&fault) {
            Some(problem) => return Err(problem.into()),
            None => return keep(door, webhook, &delivery, &fault).await,
        },
    };
    if events.is_empty() {
        return ignore(door, webhook, &head).await;
    }
    append(door, webhook, &delivery, events).await
}

/// Without credentials, so that no program can write one down, and a delivery is the same
/// when it is run again.
fn delivery_of(
    webhook: &Webhook,
    head: &Parts,
    body: Vec<u8>,
    received: chrono::DateTime<chrono::Utc>,
) -> Delivery {
    let mut headers = headers_of(&head.headers);
    redact(&mut headers, &webhook.verifier.proof_headers());
    // The body is kept as it is without them.
    headers.remove(header::CONTENT_ENCODING.as_str());
    headers.remove(header::CONTENT_LENGTH.as_str());
    Delivery {
        headers,
        query: percent::query(head.uri.query().unwrap_or_default()),
        body,
        received,
    }
}

/// A size is the one thing that the sender must hear of: what its topic does not take
/// will not be taken after a mapping is mended either.
fn too_large(fault: &DeliveryFault) -> Option<Problem> {
    match fault {
        DeliveryFault::Event {
            source: fault @ EventFault::TooLarge { .. },
            ..
        } => Some(Problem::new(ProblemKind::TooLarge, fault.to_string())),
        _ => None,
    }
}

async fn append<C: Clock>(
    door: &Door<C>,
    webhook: &Webhook,
    delivery: &Delivery,
    events: Vec<Event>,
) -> Result<Response<Full<Bytes>>, Refused> {
    let count = events.len();
    let ids: Vec<String> = events.iter().map(|event| event.id.clone()).collect();
    let request = AppendRequest {
        adapter: webhook.name.clone(),
        events,
    };
    match door.append(request).await {
        Ok(AppendOutcome::Appended(appended)) => {
            let events: Vec<Value> = ids
                .iter()
                .zip(&appended)
                .map(|(id, appended)| json!({ "id": id, "source": webhook.source, "status": word(*appended) }))
                .collect();
            let new = appended.contains(&Appended::Stored);
            let status = if new { "stored" } else { "duplicate" };
            Ok(told(
                StatusCode::OK,
                &json!({ "status": status, "events": events }),
            ))
        }
        Ok(AppendOutcome::Conflict(conflicts)) => {
            keep(
                door,
                webhook,
                delivery,
                &DeliveryFault::conflict(&conflicts),
            )
            .await
        }
        Err(problem) if problem.kind == ProblemKind::Internal => {
            keep(door, webhook, delivery, &DeliveryFault::NotStorable).await
        }
        Err(problem) => Err(Refused {
            problem,
            events: count,
        }),
    }
}

const fn word(appended: Appended) -> &'static str {
    match appended {
        Appended::Stored => "stored",
        Appended::Duplicate => "duplicate",
    }
}

async fn ignore<C>(
    door: &Door<C>,
    webhook: &Webhook,
    head: &Parts,
) -> Result<Response<Full<Bytes>>, Refused> {
    let id = webhook.verifier.delivery_id(&head.headers);
    let counting = quarantine::count_ignored(&door.store, webhook, id.as_deref());
    let new = in_time(door, counting).await?;
    if new {
        telemetry::ignored(&webhook.name);
    }
    let status = if new { "ignored" } else { "duplicate" };
    Ok(told(StatusCode::OK, &json!({ "status": status })))
}

async fn keep<C>(
    door: &Door<C>,
    webhook: &Webhook,
    delivery: &Delivery,
    fault: &DeliveryFault,
) -> Result<Response<Full<Bytes>>, Refused> {
    crash(CrashPoint::IngestBeforeCommit);
    let keeping = quarantine::keep(&door.store, webhook, delivery, fault);
    let id = in_time(door, keeping).await?;
    crash(CrashPoint::IngestAfterCommitBeforeAnswer);
    telemetry::quarantined(&webhook.name, fault.code());
    tracing::warn!(
        adapter = %webhook.name,
        %id,
        reason = fault.code(),
        problem = %chain(fault),
        "a delivery is in quarantine; mend the mapping, then: dragoman quarantine retry {id}"
    );
    Ok(told(
        StatusCode::ACCEPTED,
        &json!({ "status": "quarantined", "id": id, "reason": fault.code() }),
    ))
}

/// What the database says, unless it refuses or does not answer: then the delivery must
/// come again.
async fn in_time<C, T>(
    door: &Door<C>,
    statement: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, Refused> {
    match tokio::time::timeout(door.store_timeout, statement).await {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(error)) => tracing::warn!(error = %chain(&error), "a delivery is sent back"),
        Err(_) => tracing::warn!("the database does not answer; a delivery is sent back"),
    }
    Err(unavailable().into())
}

fn told(status: StatusCode, body: &Value) -> Response<Full<Bytes>> {
    answer(status, "application/json", body.to_string())
}
