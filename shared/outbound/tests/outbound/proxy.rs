//! A proxy of the environment would resolve names for itself, behind the guard's back.

use std::env;
use std::process::Command;

use dragoman_outbound::Call;

use crate::endpoint;
use crate::server::{Server, answer};

const TARGET: &str = "DRAGOMAN_OUTBOUND_TEST_TARGET";

/// The variables are for a process of its own: those of this one are shared by all tests.
#[tokio::test(flavor = "multi_thread")]
async fn proxy_variables_are_ignored() {
    let proxy = Server::answering(answer("502 Bad Gateway", "proxied")).await;
    let target = Server::answering(answer("200 OK", "direct")).await;
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["--exact", "proxy::calls_the_target_when_told"]);
    child.env(TARGET, &target.url);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        child.env(name, &proxy.url);
        child.env(name.to_lowercase(), &proxy.url);
    }
    for name in ["NO_PROXY", "no_proxy", "REQUEST_METHOD"] {
        child.env_remove(name);
    }
    let output = tokio::task::spawn_blocking(move || child.output())
        .await
        .unwrap()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(target.seen().len(), 1);
    assert_eq!(proxy.connections(), 0);
}

/// What the process of its own does; without a target, nothing.
#[tokio::test]
async fn calls_the_target_when_told() {
    let Ok(target) = env::var(TARGET) else {
        return;
    };
    let answer = endpoint(&target)
        .call(&Call::new("GET", "/"))
        .await
        .unwrap();
    assert_eq!(answer.body, "direct");
}
