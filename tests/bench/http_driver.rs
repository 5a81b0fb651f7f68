//! Requests as fast as they are answered, over connections that stay open.
//!
//! A client of a few lines, because what it costs is taken from the server on the same
//! cores: it writes bytes that are HTTP already, and reads of an answer what it must.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Makes the request of a number.
pub(crate) type Requests = Arc<dyn Fn(u64) -> Vec<u8> + Send + Sync>;

/// Sends the requests of these numbers over so many connections, each as soon as the one
/// before it on its connection is answered.
pub(crate) async fn drive(
    port: u16,
    connections: usize,
    numbers: std::ops::Range<u64>,
    requests: &Requests,
) {
    let next = Arc::new(AtomicU64::new(numbers.start));
    let mut senders = JoinSet::new();
    for _ in 0..connections {
        let (next, requests) = (Arc::clone(&next), Arc::clone(requests));
        let end = numbers.end;
        senders.spawn(async move {
            let mut connection = Connection::open(port).await;
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= end {
                    break;
                }
                connection.ask(&requests(number)).await;
            }
        });
    }
    senders.join_all().await;
}

/// A request with a body.
pub(crate) fn post(path: &str, authorization: &str, content_type: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {authorization}\r\n\
         Content-Type: {content_type}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

struct Connection {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Connection {
    async fn open(port: u16) -> Self {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .await
            .expect("the server listens");
        stream.set_nodelay(true).expect("a socket takes an option");
        Self {
            stream,
            answer: Vec::with_capacity(16 << 10),
        }
    }

    /// Sends a request and takes its answer, which must be one of success.
    async fn ask(&mut self, request: &[u8]) {
        self.stream
            .write_all(request)
            .await
            .expect("the server reads");
        self.answer.clear();
        let head = loop {
            if let Some(end) = find(&self.answer, b"\r\n\r\n") {
                break end + 4;
            }
            self.read().await;
        };
        let text = std::str::from_utf8(&self.answer[..head]).expect("a head is ASCII");
        assert!(
            text.starts_with("HTTP/1.1 20"),
            "a request is not answered well: {text}{}",
            String::from_utf8_lossy(&self.answer[head..])
        );
        let body = content_length(text);
        while self.answer.len() < head + body {
            self.read().await;
        }
    }

    async fn read(&mut self) {
        let read = self.stream.read_buf(&mut self.answer).await;
        assert!(
            read.is_ok_and(|bytes| bytes > 0),
            "the server ended a connection"
        );
    }
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|part| part == wanted)
}

fn content_length(head: &str) -> usize {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok())
        .expect("an answer says how long it is")
}
