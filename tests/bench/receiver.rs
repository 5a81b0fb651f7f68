//! Who is sent events: says yes to everything, or to everything but one kind, and counts.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::events;

/// A receiver in trouble over a request.
const NO: &[u8] = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n";
const YES: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{\"ok\":true}";

/// A receiver of a few lines, because what it costs is taken from the contenders on the
/// same cores.
#[derive(Debug)]
pub(crate) struct Receiver {
    pub(crate) port: u16,
    received: Arc<AtomicI64>,
    path_end: &'static str,
    listening: JoinHandle<()>,
}

impl Receiver {
    /// Listens from here on.
    pub(crate) async fn start() -> Self {
        Self::failing_over("").await
    }

    /// Listens from here on, and fails over requests whose path ends so; not if it is empty.
    pub(crate) async fn failing_over(path_end: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("it has an address").port();
        let received = Arc::new(AtomicI64::new(0));
        let listening = tokio::spawn(listen(listener, Arc::clone(&received), path_end));
        Self {
            port,
            received,
            path_end,
            listening,
        }
    }

    /// How many of these events it says yes to, when their subject ends the path.
    pub(crate) fn accepts(&self, events: Range<i64>) -> i64 {
        if self.path_end.is_empty() {
            return events.end - events.start;
        }
        let subjects = events.map(|number| events::subject(number as u64));
        let accepted = subjects.filter(|subject| !subject.ends_with(self.path_end));
        accepted.count() as i64
    }

    /// How many requests it said yes to.
    pub(crate) fn received(&self) -> i64 {
        self.received.load(Ordering::Relaxed)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn listen(listener: TcpListener, received: Arc<AtomicI64>, path_end: &'static str) {
    while let Ok((stream, _)) = listener.accept().await {
        let received = Arc::clone(&received);
        tokio::spawn(async move {
            let _closed = serve(stream, &received, path_end).await;
        });
    }
}

async fn serve(stream: TcpStream, received: &AtomicI64, path_end: &str) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    let mut body = Vec::new();
    loop {
        let mut length = 0;
        let mut fails = false;
        loop {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            if line == "\r\n" {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap_or(0);
            }
            fails |= !path_end.is_empty()
                && line
                    .strip_suffix(" HTTP/1.1\r\n")
                    .is_some_and(|request| request.ends_with(path_end));
        }
        body.resize(length, 0);
        stream.read_exact(&mut body).await?;
        if fails {
            stream.write_all(NO).await?;
            continue;
        }
        received.fetch_add(1, Ordering::Relaxed);
        stream.write_all(YES).await?;
    }
}
