//! An HTTP client as simple as a sender's.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::time::{sleep, timeout};

use crate::{Deadline, StageError};

/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(15);
/// How long to wait before trying again, when the hub does not say.
const PAUSE: Duration = Duration::from_millis(500);
/// The longest that an answer's `Retry-After` is obeyed.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// For how long a request is tried, in seconds.
const PATIENCE: u64 = 60;

/// A client with a connection of its own.
#[derive(Debug)]
pub struct Client {
    pool: Pool<HttpConnector, Full<Bytes>>,
    hub: SocketAddr,
}

/// What the hub answered.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Client {
    /// A client of whoever listens there. Nothing is connected yet.
    #[must_use]
    pub fn new(hub: SocketAddr) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let pool = Pool::builder(TokioExecutor::new()).build(connector);
        Self { pool, hub }
    }

    /// Fetches a page, once.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn get(&self, path: &str) -> Result<Reply, StageError> {
        self.attempt(&Method::GET, path, &[], &Bytes::new()).await
    }

    /// Sends a body until there is an answer other than 503. A request whose answer was
    /// lost is sent again as it is: whoever receives it knows it by its id.
    ///
    /// # Errors
    /// When there is none within a minute.
    pub async fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: &Bytes,
    ) -> Result<Reply, StageError> {
        let deadline = Deadline::within(PATIENCE);
        loop {
            let outcome = self.attempt(&Method::POST, path, headers, body).await;
            let pause = match &outcome {
                Ok(reply) if reply.status == StatusCode::SERVICE_UNAVAILABLE => {
                    retry_after(&reply.headers).unwrap_or(PAUSE)
                }
                Ok(_) => return outcome,
                Err(_) => PAUSE,
            };
            if deadline.is_over() {
                return outcome;
            }
            sleep(pause.min(LONGEST_PAUSE)).await;
        }
    }

    async fn attempt(
        &self,
        method: &Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &Bytes,
    ) -> Result<Reply, StageError> {
        let request = format!("{method} {path}");
        timeout(ATTEMPT, self.exchange(method, path, headers, body))
            .await
            .unwrap_or_else(|elapsed| Err(Box::from(elapsed)))
            .map_err(|source| StageError::NoAnswer { request, source })
    }

    async fn exchange(
        &self,
        method: &Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &Bytes,
    ) -> Result<Reply, Box<dyn std::error::Error + Send + Sync>> {
        let mut builder = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.hub));
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        let request = builder.body(Full::new(body.clone()))?;
        let (head, body) = self.pool.request(request).await?.into_parts();
        Ok(Reply {
            status: head.status,
            headers: head.headers,
            body: body.collect().await?.to_bytes(),
        })
    }
}

impl Reply {
    /// The status and the beginning of the body, for a message.
    #[must_use]
    pub fn summary(&self) -> String {
        let text = String::from_utf8_lossy(&self.body);
        let beginning: String = text.chars().take(300).collect();
        format!("{} {beginning}", self.status.as_u16())
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers
        .get(header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
}
