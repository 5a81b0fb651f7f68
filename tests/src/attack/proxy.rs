//! A wire to Postgres on which the answer to a COMMIT can get lost: the transaction is
//! committed, and whoever asked for it cannot know.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// `COMMIT` as a simple query of the protocol.
const COMMIT: &[u8] = b"Q\x00\x00\x00\x0bCOMMIT\x00";

/// Listens until it is dropped, on a thread of its own: a run that waits for a command of
/// the hub would stand in its way.
#[derive(Debug)]
pub(super) struct Proxy {
    port: u16,
    /// How many answers are still to get lost.
    to_lose: Arc<AtomicU32>,
    /// Dropped, it ends the thread.
    _ends: oneshot::Sender<()>,
}

impl Proxy {
    /// In front of the server of a URL.
    pub(super) fn before(url: &str) -> Self {
        let server = server_of(url).to_owned();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener
            .set_nonblocking(true)
            .expect("a listener can be set");
        let port = listener.local_addr().expect("an address").port();
        let to_lose = Arc::new(AtomicU32::new(0));
        let shared = Arc::clone(&to_lose);
        let (ends, ended) = oneshot::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime can be made");
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).expect("a listener");
                tokio::select! {
                    () = listen(listener, server, shared) => {}
                    _dropped = ended => {}
                }
            });
        });
        Self {
            port,
            to_lose,
            _ends: ends,
        }
    }

    /// The same URL by way of here.
    pub(super) fn way_to(&self, url: &str) -> String {
        url.replacen(server_of(url), &format!("127.0.0.1:{}", self.port), 1)
    }

    /// Loses the answers to the next commits, and the connections with them.
    pub(super) fn lose(&self, answers: u32) {
        self.to_lose.store(answers, Ordering::SeqCst);
    }

    pub(super) fn is_to_lose(&self) -> bool {
        self.to_lose.load(Ordering::SeqCst) > 0
    }
}

async fn listen(listener: TcpListener, server: String, to_lose: Arc<AtomicU32>) {
    while let Ok((client, _)) = listener.accept().await {
        tokio::spawn(carry(client, server.clone(), Arc::clone(&to_lose)));
    }
}

/// `HOST:PORT` in `postgres://USER@HOST:PORT/DATABASE`.
fn server_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or(rest);
    authority.rsplit('@').next().unwrap_or(authority)
}

async fn carry(client: TcpStream, server: String, to_lose: Arc<AtomicU32>) {
    let Ok(server) = TcpStream::connect(&server).await else {
        return;
    };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let (lost, is_lost) = oneshot::channel();
    let there = tokio::spawn(there(from_client, to_server, to_lose, lost));
    back(from_server, to_client, is_lost).await;
    there.abort();
}

/// Carries what the client says. At a COMMIT whose answer is to get lost it says so first.
async fn there(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    to_lose: Arc<AtomicU32>,
    lost: oneshot::Sender<()>,
) {
    let mut lost = Some(lost);
    let mut buffer = vec![0; 64 << 10];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let said = &buffer[..read];
        let one_less = |left: u32| left.checked_sub(1);
        if said.ends_with(COMMIT)
            && to_lose
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less)
                .is_ok()
            && let Some(lost) = lost.take()
        {
            let _ended = lost.send(());
        }
        if to.write_all(said).await.is_err() {
            return;
        }
    }
}

/// Carries what the server says, until an answer is to get lost: when that has come, and
/// the transaction is through, both ends are closed instead.
async fn back(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut is_lost: oneshot::Receiver<()>) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if is_lost.try_recv().is_ok() || to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::server_of;

    #[test]
    fn the_server_of_a_url_is_found() {
        for url in [
            "postgres://postgres@127.0.0.1:5432/x",
            "postgres://127.0.0.1:5432/x",
        ] {
            assert_eq!(server_of(url), "127.0.0.1:5432");
        }
    }
}
