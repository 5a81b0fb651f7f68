//! One connection: what each side says is heard, waits for its moment, and is handed over.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::answers::Answers;
use super::weather::{Outlook, Way};

/// How many chunks may be on their way; a wire that is full is not read any more.
const ON_THE_WAY: usize = 64;

/// What was said, and when it arrives at the soonest.
type Chunk = (Instant, Vec<u8>);

/// Carries until the server closes, the weather does, or an answer gets lost.
pub(super) async fn carry(client: TcpStream, server: String, outlook: Outlook, answers: &Answers) {
    let Ok(server) = TcpStream::connect(&server).await else {
        return;
    };
    for stream in [&client, &server] {
        let _slower_otherwise = stream.set_nodelay(true);
    }
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let is_to_lose = AtomicBool::new(false);
    let lost = CancellationToken::new();
    let hear = |said: &[u8]| {
        if answers.is_to_lose(said) {
            is_to_lose.store(true, Ordering::SeqCst);
        }
        true
    };
    // When that has come, and the transaction is through, both ends are closed instead.
    let answer = |_: &[u8]| {
        let is_to_lose = is_to_lose.load(Ordering::SeqCst);
        if is_to_lose {
            lost.cancel();
        }
        !is_to_lose
    };
    let there = async {
        one_way(from_client, to_server, Way::There, &outlook, hear).await;
        // A client that went away is known to the server now, which closes in its turn.
        std::future::pending::<()>().await;
    };
    let back = one_way(from_server, to_client, Way::Back, &outlook, answer);
    let mut closed = outlook.clone();
    tokio::select! {
        () = there => {}
        () = back => {}
        () = lost.cancelled() => {}
        () = closed.until_it_is_torn() => {}
    }
}

/// Returns when one end has said its last and the other has heard it.
async fn one_way(
    from: OwnedReadHalf,
    to: OwnedWriteHalf,
    way: Way,
    outlook: &Outlook,
    heed: impl Fn(&[u8]) -> bool,
) {
    let (sender, receiver) = mpsc::channel(ON_THE_WAY);
    let hear = hear(from, sender, outlook, heed);
    tokio::join!(hear, hand_over(receiver, to, way, outlook.clone()));
}

async fn hear(
    mut from: OwnedReadHalf,
    on_the_way: mpsc::Sender<Chunk>,
    outlook: &Outlook,
    heed: impl Fn(&[u8]) -> bool,
) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let said = &buffer[..read];
        let arrives = Instant::now() + outlook.delay();
        if !heed(said) || on_the_way.send((arrives, said.to_vec())).await.is_err() {
            return;
        }
    }
}

async fn hand_over(
    mut on_the_way: mpsc::Receiver<Chunk>,
    mut to: OwnedWriteHalf,
    way: Way,
    mut outlook: Outlook,
) {
    while let Some((arrives, said)) = on_the_way.recv().await {
        tokio::time::sleep_until(arrives).await;
        outlook.until_it_carries(way).await;
        if to.write_all(&said).await.is_err() {
            return;
        }
    }
    // That somebody has closed is something to be carried, too.
    outlook.until_it_carries(way).await;
}
