//! HTTP servers beside which ours is measured: one that does nothing with what it gets,
//! and one that commits each event by itself, as most do.

use std::convert::Infallible;
use std::net::Ipv4Addr;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::value::RawValue;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::net::TcpListener;

use crate::child::Task;

/// Sessions of the one that commits: more made it slower on two cores.
const SESSIONS: u32 = 16;

/// Answers and forgets.
pub(super) async fn empty(task: &Task) {
    serve(task.port, None).await;
}

/// Stores each event once, in a transaction of its own, before it answers.
pub(super) async fn commit_per_event(task: &Task) {
    let pool = PgPoolOptions::new()
        .max_connections(SESSIONS)
        .connect(&task.postgres)
        .await
        .expect("the log can be had");
    serve(task.port, Some(pool)).await;
}

async fn serve(port: u16, log: Option<PgPool>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .expect("the port is free");
    loop {
        let (stream, _) = listener.accept().await.expect("connections come");
        stream.set_nodelay(true).expect("a socket takes an option");
        let log = log.clone();
        tokio::spawn(http1::Builder::new().serve_connection(
            TokioIo::new(stream),
            service_fn(move |request| answer(request, log.clone())),
        ));
    }
}

async fn answer(
    request: Request<Incoming>,
    log: Option<PgPool>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = request
        .into_body()
        .collect()
        .await
        .expect("a body comes")
        .to_bytes();
    if let Some(log) = log {
        store(&log, &body).await;
    }
    let mut response = Response::new(Full::new(Bytes::from_static(b"{\"status\":\"stored\"}")));
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

#[derive(Deserialize)]
struct CloudEvent<'a> {
    id: &'a str,
    source: &'a str,
    #[serde(rename = "type")]
    event_type: &'a str,
    subject: &'a str,
    #[serde(borrow)]
    data: &'a RawValue,
}

async fn store(log: &PgPool, body: &[u8]) {
    let event: CloudEvent<'_> = serde_json::from_slice(body).expect("it is an event");
    sqlx::query(
        "with fresh as (
             insert into keys (source, id) values ($1, $2) on conflict do nothing returning id
         )
         insert into log (source, id, type, subject, data)
         select $1, $2, $3, $4, $5 from fresh",
    )
    .bind(event.source)
    .bind(event.id)
    .bind(event.event_type)
    .bind(event.subject)
    .bind(event.data.get())
    .execute(log)
    .await
    .expect("an event can be stored");
}
