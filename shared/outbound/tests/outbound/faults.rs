//! Receivers that fail after the call was sent: whether they acted is not known, and each
//! was asked once.

use dragoman_outbound::{CallError, Endpoint, NoAnswer, NoAnswerReason, Phase};

use crate::server::{Reply, Server, answer};
use crate::{chain, endpoint, hasty, order};

async fn fails(endpoint: &Endpoint) -> NoAnswer {
    match endpoint.call(&order()).await {
        Err(CallError::NoAnswer(no_answer)) => no_answer,
        other => panic!("{other:?}"),
    }
}

fn told(no_answer: &NoAnswer) -> (Phase, NoAnswerReason, Option<u16>) {
    (no_answer.phase, no_answer.reason, no_answer.status)
}

/// Plays it, and expects that the receiver was asked once and that no secret is told.
async fn played(
    reply: impl Fn() -> Reply + Send + Sync + 'static,
    endpoint: fn(&str) -> Endpoint,
) -> (Phase, NoAnswerReason, Option<u16>) {
    let server = Server::start(move |_, _| reply()).await;
    let endpoint = endpoint(&format!("{}/s3cret?key=s3cret", server.url));
    let no_answer = fails(&endpoint).await;
    assert_eq!(server.seen().len(), 1);
    assert_eq!(server.connections(), 1);
    assert_eq!(*no_answer.origin, *server.url);
    let shown = chain(&CallError::NoAnswer(no_answer.clone()));
    assert!(
        !shown.contains("s3cret") && !shown.contains("key-1"),
        "{shown}"
    );
    told(&no_answer)
}

const HALF_A_HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-le";
const HALF_A_BODY: &[u8] = b"HTTP/1.1 503 Oh\r\ncontent-length: 100\r\n\r\nhalf";
const HALF_A_CHUNK: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n64\r\nhalf";

#[tokio::test]
async fn never_answers() {
    let told = played(|| Reply::Hang(Vec::new()), hasty).await;
    assert_eq!(told, (Phase::Head, NoAnswerReason::Timeout, None));
}

#[tokio::test]
async fn stops_in_the_head() {
    let told = played(|| Reply::Hang(HALF_A_HEAD.into()), hasty).await;
    assert_eq!(told, (Phase::Head, NoAnswerReason::Timeout, None));
}

#[tokio::test]
async fn stops_in_the_body() {
    let told = played(|| Reply::Hang(HALF_A_BODY.into()), hasty).await;
    assert_eq!(told, (Phase::Body, NoAnswerReason::Timeout, Some(503)));
    let told = played(|| Reply::Hang(HALF_A_CHUNK.into()), hasty).await;
    assert_eq!(told, (Phase::Body, NoAnswerReason::Timeout, Some(200)));
}

#[tokio::test]
async fn hangs_up_without_an_answer() {
    let told = played(|| Reply::Close(Vec::new()), endpoint).await;
    assert_eq!(told, (Phase::Head, NoAnswerReason::Broken, None));
    let told = played(|| Reply::Reset(Vec::new()), endpoint).await;
    assert_eq!(told, (Phase::Head, NoAnswerReason::Broken, None));
}

#[tokio::test]
async fn breaks_off_in_the_head() {
    let told = played(|| Reply::Close(HALF_A_HEAD.into()), endpoint).await;
    assert_eq!(told, (Phase::Head, NoAnswerReason::Broken, None));
}

#[tokio::test]
async fn breaks_off_in_the_body() {
    let told = played(|| Reply::Close(HALF_A_BODY.into()), endpoint).await;
    assert_eq!(told, (Phase::Body, NoAnswerReason::Broken, Some(503)));
    let told = played(|| Reply::Close(HALF_A_CHUNK.into()), endpoint).await;
    assert_eq!(told, (Phase::Body, NoAnswerReason::Broken, Some(200)));
}

/// A reset may overtake what was written before it: then not even the head was there.
#[tokio::test]
async fn resets_in_the_middle() {
    let (_, reason, _) = played(|| Reply::Reset(HALF_A_BODY.into()), endpoint).await;
    assert_eq!(reason, NoAnswerReason::Broken);
}

#[tokio::test]
async fn answers_with_what_is_not_http() {
    for garbage in [
        "SSH-2.0-OpenSSH_9.6\r\n\r\n",
        "HTTP/1.1 20x\r\n\r\n",
        "\0\0\0\0\r\n\r\n",
    ] {
        let told = played(|| Reply::Close(garbage.into()), endpoint).await;
        assert_eq!(
            told,
            (Phase::Head, NoAnswerReason::Broken, None),
            "{garbage:?}"
        );
    }
    let endless = b"HTTP/1.1 200 OK\r\nx-endless: ";
    let told = played(|| Reply::Endless(endless.into()), endpoint).await;
    assert_eq!(told, (Phase::Head, NoAnswerReason::Broken, None));
}

#[tokio::test]
async fn recovers_with_the_next_call() {
    let server = Server::start(|number, _| match number {
        1 => Reply::Close(HALF_A_BODY.into()),
        2 => Reply::Reset(Vec::new()),
        _ => Reply::Whole(answer("200 OK", "")),
    })
    .await;
    let endpoint = endpoint(&server.url);
    fails(&endpoint).await;
    fails(&endpoint).await;
    assert_eq!(endpoint.call(&order()).await.unwrap().status, 200);
    assert_eq!(server.seen().len(), 3);
}
