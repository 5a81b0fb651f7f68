use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::{Weather, Wire, server_of};

/// Long enough to see that nothing comes.
const MOMENT: Duration = Duration::from_millis(150);
const LONG: Duration = Duration::from_secs(10);

/// A wire to a server that says everything again.
async fn wire_to_echo() -> Wire {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = client.split();
                tokio::io::copy(&mut from, &mut to).await
            });
        }
    });
    Wire::to(&address)
}

async fn connect(wire: &Wire) -> TcpStream {
    TcpStream::connect(wire.address()).await.unwrap()
}

/// What comes back of a word: nothing when the connection is closed, `None` when none
/// comes.
async fn say(client: &mut TcpStream, word: &[u8]) -> Option<Vec<u8>> {
    client.write_all(word).await.ok()?;
    heard(client).await
}

async fn heard(client: &mut TcpStream) -> Option<Vec<u8>> {
    let mut answer = vec![0; 64];
    let read = timeout(MOMENT, client.read(&mut answer)).await.ok()?;
    answer.truncate(read.unwrap_or(0));
    Some(answer)
}

#[test]
fn the_server_of_a_url_is_found() {
    for url in [
        "postgres://postgres@127.0.0.1:5432/x",
        "postgres://127.0.0.1:5432/x",
        "127.0.0.1:5432",
    ] {
        assert_eq!(server_of(url), "127.0.0.1:5432");
    }
}

#[tokio::test]
async fn what_was_said_on_a_half_open_wire_arrives_when_it_clears() {
    let wire = wire_to_echo().await;
    for weather in [Weather::HalfOpen, Weather::BlackThere, Weather::BlackBack] {
        wire.set(Weather::Clear);
        let mut old = connect(&wire).await;
        assert_eq!(say(&mut old, b"one").await, Some(b"one".to_vec()));
        wire.set(weather);
        let mut new = connect(&wire).await;
        assert_eq!(say(&mut old, b"two").await, None, "{weather:?}");
        assert_eq!(say(&mut new, b"three").await, None, "{weather:?}");
        wire.set(Weather::Clear);
        assert_eq!(heard(&mut old).await, Some(b"two".to_vec()));
        assert_eq!(heard(&mut new).await, Some(b"three".to_vec()));
    }
}

#[tokio::test]
async fn a_forgotten_connection_stays_silent_and_a_new_one_works() {
    let wire = wire_to_echo().await;
    let mut old = connect(&wire).await;
    assert_eq!(say(&mut old, b"one").await, Some(b"one".to_vec()));
    wire.set(Weather::Forgotten);
    wire.set(Weather::Clear);
    assert_eq!(say(&mut old, b"two").await, None);
    let mut new = connect(&wire).await;
    assert_eq!(say(&mut new, b"three").await, Some(b"three".to_vec()));
}

#[tokio::test]
async fn a_torn_wire_closes_connections_again_and_again() {
    let wire = wire_to_echo().await;
    let mut old = connect(&wire).await;
    assert_eq!(say(&mut old, b"one").await, Some(b"one".to_vec()));
    wire.set(Weather::Torn);
    let mut new = connect(&wire).await;
    for client in [&mut old, &mut new] {
        let mut rest = Vec::new();
        let closed = timeout(LONG, client.read_to_end(&mut rest)).await;
        assert!(closed.is_ok(), "a connection lives on");
    }
}

#[tokio::test]
async fn a_delayed_wire_keeps_the_order() {
    let wire = wire_to_echo().await;
    wire.set(Weather::Delayed);
    let mut client = connect(&wire).await;
    let started = Instant::now();
    let mut answers = Vec::new();
    for word in [b"one, ", b"two, "] {
        client.write_all(word).await.unwrap();
    }
    while answers.len() < 10 {
        timeout(LONG, client.read_buf(&mut answers))
            .await
            .unwrap()
            .unwrap();
    }
    assert_eq!(answers, b"one, two, ");
    assert!(started.elapsed() >= Duration::from_millis(80));
}
