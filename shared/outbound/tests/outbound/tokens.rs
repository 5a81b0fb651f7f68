//! OAuth 2.0 client credentials, with a token endpoint and a receiver that asks for tokens.

use std::time::Duration;

use dragoman_outbound::{
    AuthOptions, Call, CallError, ClientCredentials, Endpoint, EndpointOptions, Oauth2AuthOptions,
    TokenError, TokenProblem,
};
use dragoman_settings::{Secret, Text};
use futures_util::future::join_all;

use crate::server::{Reply, Server, answer, json};
use crate::{chain, options, order};

fn endpoint(url: &str, token_url: &str) -> Endpoint {
    Endpoint::new(&EndpointOptions {
        auth: AuthOptions::Oauth2(Oauth2AuthOptions {
            token_url: Text::from(token_url),
            client_id: Text::from("hub"),
            client_secret: Secret::from("s3cret"),
            scope: Some(Text::from("orders")),
            audience: None,
            credentials: ClientCredentials::Header,
        }),
        ..options(url)
    })
    .unwrap()
}

fn token(number: usize) -> Vec<u8> {
    let body = format!(r#"{{"access_token":"t{number}","token_type":"bearer","expires_in":3600}}"#);
    json("200 OK", &body)
}

/// Gives t1, t2, t3…
async fn issuer() -> Server {
    Server::start(|number, _| Reply::Whole(token(number))).await
}

/// Takes no token but that one.
async fn receiver(valid: &'static str) -> Server {
    Server::start(move |_, seen| {
        Reply::Whole(if seen.header("authorization") == Some(valid) {
            answer("200 OK", "")
        } else {
            answer("401 Unauthorized", "who?")
        })
    })
    .await
}

async fn token_error(endpoint: &Endpoint) -> TokenError {
    let error = endpoint.call(&order()).await.unwrap_err();
    let shown = chain(&error);
    assert!(
        !shown.contains("s3cret") && !shown.contains("czNjcmV0"),
        "{shown}"
    );
    match error {
        CallError::Token(error) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn many_callers_make_one_token_request() {
    let (issuer, receiver) = (issuer().await, receiver("Bearer t1").await);
    let endpoint = endpoint(&receiver.url, &format!("{}/token?tenant=1", issuer.url));
    let calls = (0..60).map(|_| {
        let endpoint = endpoint.clone();
        tokio::spawn(async move { endpoint.call(&order()).await })
    });
    for call in join_all(calls).await {
        assert_eq!(call.unwrap().unwrap().status, 200);
    }
    let [request] = &issuer.seen()[..] else {
        panic!("{:?}", issuer.seen());
    };
    assert_eq!(request.head[0], "POST /token?tenant=1 HTTP/1.1");
    assert_eq!(
        request.header("authorization"),
        Some("Basic aHViOnMzY3JldA==")
    );
    assert_eq!(
        request.header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
    assert_eq!(request.body, "grant_type=client_credentials&scope=orders");
    assert_eq!(receiver.seen().len(), 60);
}

#[tokio::test]
async fn a_token_that_expired_in_flight_is_renewed_once_for_all() {
    let (issuer, receiver) = (issuer().await, receiver("Bearer t2").await);
    let endpoint = endpoint(&receiver.url, &issuer.url);
    assert_eq!(endpoint.call(&order()).await.unwrap().status, 200);
    let seen = receiver.seen();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[1].header("authorization"), Some("Bearer t2"));
    // The same effect, so the same key and the same body.
    assert_eq!(
        seen[0].header("idempotency-key"),
        seen[1].header("idempotency-key")
    );
    assert_eq!(seen[0].body, seen[1].body);
    join_all((0..20).map(|_| async { endpoint.call(&order()).await.unwrap() })).await;
    assert_eq!(issuer.seen().len(), 2);
    assert_eq!(receiver.seen().len(), 22);
}

#[tokio::test]
async fn a_second_401_is_the_answer() {
    let (issuer, receiver) = (issuer().await, receiver("nobody's").await);
    let answer = endpoint(&receiver.url, &issuer.url)
        .call(&order())
        .await
        .unwrap();
    assert_eq!((answer.status, &answer.body[..]), (401, &b"who?"[..]));
    assert_eq!(receiver.seen().len(), 2);
    assert_eq!(issuer.seen().len(), 2);
}

#[tokio::test]
async fn a_token_endpoint_that_is_down_sends_nothing_to_the_receiver() {
    let receiver = receiver("Bearer t1").await;
    let down = Server::answering("").await;
    let url = down.url.clone();
    drop(down);
    // Its listener is closed when its task has ended.
    while tokio::net::TcpStream::connect(url.strip_prefix("http://").unwrap())
        .await
        .is_ok()
    {}
    let error = token_error(&endpoint(&receiver.url, &url)).await;
    assert!(matches!(error, TokenError::NotConnected(_)), "{error:?}");
    assert!(error.is_retryable());
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn a_token_endpoint_that_refuses_the_client_is_asked_for_nothing_more() {
    let receiver = receiver("Bearer t1").await;
    for (status, code) in [
        ("401 Unauthorized", "invalid_client"),
        ("400 Bad Request", "invalid_scope"),
    ] {
        let body = format!(r#"{{"error":"{code}","error_description":"not s3cret"}}"#);
        let issuer = Server::answering(json(status, &body)).await;
        let error = token_error(&endpoint(&receiver.url, &issuer.url)).await;
        assert!(!error.is_retryable());
        assert!(error.to_string().contains(code), "{error}");
        assert_eq!(issuer.seen().len(), 1);
    }
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn a_token_endpoint_in_trouble_is_asked_again_later() {
    let receiver = receiver("Bearer t1").await;
    let busy = Server::answering(answer("503 Busy\r\nRetry-After: 7", "")).await;
    let endpoint_of_busy = endpoint(&receiver.url, &busy.url);
    let error = token_error(&endpoint_of_busy).await;
    assert!(error.is_retryable());
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    for _ in 0..20 {
        token_error(&endpoint_of_busy).await;
    }
    assert!(busy.seen().len() <= 2, "{}", busy.seen().len());
    let cut = Server::start(|_, _| Reply::Close(Vec::new())).await;
    let error = token_error(&endpoint(&receiver.url, &cut.url)).await;
    assert!(matches!(error, TokenError::NoAnswer(_)) && error.is_retryable());
}

#[tokio::test]
async fn a_renewal_that_fails_is_the_projections_failure() {
    let issuer = Server::start(|number, _| {
        Reply::Whole(if number == 1 {
            token(1)
        } else {
            answer("500 Oh", "")
        })
    })
    .await;
    let receiver = receiver("Bearer t2").await;
    let error = token_error(&endpoint(&receiver.url, &issuer.url)).await;
    assert!(matches!(error, TokenError::Unavailable { status: 500, .. }));
    assert_eq!(receiver.seen().len(), 1);
}

#[tokio::test]
async fn a_token_endpoint_that_redirects_or_answers_without_end() {
    let receiver = receiver("Bearer t1").await;
    let elsewhere = issuer().await;
    let head = format!("307 Elsewhere\r\nLocation: {}", elsewhere.url);
    let redirecting = Server::answering(answer(&head, "")).await;
    let error = token_error(&endpoint(&receiver.url, &redirecting.url)).await;
    assert!(matches!(error, TokenError::Denied { status: 307, .. }));
    assert_eq!(elsewhere.connections(), 0);
    let head = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n";
    let endless = Server::start(|_, _| Reply::Endless(head.into())).await;
    match token_error(&endpoint(&receiver.url, &endless.url)).await {
        TokenError::Unusable { problem, .. } => assert_eq!(problem, TokenProblem::TooLong),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_cannot_be_sent_asks_for_no_token() {
    let (issuer, receiver) = (issuer().await, receiver("Bearer t1").await);
    let endpoint = endpoint(&receiver.url, &issuer.url);
    let refused = endpoint.call(&Call::new("GET", "evil")).await.unwrap_err();
    assert!(matches!(refused, CallError::Unsendable(_)));
    assert_eq!(issuer.connections(), 0);
}
