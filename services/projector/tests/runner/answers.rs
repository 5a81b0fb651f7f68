//! What an answer means, shown by what becomes of the event.

use std::time::Duration;

use dragoman_projector::ParkedState;
use serde_json::json;

use crate::support::{
    Receiver, Relay, Reply, Running, World, eventually, everything_arrived, requests,
};

#[tokio::test(flavor = "multi_thread")]
async fn whoever_asks_for_patience_gets_it() {
    let world = World::new().await;
    let mut relay = Relay::start(&world, 1).await;
    let in_a_second = chrono::Utc::now() + chrono::TimeDelta::seconds(3);
    let date = in_a_second.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let receiver = Receiver::behaving(move |call| match (call.id(), call.attempt) {
        ("id-0", 1) => Reply::Answer(429, vec![("Retry-After", "1".into())], String::new()),
        ("id-1", 1) => Reply::Answer(503, vec![("Retry-After", date.clone())], "<html>".into()),
        _ => Reply::Act(200),
    })
    .await;
    let crm = requests(&world, &receiver, &json!({ "concurrency": 1 }));
    let running = Running::by_ledger(&world, &crm, "one");
    world.append(0, 3).await;
    relay.seal().await;
    everything_arrived(&world, &receiver, &crm).await;
    let calls = receiver.calls();
    let rest_after = |id: &str| {
        let asked = calls.iter().position(|call| call.id() == id).unwrap();
        calls[asked + 1].at - calls[asked].at
    };
    let rest = rest_after("id-0");
    assert!(
        rest >= Duration::from_millis(990),
        "called again after {rest:?}"
    );
    let rest = rest_after("id-1");
    assert!(
        rest >= Duration::from_millis(500),
        "called again after {rest:?}"
    );
    assert!(world.target().parked(&crm.name).await.unwrap().is_empty());
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_answer_means_what_the_table_says() {
    let world = World::new().await;
    let mut relay = Relay::start(&world, 1).await;
    let receiver = Receiver::behaving(|call| {
        let answer = |status: u16, body: &str| Reply::Answer(status, Vec::new(), body.to_owned());
        match (call.id(), call.attempt) {
            ("id-0", 1) => answer(502, "<html><body>Bad Gateway</body></html>"),
            ("id-1", 1) => answer(408, ""),
            ("id-2", 1) => answer(425, ""),
            ("id-4", _) => answer(410, "gone"),
            ("id-5", _) => answer(200, "{\"ok\":false,\"error\":\"no such customer\"}"),
            ("id-6", 1) => answer(409, "{\"ok\":false}"),
            ("id-8", _) => Reply::Answer(
                307,
                vec![("Location", "http://169.254.169.254/latest/".into())],
                String::new(),
            ),
            ("id-9", 1) => Reply::CutInTheMiddle,
            ("id-10", 1) => Reply::Hang,
            ("id-12", _) => answer(200, &format!("\"{}\"", "x".repeat(3 << 20))),
            _ => Reply::Act(200),
        }
    })
    .await;
    let crm = requests(
        &world,
        &receiver,
        &json!({
            "success": ".status < 300 && (.body.ok == true)", "retry": { "on": ".status == 409", "first": "50ms" },
            "timeout": "500ms",
        }),
    );
    let running = Running::by_ledger(&world, &crm, "one");
    world.append(0, 14).await;
    relay.seal().await;
    let target = world.target();
    eventually("what is busy has passed", || async {
        let parked = target.parked(&crm.name).await.unwrap();
        world.account(&crm).await.lag == 0
            && parked
                .iter()
                .all(|subject| subject.state == ParkedState::Held)
    })
    .await;
    let parked = target.parked(&crm.name).await.unwrap();
    let reasons: Vec<String> = parked
        .iter()
        .map(|subject| format!("{}: {}", subject.subject, subject.reason))
        .collect();
    assert_eq!(parked.len(), 4, "{reasons:#?}");
    for (reason, part) in reasons
        .iter()
        .zip(["410", "no such customer", "307", "success"])
    {
        assert!(reason.contains(part), "{reasons:#?}");
    }
    running.stop().await;
}
