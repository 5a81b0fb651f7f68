//! What a receiver sees.

use dragoman_outbound::{
    ApiKeyAuthOptions, AuthOptions, BasicAuthOptions, BearerAuthOptions, Call, CallError, Endpoint,
    EndpointOptions, PathProblem, Unsendable,
};
use dragoman_settings::{Secret, Text};

use crate::server::{Server, answer};
use crate::{endpoint, options, order};

#[tokio::test]
async fn a_call_arrives_as_it_was_made_with_what_the_hub_adds() {
    let server = Server::answering(answer("204 No Content", "")).await;
    let endpoint = endpoint(&format!("{}/api?code=c", server.url));
    endpoint.call(&order()).await.unwrap();
    let seen = &server.seen()[0];
    assert_eq!(seen.head[0], "POST /api/orders?code=c&a=1 HTTP/1.1");
    assert_eq!(seen.body, r#"{"id":1}"#);
    assert_eq!(seen.header("host"), server.url.strip_prefix("http://"));
    assert_eq!(seen.header("content-type"), Some("application/json"));
    assert_eq!(seen.header("content-length"), Some("8"));
    assert_eq!(seen.header("idempotency-key"), Some("key-1"));
    assert!(seen.header("user-agent").unwrap().starts_with("dragoman/"));
    for header in [
        "authorization",
        "accept-encoding",
        "transfer-encoding",
        "referer",
        "cookie",
    ] {
        assert_eq!(seen.header(header), None, "{header}");
    }
}

#[tokio::test]
async fn each_scheme_shows_its_credentials() {
    for (auth, header, value) in [
        (
            AuthOptions::ApiKey(ApiKeyAuthOptions {
                header: "X-Api-Key".into(),
                key: Secret::from("k1"),
            }),
            "x-api-key",
            "k1",
        ),
        (
            AuthOptions::Basic(BasicAuthOptions {
                user: Text::from("Aladdin"),
                password: Secret::from("open sesame"),
            }),
            "authorization",
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        ),
        (
            AuthOptions::Bearer(BearerAuthOptions {
                token: Secret::from("t1"),
            }),
            "authorization",
            "Bearer t1",
        ),
    ] {
        let server = Server::answering(answer("401 Unauthorized", "")).await;
        let endpoint = Endpoint::new(&EndpointOptions {
            auth,
            ..options(&server.url)
        })
        .unwrap();
        // Credentials that do not change are not tried again.
        assert_eq!(endpoint.call(&order()).await.unwrap().status, 401);
        assert_eq!(server.seen().len(), 1);
        assert_eq!(server.seen()[0].header(header), Some(value));
        // Nor may an event bring its own.
        let mut forged = order();
        forged.headers.push((header.into(), "mine".into()));
        let refused = endpoint.call(&forged).await.unwrap_err();
        assert!(matches!(
            refused,
            CallError::Unsendable(Unsendable::HeaderOwned(_))
        ));
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn what_cannot_be_sent_is_not_sent() {
    let server = Server::answering(answer("204 No Content", "")).await;
    let endpoint = endpoint(&server.url);
    let call = |path: &str| Call::new("GET", path);
    for (path, problem) in [
        ("//evil.example/", PathProblem::TwoSlashes),
        ("@evil.example/", PathProblem::Beginning),
        ("http://evil.example/", PathProblem::Beginning),
        ("/a\r\nhost: evil.example", PathProblem::Control),
        ("/a/%2e%2E/b", PathProblem::DotSegment),
    ] {
        match endpoint.call(&call(path)).await {
            Err(CallError::Unsendable(Unsendable::Path(found))) => assert_eq!(found, problem),
            other => panic!("{path:?}: {other:?}"),
        }
    }
    let smuggled = Call {
        headers: vec![(
            "x-a".into(),
            "a\r\ncontent-length: 0\r\n\r\nGET /admin".into(),
        )],
        ..call("/")
    };
    assert!(matches!(
        endpoint.call(&smuggled).await,
        Err(CallError::Unsendable(Unsendable::HeaderValue(_)))
    ));
    assert_eq!(server.connections(), 0);
}
