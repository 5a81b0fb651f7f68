//! Bringing one event to its receiver.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::Utc;
use dragoman_core::{RecordedEvent, chain};
use dragoman_faults::{Bug, CrashPoint, crash, planted};
use dragoman_outbound::{Call, Endpoint, EndpointError};
use dragoman_translate::{EventView, MappedRequest, RequestBody};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::gate::{Gate, Standstill};
use super::key::KeyParts;
use super::verdict::{Again, Verdict, verdict};
use crate::bookkeeping::parking::Failure;
use crate::bookkeeping::reason::shortened;
use crate::{Definition, Effect, RequestEffect, telemetry};

/// A receiver, as one process calls it.
#[derive(Debug)]
pub(crate) struct Receiver {
    definition: Arc<Definition>,
    endpoint: Endpoint,
    gate: Gate,
}

/// An event on its way.
#[derive(Debug, Clone)]
pub(crate) struct Letter {
    /// As the projection sees it: with the data that an operator gave it.
    pub(crate) event: Arc<RecordedEvent>,
    pub(crate) generation: i32,
    /// How often it was edited.
    pub(crate) edits: i32,
    /// The replay that sends it again.
    pub(crate) replay: Option<i64>,
}

/// What is done when the receiver does not take an event now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Persistence {
    /// It is tried again in its place for as long as it may be the receiver's trouble, and
    /// parked when it is its own: when the receiver takes others meanwhile.
    UntilOthersPass,
    /// It is tried again in its place: nothing may pass it.
    UntilPatienceEnds,
    /// It is tried once: it stands parked already, after so many attempts.
    Once {
        /// How many of them.
        attempts: u32,
    },
}

impl Receiver {
    /// The receiver of a projection; `None` when its effects are in a database.
    ///
    /// # Errors
    /// When nothing can be called with its options.
    pub(crate) fn of(definition: &Arc<Definition>) -> Result<Option<Self>, EndpointError> {
        let Effect::Requests(effect) = &definition.effect else {
            return Ok(None);
        };
        Ok(Some(Self {
            endpoint: Endpoint::new(&effect.endpoint)?,
            gate: Gate::new(effect),
            definition: Arc::clone(definition),
        }))
    }

    /// Why no call goes through; `None` when they do.
    pub(crate) fn standstill(&self) -> Option<Standstill> {
        self.gate.standstill()
    }

    /// Brings an event to the receiver, however often that takes. What failed is to be
    /// parked with its subject. `None` when `closing` came before an outcome; a call under
    /// way is not cut off.
    pub(crate) async fn deliver(
        &self,
        letter: &Letter,
        persistence: Persistence,
        closing: &CancellationToken,
    ) -> Option<Result<(), Failure>> {
        let Effect::Requests(effect) = &self.definition.effect else {
            return Some(Ok(()));
        };
        let call = match request_of(effect, &letter.event) {
            Ok(Some(request)) => self.call(letter, request),
            Ok(None) => return Some(Ok(())),
            Err(reason) => return Some(Err(Failure::held(reason))),
        };
        Delivery {
            receiver: self,
            effect,
            call,
            first_failure: None,
            failures: 0,
        }
        .run(persistence, closing)
        .await
    }

    fn call(&self, letter: &Letter, request: MappedRequest) -> Call {
        let event = &letter.event.event;
        let mut headers = request.headers;
        let has = |headers: &[(String, String)], name: &str| {
            headers
                .iter()
                .any(|(known, _)| known.eq_ignore_ascii_case(name))
        };
        let (body, content_type) = match request.body {
            None => (None, None),
            Some(RequestBody::Json(text)) => (Some(Bytes::from(text)), Some("application/json")),
            Some(RequestBody::Text(text)) => {
                (Some(Bytes::from(text)), Some("text/plain; charset=utf-8"))
            }
        };
        if let Some(content_type) = content_type.filter(|_| !has(&headers, "content-type")) {
            headers.push(("content-type".to_owned(), content_type.to_owned()));
        }
        if let Some(trace) = event
            .traceparent
            .clone()
            .filter(|_| !has(&headers, "traceparent"))
        {
            headers.push(("traceparent".to_owned(), trace));
        }
        let parts = KeyParts {
            source: &event.source,
            id: &event.id,
            projection: &self.definition.name,
            generation: letter.generation,
            edits: letter.edits,
            replay: letter.replay,
        };
        Call {
            method: request.method,
            path: request.path,
            headers,
            body,
            idempotency_key: Some(parts.key()),
        }
    }
}

