//! The receiver as a server: two ports of this machine, and whether somebody listens there.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Instant;

use tokio::io::BufReader;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

use super::conduct::{Conduct, Loss};
use super::desk::{Desk, Ending};
use super::message::{self, Answer, Request};
use super::mood::Mood;
use super::notes::Notes;
use super::tokens::Tokens;
use crate::free_port;

/// Whether it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    Open,
    /// It answers nothing but 503.
    Overloaded,
    /// It takes requests, and never answers.
    Mute,
    /// Nobody listens, and whoever was connected is not any more.
    Gone,
}

/// A receiver, until it is dropped; on a thread of its own, because a run that waits for a
/// command of the hub would hold it up.
#[derive(Debug)]
pub(in crate::attack) struct Receiver {
    pub(super) since: Instant,
    pub(super) seed: u64,
    port: u16,
    token_port: u16,
    desk: Arc<Desk>,
    presence: watch::Sender<Presence>,
    presence_of_tokens: watch::Sender<Presence>,
    /// Dropped, it ends the thread.
    _life: oneshot::Sender<()>,
}

impl Receiver {
    pub(in crate::attack) fn start(mood: Mood, seed: u64) -> Self {
        let (port, token_port) = (free_port(), free_port());
        let desk = Arc::new(Desk::of(Conduct::of(mood, seed)));
        let presence = watch::Sender::new(Presence::Open);
        let presence_of_tokens = watch::Sender::new(Presence::Open);
        let (life, ended) = oneshot::channel();
        let (calls, clients) = (Arc::clone(&desk), Arc::clone(&desk));
        let (watched, watched_of_tokens) = (presence.subscribe(), presence_of_tokens.subscribe());
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime can be made");
            runtime.block_on(async {
                let take_call =
                    move |request: &Request, presence| calls.take_call(request, presence);
                let take_client =
                    move |request: &Request, presence| clients.take_client(request, presence);
                tokio::select! {
                    () = come_and_go(port, watched, take_call) => {}
                    () = come_and_go(token_port, watched_of_tokens, take_client) => {}
                    _dropped = ended => {}
                }
            });
        });
        Self {
            since: Instant::now(),
            seed,
            port,
            token_port,
            desk,
            presence,
            presence_of_tokens,
            _life: life,
        }
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(super) fn token_url(&self) -> String {
        format!("http://127.0.0.1:{}/token", self.token_port)
    }

    /// Is there from now on, or is not.
    pub(super) fn be(&self, presence: Presence) {
        self.presence.send_replace(presence);
    }

    /// The same of who gives tokens.
    pub(super) fn be_for_tokens(&self, presence: Presence) {
        self.presence_of_tokens.send_replace(presence);
    }

    /// Nothing goes wrong any more.
    pub(in crate::attack) fn heal(&self) {
        self.desk.conduct.lock().unwrap().heal();
        self.be(Presence::Open);
        self.be_for_tokens(Presence::Open);
    }

    /// Refuses nothing any more.
    pub(super) fn take_everything(&self) {
        self.desk.conduct.lock().unwrap().take_everything();
    }

    /// Whether it refuses an event for good.
    pub(super) fn refuses(&self, id: &str) -> bool {
        self.desk.conduct.lock().unwrap().refuses(id)
    }

    /// Looks into what it has written down.
    pub(super) fn notes<T>(&self, look: impl FnOnce(&Notes) -> T) -> T {
        look(&self.desk.notes.lock().unwrap())
    }

    /// Looks into what is known of its tokens.
    pub(super) fn tokens<T>(&self, look: impl FnOnce(&Tokens) -> T) -> T {
        look(&self.desk.tokens.lock().unwrap())
    }
}

async fn come_and_go(
    port: u16,
    mut presence: watch::Receiver<Presence>,
    take: impl Fn(&Request, Presence) -> Ending + Clone + Send + 'static,
) {
    let is_gone = |presence: &Presence| *presence == Presence::Gone;
    loop {
        let (watched, take) = (presence.clone(), take.clone());
        let take_now = move |request: &Request| {
            let now = *watched.borrow();
            take(request, now)
        };
        tokio::select! {
            () = listen(port, take_now) => {}
            gone = presence.wait_for(is_gone) => {
                // Otherwise it would listen anew, over and over, until its thread ends.
                if gone.is_err() {
                    return;
                }
            }
        }
        let back = presence.wait_for(|presence| !is_gone(presence)).await;
        if back.is_err() {
            return;
        }
    }
}

/// Listens at a port. Dropped, every connection is closed with it.
async fn listen(port: u16, take: impl Fn(&Request) -> Ending + Clone + Send + 'static) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    let listener = listener.expect("nobody else has the port");
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        let take = take.clone();
        connections.spawn(async move {
            let _broken = serve(stream, take).await;
        });
    }
}

async fn serve(stream: TcpStream, take: impl Fn(&Request) -> Ending) -> std::io::Result<()> {
    let mut connection = BufReader::new(stream);
    while let Some(request) = message::read(&mut connection).await? {
        match take(&request) {
            Ending::Say(answer) => message::write(&mut connection, &answer).await?,
            Ending::Lose(Loss::Cut) => break,
            Ending::Lose(Loss::BreakOff) => {
                let answer = Answer::json(200, "{\"ok\":true}");
                message::write_some(&mut connection, &answer).await?;
                break;
            }
            Ending::Lose(Loss::Hang) => std::future::pending().await,
        }
    }
    Ok(())
}
