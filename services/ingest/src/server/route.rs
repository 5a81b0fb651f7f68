//! Which request goes where.

use std::time::Instant;

use bytes::Bytes;
use dragoman_core::Clock;
use http::{Method, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;

use super::{Door, Refused, api, hooks};
use crate::problem::{self, PAGES, Problem, ProblemKind};
use crate::telemetry;

const EVENTS: &str = "/v1/events";
const HOOKS: &str = "/hooks/";

/// Answers a request, whatever it is.
pub(super) async fn route<C: Clock>(
    door: &Door<C>,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let started = Instant::now();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let (place, answer) = if path == EVENTS {
        ("api", events(door, request).await)
    } else if let Some(name) = path.strip_prefix(HOOKS) {
        ("hooks", hook(door, name, request).await)
    } else if let Some(name) = path.strip_prefix(PAGES) {
        ("problems", page(name, &method))
    } else {
        ("none", not_found(&path))
    };
    telemetry::answered(place, started.elapsed());
    tracing::debug!(%method, path, status = answer.status().as_u16(), "answered");
    answer
}

async fn events<C: Clock>(door: &Door<C>, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let Some(adapter) = door.adapters.api() else {
        return Problem::new(ProblemKind::NotFound, "this hub has no adapter of kind api").answer();
    };
    let taken = if request.method() == Method::POST {
        api::take(door, adapter, request).await
    } else {
        Err(only_post().into())
    };
    answer(door, adapter, taken)
}

async fn hook<C: Clock>(
    door: &Door<C>,
    name: &str,
    request: Request<Incoming>,
) -> Response<Full<Bytes>> {
    let Some(webhook) = door.adapters.webhook(name) else {
        return Problem::new(
            ProblemKind::NotFound,
            "this hub has no webhook of that name",
        )
        .answer();
    };
    let taken = if request.method() == Method::POST {
        hooks::take(door, webhook, request).await
    } else {
        Err(only_post().into())
    };
    answer(door, &webhook.name, taken)
}

fn answer<C>(
    door: &Door<C>,
    adapter: &std::sync::Arc<str>,
    taken: Result<Response<Full<Bytes>>, Refused>,
) -> Response<Full<Bytes>> {
    taken.unwrap_or_else(|refused| {
        let reason = refused.problem.kind.name();
        door.refusals.add(adapter, refused.events, reason);
        refused.problem.answer()
    })
}

fn only_post() -> Problem {
    Problem::new(ProblemKind::MethodNotAllowed, "send it with POST").allowing("POST")
}

fn page(name: &str, method: &Method) -> Response<Full<Bytes>> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return Problem::new(ProblemKind::MethodNotAllowed, "read it with GET")
            .allowing("GET, HEAD")
            .answer();
    }
    problem::page(name).unwrap_or_else(|| not_found(&format!("{PAGES}{name}")))
}

fn not_found(path: &str) -> Response<Full<Bytes>> {
    let shown: String = path.chars().take(100).collect();
    Problem::new(
        ProblemKind::NotFound,
        format!("there is nothing at {shown}"),
    )
    .answer()
}
