//! Sending over HTTP in an open loop: the times are fixed in advance, and what is slow
//! to answer holds up nobody but itself.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::history::{self, Outcome};
use crate::{History, hook};

/// The source that the key of the senders may write.
pub(crate) const HTTP_SOURCE: &str = "/shop";
/// How long a sender waits for an answer before it counts as none.
const PATIENCE: Duration = Duration::from_secs(30);

type HttpClient = Client<HttpConnector, Full<Bytes>>;

/// Senders that go on until they are stopped.
#[derive(Debug)]
pub struct HttpLoad {
    history: Arc<Mutex<History>>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl HttpLoad {
    /// Sends one event in that interval to the API at a port of this machine.
    #[must_use]
    pub fn start(port: u16, key: &str, interval: Duration) -> Self {
        let history = Arc::new(Mutex::new(History::default()));
        let stop = CancellationToken::new();
        let sender = Sender::by_api(port, key);
        let shared = Arc::clone(&history);
        let sending = in_an_open_loop(interval, stop.clone(), move |number, due| {
            send(sender.clone(), Arc::clone(&shared), number, due)
        });
        let task = tokio::spawn(sending);
        Self {
            history,
            stop,
            task,
        }
    }

    /// How many were acknowledged up to now.
    #[must_use]
    pub fn acknowledged(&self) -> usize {
        self.history.lock().unwrap().acknowledged()
    }

    /// Sends nothing more and waits for the answers that are open.
    pub async fn stop(self) -> History {
        self.stop.cancel();
        self.task.await.expect("senders do not fail");
        let history = self.history.lock().unwrap();
        history.clone()
    }
}

/// Sends events, numbered from 1, at times that are fixed in advance, until it is stopped.
/// Returns when everything that was sent has its answer.
pub(crate) async fn in_an_open_loop<F>(
    interval: Duration,
    stop: CancellationToken,
    send: impl Fn(u64, Instant) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let mut open = JoinSet::new();
    let started = Instant::now();
    for number in 1_u32.. {
        let due = started + interval * number;
        tokio::select! {
            () = tokio::time::sleep_until(due.into()) => {}
            () = stop.cancelled() => break,
        }
        while open.try_join_next().is_some() {}
        open.spawn(send(number.into(), due));
    }
    open.join_all().await;
}

async fn send(sender: Sender, history: Arc<Mutex<History>>, number: u64, due: Instant) {
    history.lock().unwrap().invoke(number, due);
    let outcome = sender.send_as_is(number).await;
    history.lock().unwrap().answer(number, outcome);
}

/// Sends one event at a time, by one of the ways in.
#[derive(Clone)]
pub(crate) struct Sender {
    client: HttpClient,
    url: String,
    way: Way,
}

#[derive(Clone)]
enum Way {
    /// CloudEvents, with a key of the hub.
    Api { authorization: String },
    /// Deliveries in a form of their own, signed.
    Webhook,
}

impl Sender {
    pub(crate) fn by_api(port: u16, key: &str) -> Self {
        let authorization = format!("Bearer {key}");
        Self::by(Way::Api { authorization }, port, "/v1/events")
    }

    pub(crate) fn by_webhook(port: u16) -> Self {
        Self::by(Way::Webhook, port, hook::PATH)
    }

    fn by(way: Way, port: u16, path: &str) -> Self {
        Self {
            client: Client::builder(TokioExecutor::new()).build_http(),
            url: format!("http://127.0.0.1:{port}{path}"),
            way,
        }
    }

    /// The source that its events come to have.
    pub(crate) const fn source(&self) -> &'static str {
        match self.way {
            Way::Api { .. } => HTTP_SOURCE,
            Way::Webhook => hook::SOURCE,
        }
    }

    pub(crate) async fn send_as_is(&self, number: u64) -> Outcome {
        self.send(self.body(number, &history::data(number))).await
    }

    /// With data that break their schema.
    pub(crate) async fn send_broken(&self, number: u64) -> Outcome {
        let data = format!("{{\"number\": {number}}}");
        self.send(self.body(number, &data)).await
    }

    /// With the data of another event.
    pub(crate) async fn send_with_content_of(&self, number: u64, other: u64) -> Outcome {
        self.send(self.body(number, &history::data(other))).await
    }

    /// Several at once: all of them or none. By the API.
    pub(crate) async fn send_batch(&self, events: &[String]) -> Outcome {
        let body = format!("[{}]", events.join(","));
        self.post("application/cloudevents-batch+json", body).await
    }

    fn body(&self, number: u64, data: &str) -> String {
        match self.way {
            Way::Api { .. } => numbered_event(number, data),
            Way::Webhook => hook::delivery(number, data),
        }
    }

    async fn send(&self, event: String) -> Outcome {
        self.post("application/cloudevents+json", event).await
    }

    async fn post(&self, content_type: &'static str, body: String) -> Outcome {
        match tokio::time::timeout(PATIENCE, self.ask(content_type, body)).await {
            Ok(outcome) => outcome,
            Err(_) => Outcome::Unknown("no answer in time".to_owned()),
        }
    }

    async fn ask(&self, content_type: &'static str, body: String) -> Outcome {
        let request = Request::post(&self.url);
        let request = match &self.way {
            Way::Api { authorization } => request
                .header(header::AUTHORIZATION, authorization)
                .header(header::CONTENT_TYPE, content_type),
            Way::Webhook => request
                .header(hook::SIGNATURE, hook::signature(&body))
                .header(header::CONTENT_TYPE, "application/json"),
        };
        let request = request
            .body(Full::new(Bytes::from(body)))
            .expect("the request is well formed");
        let response = match self.client.request(request).await {
            Ok(response) => response,
            Err(error) => return Outcome::Unknown(format!("{error:?}")),
        };
        let (head, body) = response.into_parts();
        if let Err(error) = body.collect().await {
            return Outcome::Unknown(format!("the answer breaks off: {error}"));
        }
        match head.status.as_u16() {
            200 | 201 => Outcome::Ok,
            // 202, too: it is kept in quarantine, not in the log.
            503 => Outcome::Unavailable {
                retry_after: head.headers.contains_key(header::RETRY_AFTER),
            },
            status => Outcome::Refused(status),
        }
    }
}

fn numbered_event(number: u64, data: &str) -> String {
    cloud_event(
        &history::id(number),
        history::event_type(number),
        &history::subject(number),
        data,
    )
}

/// In the structured mode of the HTTP binding.
pub(crate) fn cloud_event(id: &str, event_type: &str, subject: &str, data: &str) -> String {
    format!(
        "{{\"specversion\":\"1.0\",\"id\":\"{id}\",\"source\":\"{HTTP_SOURCE}\",\"type\":\"{event_type}\",\"subject\":\"{subject}\",\"datacontenttype\":\"application/json\",\"data\":{data}}}"
    )
}
