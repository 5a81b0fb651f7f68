//! Whatever is sent: it is answered, and nothing of it is stored half.

use std::io::Write as _;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use insta::assert_snapshot;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{Answer, Client, Hub, shown};

struct Sender {
    client: Client,
    bearer: String,
}

impl Sender {
    /// Sends a body as data of a binary event with that id.
    async fn data(&self, id: &str, body: impl Into<bytes::Bytes>, more: &[(&str, &str)]) -> Answer {
        let mut headers = vec![
            ("authorization", self.bearer.as_str()),
            ("content-type", "application/json"),
            ("ce-specversion", "1.0"),
            ("ce-id", id),
            ("ce-source", "/shop"),
            ("ce-type", "thing.happened"),
            ("ce-subject", "s"),
        ];
        headers.extend_from_slice(more);
        self.client.post("/v1/events", &headers, body).await
    }
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

#[tokio::test]
async fn bodies_that_are_not_strict_json_are_refused_with_their_place() {
    let hub = Hub::new().await;
    let bearer = format!("Bearer {}", hub.key("/shop").await);
    let server = hub.serve().await;
    let client = server.client();
    let sender = Sender { client, bearer };
    let cases: [(&str, Vec<u8>); 10] = [
        ("empty", Vec::new()),
        ("blank", b" \n".to_vec()),
        ("truncated", br#"{"a": [1, 2"#.to_vec()),
        ("two_documents", b"{} {}".to_vec()),
        ("duplicate_keys", br#"{"a": {"b": 1, "b": 2}}"#.to_vec()),
        ("too_deep", nested(129).into_bytes()),
        ("invalid_utf8", b"{\"a\": \"\xff\"}".to_vec()),
        ("nul_in_a_string", br#"{"a": "x\u0000y"}"#.to_vec()),
        ("huge_number", b"[1e999999]".to_vec()),
        ("nul", b"{\"a\": \"x\0y\"}".to_vec()),
    ];
    for (name, body) in cases {
        let answer = sender.data(name, body, &[]).await;
        assert_eq!(answer.status, 400, "{name}: {}", answer.text);
        assert_snapshot!(format!("bad_{name}"), shown(&answer));
    }
    for (id, body) in [
        ("deep", nested(128)),
        ("huge", format!("[{}, 1e9999]", "9".repeat(5000))),
        ("long", format!("\"{}\"", "é".repeat(30_000))),
    ] {
        let answer = sender.data(id, body.clone(), &[]).await;
        assert_eq!(answer.status, 201, "{id}: {}", answer.text);
        assert_eq!(hub.data(id).await, body);
    }
    let nul = [("ce-tenant", "a%00b")];
    assert_eq!(sender.data("x", "{}", &nul).await.status, 400);
    let twice = [("ce-id", "y")];
    assert_eq!(sender.data("x", "{}", &twice).await.status, 400);
    server.stop().await;
    assert_eq!(hub.events().await, 3);
    assert!(hub.totals("api").await.balanced());
}

#[tokio::test]
async fn bodies_are_bounded_also_after_decompression() {
    let hub = Hub::new().await;
    let bearer = format!("Bearer {}", hub.key("/shop").await);
    let server = hub.serve().await;
    let client = server.client();
    let sender = Sender { client, bearer };
    let compressed = [("content-encoding", "gzip")];
    let body = format!("[{}1]", "1,".repeat(1000));
    let answer = sender
        .data("zipped", gzip(body.as_bytes()), &compressed)
        .await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(hub.data("zipped").await, body);
    let large = sender.data("large", "1".repeat((64 << 10) + 1), &[]).await;
    assert_snapshot!("body_too_large", shown(&large));
    let started = Instant::now();
    let bomb = gzip(&vec![b' '; 50 << 20]);
    assert!(bomb.len() < 60_000, "it is a bomb");
    let bomb = sender.data("bomb", bomb, &compressed).await;
    assert_snapshot!("gzip_bomb", shown(&bomb));
    assert!(started.elapsed() < Duration::from_secs(5));
    let broken = sender.data("broken", "{}", &compressed).await;
    assert_snapshot!("not_gzip", shown(&broken));
    let brotli = [("content-encoding", "br")];
    let other = sender.data("other", "{}", &brotli).await;
    assert_snapshot!("other_encoding", shown(&other));
    server.stop().await;
    assert_eq!(hub.events().await, 1);
}

#[tokio::test]
async fn slow_senders_are_not_waited_for_and_broken_ones_do_no_harm() {
    let hub = Hub::new().await;
    let key = hub.key("/shop").await;
    let server = hub
        .serve_with(&hub.url, |options| {
            options.head_timeout = Duration::from_millis(300);
            options.body_timeout = Duration::from_millis(300);
            options.connections = 4;
        })
        .await;
    // More than there is room for: each must make room for the next.
    for text in [
        "POST /v1/events HTTP/1.1\r\nHost:".to_owned(),
        String::new(),
        "\0\u{1}\u{2}\r\n\r\n".to_owned(),
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
        format!("POST /v1/events HTTP/1.1\r\n{}", "x: y\r\n".repeat(200)),
        format!("POST /{} HTTP/1.1\r\n", "x".repeat(100_000)),
    ] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        // It may be closed before everything is written.
        let _written = stream.write_all(text.as_bytes()).await;
        let mut answer = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut answer));
        assert!(ended.await.is_ok(), "{text:?} was waited for");
    }
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "POST /v1/events HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/cloudevents+json\r\nContent-Length: 100\r\n\r\n{{"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 4096];
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut answer));
    let read = read.await.expect("it is answered").unwrap();
    let text = String::from_utf8_lossy(&answer[..read]).into_owned();
    assert!(text.starts_with("HTTP/1.1 408 "), "{text}");
    // A body that breaks off.
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let good = crate::support::event("1", serde_json::json!(1));
    assert_eq!(server.client().send(&key, &good).await.status, 201);
    server.stop().await;
    assert_eq!(hub.events().await, 1);
}