/// What a program makes of an event; `None`: nothing is to be sent.
fn request_of(
    effect: &RequestEffect,
    event: &RecordedEvent,
) -> Result<Option<MappedRequest>, String> {
    let view = EventView::read(&event.event)
        .map_err(|error| shortened(&format!("the event cannot be read: {}", chain(&error))))?;
    effect
        .program
        .run(&view)
        .map_err(|error| shortened(&format!("request: {}", chain(&error))))
}

/// One event being brought, try after try.
struct Delivery<'d> {
    receiver: &'d Receiver,
    effect: &'d RequestEffect,
    call: Call,
    first_failure: Option<Instant>,
    failures: u32,
}

impl Delivery<'_> {
    async fn run(
        mut self,
        persistence: Persistence,
        closing: &CancellationToken,
    ) -> Option<Result<(), Failure>> {
        loop {
            let pass = closing.run_until_cancelled(self.receiver.gate.pass());
            let pass = pass.await?.ok()?;
            crash(CrashPoint::SendingBeforeCall);
            let mut call = self.call.clone();
            if planted(Bug::KeyPerAttempt) {
                call.idempotency_key = Some(format!("{:032x}", rand::random::<u128>()));
            }
            let began = Instant::now();
            let called = self.receiver.endpoint.call(&call).await;
            let verdict = verdict(self.effect, &called, Utc::now());
            telemetry::called(&self.receiver.definition.name, &verdict, began.elapsed());
            match verdict {
                Verdict::Done => {
                    crash(CrashPoint::SendingAfterAnswer);
                    pass.well();
                    return Some(Ok(()));
                }
                Verdict::Rejected(reason) => {
                    pass.well();
                    return Some(Err(Failure::held(reason)));
                }
                Verdict::Hold(hold) => pass.hold(hold),
                Verdict::Again(again) => {
                    // Once is a courtesy to the receiver; whoever is told so again and again
                    // while others pass is not to hold them up.
                    let parked = matches!(persistence, Persistence::Once { .. });
                    let pause = again.after.filter(|_| self.failures == 0 && !parked);
                    pass.again(&again, pause);
                    let waiting = self.wait_or_give_up(again, persistence);
                    if let Err(failure) = closing.run_until_cancelled(waiting).await? {
                        return Some(Err(failure));
                    }
                }
            }
        }
    }

    /// Returns when it is to be tried again here.
    async fn wait_or_give_up(
        &mut self,
        again: Again,
        persistence: Persistence,
    ) -> Result<(), Failure> {
        let now = Instant::now();
        let since = *self.first_failure.get_or_insert(now);
        self.failures = self.failures.saturating_add(1);
        let retry = &self.effect.retry;
        let failures = match persistence {
            Persistence::Once { attempts } => attempts.saturating_add(1),
            Persistence::UntilOthersPass | Persistence::UntilPatienceEnds => self.failures,
        };
        let backoff = retry.backoff.wait(failures, rand::random());
        let after = again.after.map_or(backoff, |asked| asked.max(backoff));
        let parked = |after: Duration| Failure {
            reason: again.reason.clone(),
            again: Some(after),
        };
        if matches!(persistence, Persistence::Once { .. }) || planted(Bug::ParkTheWorld) {
            return Err(parked(after));
        }
        if now.duration_since(since) >= retry.patience {
            return Err(Failure::held(format!(
                "{}; it was tried for {} s, as long as retry.for says",
                again.reason,
                retry.patience.as_secs()
            )));
        }
        let own_trouble = async {
            let first_throttling = again.throttled && self.failures < 2;
            if persistence == Persistence::UntilPatienceEnds || first_throttling {
                std::future::pending::<()>().await;
            }
            self.receiver.gate.well_since(now).await;
        };
        tokio::select! {
            biased;
            () = own_trouble => Err(parked(after)),
            () = sleep(after) => Ok(()),
        }
    }
}
