//! Connections: that one is kept, and receivers to which there is none.

use dragoman_outbound::{CallError, Endpoint, NotConnected, NotConnectedReason};
use futures_util::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::server::{Server, answer};
use crate::{SHORT, chain, endpoint, hasty, order};

async fn fails(endpoint: &Endpoint) -> NotConnected {
    let error = endpoint.call(&order()).await.unwrap_err();
    let shown = chain(&error);
    assert!(
        !shown.contains("s3cret") && !shown.contains("key-1"),
        "{shown}"
    );
    match error {
        CallError::NotConnected(not_connected) => not_connected,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn calls_one_after_the_other_share_a_connection() {
    let server = Server::answering(answer("200 OK", "a")).await;
    let endpoint = endpoint(&server.url);
    for _ in 0..20 {
        endpoint.clone().call(&order()).await.unwrap();
    }
    assert_eq!(server.connections(), 1);
    let together = join_all((0..20).map(|_| async { endpoint.call(&order()).await })).await;
    assert!(together.iter().all(Result::is_ok));
    assert_eq!(server.seen().len(), 40);
}

#[tokio::test]
async fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let not_connected = fails(&endpoint(&format!("http://{address}/s3cret?s3cret"))).await;
    assert_eq!(not_connected.reason, NotConnectedReason::Connection);
    assert_eq!(*not_connected.origin, format!("http://{address}"));
}

/// A queue of connections that is full: the network says nothing at all.
#[tokio::test]
async fn nobody_accepts() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queued = Vec::new();
    while let Ok(stream) = tokio::time::timeout(SHORT, TcpStream::connect(address)).await {
        queued.push(stream);
        assert!(queued.len() < 100, "the queue has no end");
    }
    let not_connected = fails(&hasty(&format!("http://{address}"))).await;
    assert_eq!(not_connected.reason, NotConnectedReason::Timeout);
}

#[tokio::test]
async fn accepts_and_never_agrees_on_tls() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let accepted = tokio::spawn(async move { listener.accept().await });
    let not_connected = fails(&hasty(&format!("https://{address}"))).await;
    assert_eq!(not_connected.reason, NotConnectedReason::Timeout);
    drop(accepted.await.unwrap());
}

/// Nothing of the call is shown to who cannot prove who it is.
#[tokio::test]
async fn speaks_http_where_tls_is_expected() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut seen = vec![0; 16 << 10];
        let length = stream.read(&mut seen).await.unwrap();
        stream
            .write_all(&answer("400 Bad Request", ""))
            .await
            .unwrap();
        String::from_utf8_lossy(&seen[..length]).into_owned()
    });
    let not_connected = fails(&endpoint(&format!("https://{address}/s3cret"))).await;
    assert_eq!(not_connected.reason, NotConnectedReason::Connection);
    let seen = server.await.unwrap();
    assert!(!seen.contains("s3cret") && !seen.contains("key-1"));
}

#[tokio::test]
async fn a_name_that_does_not_exist() {
    let not_connected = fails(&endpoint("http://nobody.invalid/")).await;
    assert_eq!(not_connected.reason, NotConnectedReason::Name);
}
