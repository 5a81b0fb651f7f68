//! What comes back when a receiver answers.

use std::time::Duration;

use chrono::Utc;
use dragoman_outbound::{Call, MAX_ANSWER_BYTES, MAX_RETRY_AFTER};

use crate::server::{Reply, Server, answer};
use crate::{endpoint, order};

#[tokio::test]
async fn any_status_is_an_answer_with_headers_and_body() {
    for status in ["200 OK", "299 Own", "404 Not Found", "500 Oh", "599 Own"] {
        let head = format!("{status}\r\nX-Tag: a\r\nx-tag: b");
        let server = Server::answering(answer(&head, "body")).await;
        let answer = endpoint(&server.url).call(&order()).await.unwrap();
        assert_eq!(answer.status.to_string(), status[..3]);
        assert_eq!(answer.headers["x-tag"], "a, b");
        assert_eq!(answer.body, "body");
        assert!(!answer.truncated);
        assert_eq!(server.seen().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn answers_429_with_seconds_and_with_each_form_of_a_date() {
    let date = "Date: Sun, 06 Nov 1994 08:49:30 GMT";
    for (headers, wait) in [
        ("Retry-After: 120".to_owned(), Some(120)),
        (
            format!("{date}\r\nRetry-After: Sun, 06 Nov 1994 08:49:37 GMT"),
            Some(7),
        ),
        (
            format!("{date}\r\nRetry-After: Sunday, 06-Nov-94 08:49:37 GMT"),
            Some(7),
        ),
        (
            format!("{date}\r\nRetry-After: Sun Nov  6 08:49:37 1994"),
            Some(7),
        ),
        (
            "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT".to_owned(),
            Some(0),
        ),
        (
            "Retry-After: 1000000000000".to_owned(),
            Some(MAX_RETRY_AFTER.as_secs()),
        ),
        ("Retry-After: after lunch".to_owned(), None),
        ("X-None: 1".to_owned(), None),
    ] {
        let head = format!("429 Too Many Requests\r\n{headers}");
        let server = Server::answering(answer(&head, "")).await;
        let answer = endpoint(&server.url).call(&order()).await.unwrap();
        assert_eq!(answer.status, 429);
        assert_eq!(
            answer.retry_after(Utc::now()),
            wait.map(Duration::from_secs),
            "{headers}"
        );
    }
}

#[tokio::test]
async fn a_redirect_to_a_private_address_is_an_answer_and_is_not_followed() {
    let inside = Server::answering(answer("200 OK", "secrets")).await;
    for status in [
        "301 Moved",
        "302 Found",
        "303 See",
        "307 Again",
        "308 Moved",
    ] {
        let head = format!("{status}\r\nLocation: {}/admin", inside.url);
        let server = Server::answering(answer(&head, "elsewhere")).await;
        let answer = endpoint(&server.url).call(&order()).await.unwrap();
        assert_eq!(answer.status.to_string(), status[..3]);
        assert_eq!(answer.body, "elsewhere");
        assert_eq!(answer.headers["location"], format!("{}/admin", inside.url));
    }
    assert_eq!(inside.connections(), 0);
}

#[tokio::test]
async fn a_huge_body_is_cut_and_the_rest_not_read() {
    for head in [
        "content-length: 109951162777600",
        "connection: close",
        "content-length: 1048577",
    ] {
        let head = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n").into_bytes();
        let server = Server::start(move |_, _| Reply::Endless(head.clone())).await;
        let answer = endpoint(&server.url).call(&order()).await.unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(answer.body.len(), MAX_ANSWER_BYTES);
        assert!(answer.truncated);
        // What is more than the limit lies in the buffers of the connection.
        assert!(
            server.written() < 32 * MAX_ANSWER_BYTES,
            "{}",
            server.written()
        );
    }
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_is_whole() {
    let body = "x".repeat(MAX_ANSWER_BYTES);
    let server = Server::answering(answer("200 OK", &body)).await;
    let answer = endpoint(&server.url).call(&order()).await.unwrap();
    assert_eq!(answer.body.len(), MAX_ANSWER_BYTES);
    assert!(!answer.truncated);
}

/// A small body that would grow without a bound stays as it is.
#[tokio::test]
async fn a_content_coding_is_not_undone() {
    let server = Server::answering(answer("200 OK\r\nContent-Encoding: gzip", "\x1f bomb")).await;
    let answer = endpoint(&server.url).call(&order()).await.unwrap();
    assert_eq!(answer.body, "\x1f bomb");
    assert_eq!(answer.headers["content-encoding"], "gzip");
}

#[tokio::test]
async fn head_and_no_content_have_no_body() {
    let server = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n").await;
    let answer = endpoint(&server.url)
        .call(&Call::new("HEAD", ""))
        .await
        .unwrap();
    assert_eq!(answer.headers["content-length"], "5");
    assert!(answer.body.is_empty() && !answer.truncated);
}

#[tokio::test]
async fn what_comes_before_the_answer_is_not_the_answer() {
    let early = b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n".to_vec();
    let whole = [early, answer("201 Created", "done")].concat();
    let server = Server::answering(whole).await;
    let answer = endpoint(&server.url).call(&order()).await.unwrap();
    assert_eq!((answer.status, &answer.body[..]), (201, &b"done"[..]));
}
