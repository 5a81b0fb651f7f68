//! Somebody who is called by HTTP, and who can be taken away and put back.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::StageError;

/// A request as whoever is called sees it.
#[derive(Debug, Clone)]
pub struct Received {
    /// The method.
    pub method: Method,
    /// The path without the query.
    pub path: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// What is answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// Headers beside those that every answer has.
    pub headers: Vec<(&'static str, String)>,
    /// The body, JSON.
    pub body: String,
}

/// Whoever is called.
pub trait Receiver: Send + Sync + 'static {
    /// What is answered; `None`: nothing, the connection is cut.
    fn receive(&self, request: Received) -> impl Future<Output = Option<Answer>> + Send;
}

/// Where somebody is called. Dropped, connections are cut and new ones refused.
#[derive(Debug)]
pub struct Site {
    address: SocketAddr,
    /// Ends its task, and with it the connections, when dropped.
    _work: JoinSet<()>,
}

/// That there is no answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is cut")]
struct Cut;

impl Received {
    /// A header, when it is there and text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

impl Answer {
    /// A status with a JSON body.
    #[must_use]
    pub fn new(status: StatusCode, body: impl Into<String>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl Site {
    /// Begins to listen on the loopback interface. `port`: 0 for any that is free.
    ///
    /// # Errors
    /// When somebody else listens there.
    pub async fn open<R: Receiver>(port: u16, receiver: Arc<R>) -> Result<Self, StageError> {
        let doing = || format!("listening on port {port}");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .map_err(StageError::system(doing()))?;
        let address = listener.local_addr().map_err(StageError::system(doing()))?;
        let mut work = JoinSet::new();
        work.spawn(listen(listener, receiver));
        Ok(Self {
            address,
            _work: work,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

async fn listen<R: Receiver>(listener: TcpListener, receiver: Arc<R>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // Whoever could not connect tries again.
                if let Ok((stream, _)) = accepted {
                    connections.spawn(converse(stream, Arc::clone(&receiver)));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn converse<R: Receiver>(stream: TcpStream, receiver: Arc<R>) {
    // Without it answers are late, not wrong.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| respond(request, Arc::clone(&receiver)));
    // A connection that breaks is the caller's to notice.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn respond<R: Receiver>(
    request: Request<Incoming>,
    receiver: Arc<R>,
) -> Result<Response<Full<Bytes>>, Cut> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Cut)?.to_bytes();
    let received = Received {
        method: head.method,
        path: head.uri.path().to_owned(),
        headers: head.headers,
        body,
    };
    let answer = receiver.receive(received).await.ok_or(Cut)?;
    let mut response = Response::builder()
        .status(answer.status)
        .header("content-type", "application/json");
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    response
        .body(Full::new(Bytes::from(answer.body)))
        .map_err(|_| Cut)
}
