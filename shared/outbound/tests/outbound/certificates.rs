//! Whom the hub believes to be who they say: the authorities of the machine, or of `SSL_CERT_FILE`.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use dragoman_outbound::{CallError, Endpoint};

use crate::server::{Server, answer};
use crate::tls::{Authority, Certificate, Door};
use crate::{chain, options, order};

const TARGET: &str = "DRAGOMAN_OUTBOUND_TEST_TLS_TARGET";
const OUTCOME: &str = "DRAGOMAN_OUTBOUND_TEST_TLS_OUTCOME";

/// A receiver behind a door, and what came of a call to it as `localhost`.
struct Called {
    server: Server,
    door: Door,
    outcome: String,
}

/// Calls a receiver that shows a certificate, from a process that trusts one authority.
async fn call(certificate: &Certificate, trusted: PathBuf) -> Called {
    let server = Server::answering(answer("200 OK", "direct")).await;
    let port = server.url.rsplit(':').next().unwrap().parse().unwrap();
    let door = Door::before(port, certificate).await;
    let url = format!("https://localhost:{}", door.port);
    let outcome = tokio::task::spawn_blocking(move || outcome_of(&url, &trusted))
        .await
        .unwrap();
    Called {
        server,
        door,
        outcome,
    }
}

/// The variables are for a process of its own: those of this one are shared by all tests.
fn outcome_of(url: &str, trusted: &Path) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("outcome");
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "certificates::calls_the_target_when_told"])
        .env(TARGET, url)
        .env(OUTCOME, &file)
        .env("SSL_CERT_FILE", trusted)
        .env_remove("SSL_CERT_DIR")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    std::fs::read_to_string(file).unwrap()
}

/// What the process of its own does; without a target, nothing.
#[tokio::test]
async fn calls_the_target_when_told() {
    let Ok(target) = env::var(TARGET) else {
        return;
    };
    let outcome = match Endpoint::new(&options(&target)) {
        Ok(endpoint) => match endpoint.call(&order()).await {
            Ok(answer) => format!("{}: {}", answer.status, answer.body.escape_ascii()),
            Err(CallError::NotConnected(error)) => format!("{:?}: {}", error.reason, chain(&error)),
            Err(error) => chain(&error),
        },
        Err(error) => chain(&error),
    };
    std::fs::write(env::var(OUTCOME).unwrap(), outcome).unwrap();
}

/// Nothing was shown to who did not prove who it is, and whoever looks for why finds it.
fn assert_refused(called: &Called, why: &str) {
    let outcome = &called.outcome;
    assert!(outcome.starts_with("Connection: "), "{outcome}");
    assert!(outcome.contains("check the port, the firewalls and, for https, the certificate"));
    assert!(outcome.contains(why), "{outcome}");
    assert!(!outcome.contains("key-1"), "{outcome}");
    assert_eq!(called.server.seen(), []);
    assert_eq!(called.door.names(), [""; 0], "it did not go in");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_a_trusted_authority_for_the_name_is_believed() {
    let authority = Authority::new("one");
    let called = call(&authority.certificate("localhost"), authority.file()).await;
    assert_eq!(called.outcome, "200: direct");
    // The address was judged and dialled; the name is what the receiver had to prove.
    assert_eq!(called.door.names(), ["localhost"]);
    let [seen] = &called.server.seen()[..] else {
        panic!("{:?}", called.server.seen());
    };
    assert_eq!(seen.head[0], "POST /orders?a=1 HTTP/1.1");
    assert_eq!(seen.header("Idempotency-Key"), Some("key-1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_another_authority_is_not() {
    let (authority, other) = (Authority::new("one"), Authority::new("another"));
    let called = call(&authority.certificate("localhost"), other.file()).await;
    assert_refused(&called, "invalid peer certificate: UnknownIssuer");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_for_another_name_is_not() {
    let authority = Authority::new("one");
    let called = call(&authority.certificate("hub.example"), authority.file()).await;
    assert_refused(
        &called,
        "invalid peer certificate: certificate not valid for name \"localhost\"",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_has_expired_is_not() {
    let authority = Authority::new("one");
    let called = call(&authority.expired("localhost"), authority.file()).await;
    assert_refused(&called, "invalid peer certificate: certificate expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_without_authorities_is_told_apart() {
    let authority = Authority::new("one");
    let nobody = tempfile::NamedTempFile::new().unwrap();
    let called = call(&authority.certificate("localhost"), nobody.path().into()).await;
    assert!(
        called.outcome.contains("the package ca-certificates")
            && called.outcome.contains("No CA certificates were loaded"),
        "{}",
        called.outcome
    );
    assert_eq!(called.server.seen(), []);
}
