//! A wire to a server, whichever protocol it carries, with a weather of its own.
//!
//! ```text
//!   a process of the hub ──► hear ──► on the way ──► hand over ──► the server
//!                                        │ looks at the weather
//!   a process of the hub ◄── hand over ◄─┴───────── hear ◄──────── the server
//! ```

mod answers;
mod carry;
mod weather;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};

use answers::Answers;
use carry::carry;
use weather::{Outlook, Sky};

pub(super) use answers::Asked;
pub use weather::Weather;

/// How long connections live on a torn wire at the most.
const TEARS: Duration = Duration::from_millis(400);

/// Listens until it is dropped, on a thread of its own: a run that waits for a command of
/// the hub would stand in its way.
#[derive(Debug)]
pub(super) struct Wire {
    port: u16,
    ends: Arc<Ends>,
    /// Dropped, it ends the thread.
    _life: oneshot::Sender<()>,
}

/// What the listener and the commands share.
#[derive(Debug)]
struct Ends {
    /// Where it leads.
    server: Mutex<String>,
    sky: watch::Sender<Sky>,
    answers: Answers,
}

impl Wire {
    /// In front of the server at `HOST:PORT`.
    pub(super) fn to(server: &str) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener
            .set_nonblocking(true)
            .expect("a listener can be set");
        let port = listener.local_addr().expect("an address").port();
        let ends = Arc::new(Ends {
            server: Mutex::new(server.to_owned()),
            sky: watch::Sender::new(Sky::clear()),
            answers: Answers::default(),
        });
        let shared = Arc::clone(&ends);
        let (life, ended) = oneshot::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime can be made");
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).expect("a listener");
                tokio::select! {
                    () = listen(listener, &shared) => {}
                    () = tear(&shared.sky) => {}
                    _dropped = ended => {}
                }
            });
        });
        Self {
            port,
            ends,
            _life: life,
        }
    }

    /// In front of the server of a URL of Postgres.
    pub(super) fn before(url: &str) -> Self {
        Self::to(server_of(url))
    }

    /// Where it is met, as `HOST:PORT`.
    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The same URL by way of here.
    pub(super) fn way_to(&self, url: &str) -> String {
        url.replacen(server_of(url), &self.address(), 1)
    }

    /// Lets it lead to the server of another URL from the next connection on.
    pub(super) fn lead_to(&self, url: &str) {
        server_of(url).clone_into(&mut self.ends.server.lock().unwrap());
    }

    /// Changes the weather.
    pub(super) fn set(&self, weather: Weather) {
        self.ends.sky.send_modify(|sky| sky.set(weather));
    }

    /// Loses the next answers, and the connections with them.
    pub(super) fn lose(&self, asked: Asked, answers: u32) {
        self.ends.answers.lose(asked, answers);
    }

    /// Loses no more answers.
    pub(super) fn lose_nothing(&self) {
        self.lose(Asked::Commit, 0);
        self.lose(Asked::Append, 0);
        self.lose(Asked::Seal, 0);
    }

    pub(super) fn is_to_lose(&self) -> bool {
        self.ends.answers.left() > 0
    }
}

async fn listen(listener: TcpListener, ends: &Arc<Ends>) {
    while let Ok((client, _)) = listener.accept().await {
        let ends = Arc::clone(ends);
        let outlook = Outlook::of_next(&ends.sky);
        let server = ends.server.lock().unwrap().clone();
        tokio::spawn(async move { carry(client, server, outlook, &ends.answers).await });
    }
}

async fn tear(sky: &watch::Sender<Sky>) {
    loop {
        tokio::time::sleep(TEARS).await;
        sky.send_if_modified(Sky::tear);
    }
}

/// `HOST:PORT` in `postgres://USER@HOST:PORT/DATABASE`.
fn server_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or(rest);
    authority.rsplit('@').next().unwrap_or(authority)
}

#[cfg(test)]
mod tests;
