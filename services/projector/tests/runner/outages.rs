//! A receiver that is down, or lets nobody in: no event's fault.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{
    Receiver, Relay, Reply, Running, World, eventually, everything_arrived, requests,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_is_down_has_nothing_parked_and_is_hardly_called() {
    let world = World::new().await;
    let mut relay = Relay::start(&world, 1).await;
    let mut receiver = Receiver::start().await;
    let crm = requests(&world, &receiver, &json!({}));
    let running = Running::by_ledger(&world, &crm, "one");
    world.append(0, 300).await;
    relay.seal().await;
    everything_arrived(&world, &receiver, &crm).await;
    receiver.behave(|_| Reply::Refuse(503));
    world.append(300, 500).await;
    relay.seal().await;
    let halted = || async {
        let halts = world.store.halts().await.unwrap();
        halts.iter().any(|halt| halt.code == "receiver_down")
    };
    eventually("the breaker is open", halted).await;
    let before = receiver.calls().len();
    let since = Instant::now();
    let target = world.target();
    let has_lasted = async |seconds| {
        eventually("the outage has lasted", || async {
            assert_eq!(target.parked(&crm.name).await.unwrap(), []);
            assert!(halted().await, "the alarm stands");
            since.elapsed() > Duration::from_secs(seconds)
        })
        .await;
    };
    has_lasted(5).await;
    let during = receiver.calls().len() - before;
    assert!(during <= 8, "{during} calls in 5 s of an outage");
    has_lasted(22).await;
    let calls = receiver.calls();
    let probes = &calls[before..];
    assert!(
        (2..=7).contains(&probes.len()),
        "{} calls in 22 s of an outage",
        probes.len()
    );
    for pair in probes.windows(2) {
        let rest = pair[1].at - pair[0].at;
        let range = Duration::from_millis(500)..Duration::from_secs(11);
        assert!(range.contains(&rest), "the next call came after {rest:?}");
    }
    receiver.go_down();
    has_lasted(30).await;
    assert_eq!(receiver.calls().len(), calls.len(), "nobody listened");
    receiver.come_back().await;
    receiver.behave(|_| Reply::Act(200));
    let back = Instant::now();
    eventually("it is found to be back", || async {
        receiver.calls().len() > calls.len()
    })
    .await;
    let found = back.elapsed();
    assert!(found < Duration::from_secs(12), "it took {found:?}");
    everything_arrived(&world, &receiver, &crm).await;
    assert_eq!(target.parked(&crm.name).await.unwrap(), []);
    eventually("the alarm is taken back", || async { !halted().await }).await;
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials_hold_the_projection_and_lose_nothing() {
    let world = World::new().await;
    let mut relay = Relay::start(&world, 1).await;
    let receiver = Receiver::behaving(|_| Reply::Refuse(401)).await;
    let crm = requests(
        &world,
        &receiver,
        &json!({ "auth": { "bearer": { "token": "a-token" } } }),
    );
    let running = Running::by_ledger(&world, &crm, "one");
    world.append(0, 200).await;
    relay.seal().await;
    eventually("the alarm is raised", || async {
        let halts = world.store.halts().await.unwrap();
        halts
            .iter()
            .any(|halt| halt.code == "unauthorized" && !halt.message.contains("a-token"))
    })
    .await;
    assert!(world.target().parked(&crm.name).await.unwrap().is_empty());
    assert!(
        receiver.calls().len() <= 16 + 4,
        "{}",
        receiver.calls().len()
    );
    receiver.behave(|_| Reply::Act(200));
    everything_arrived(&world, &receiver, &crm).await;
    running.stop().await;
}

fn with_tokens(receiver: &Receiver) -> serde_json::Value {
    json!({
        "rate": "300/s",
        "auth": { "oauth2": {
            "token_url": format!("{}/token", receiver.url()), "client_id": "hub", "client_secret": "a-secret",
        } },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_expire_and_are_revoked_and_each_is_asked_for_once() {
    let world = World::new().await;
    let mut relay = Relay::start(&world, 1).await;
    let receiver = Receiver::start().await;
    receiver.want_tokens(Duration::from_secs(2));
    let crm = requests(&world, &receiver, &with_tokens(&receiver));
    let running = Running::by_ledger(&world, &crm, "one");
    world.append(0, 1_500).await;
    relay.seal().await;
    let began = Instant::now();
    eventually("half of it arrived", || async {
        receiver.effects().len() > 700
    })
    .await;
    receiver.revoke_tokens();
    everything_arrived(&world, &receiver, &crm).await;
    // One for each 80 % of a life, and one after they were taken back.
    let most = began.elapsed().as_millis() / 1_600 + 3;
    let given = receiver.tokens_given();
    assert!(
        given >= 2 && given as u128 <= most,
        "{given} tokens, {most} at the most"
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_endpoint_that_is_down_is_no_fault_of_any_event() {
    let world = World::new().await;
    let mut relay = Relay::start(&world, 1).await;
    let receiver = Receiver::start().await;
    receiver.want_tokens(Duration::from_secs(600));
    let crm = requests(&world, &receiver, &with_tokens(&receiver));
    let running = Running::by_ledger(&world, &crm, "one");
    world.append(0, 500).await;
    relay.seal().await;
    everything_arrived(&world, &receiver, &crm).await;
    assert_eq!((receiver.tokens_asked(), receiver.tokens_given()), (1, 1));
    receiver.give_tokens(false);
    receiver.revoke_tokens();
    let before = receiver.calls().len();
    let since = Instant::now();
    world.append(500, 500).await;
    relay.seal().await;
    let halted = || async {
        let halts = world.store.halts().await.unwrap();
        halts
            .iter()
            .any(|halt| halt.code == "no_token" && !halt.message.contains("a-secret"))
    };
    eventually("the alarm is raised", halted).await;
    let target = world.target();
    eventually("the outage has lasted", || async {
        assert_eq!(target.parked(&crm.name).await.unwrap(), []);
        since.elapsed() > Duration::from_secs(10)
    })
    .await;
    let asked = receiver.tokens_asked();
    assert!(asked <= 10, "asked {asked} times for 16 callers in 10 s");
    let during = receiver.calls().len() - before;
    assert!(during <= 16 + 10, "{during} calls without a token");
    receiver.give_tokens(true);
    everything_arrived(&world, &receiver, &crm).await;
    let asked = receiver.tokens_asked() - asked;
    assert_eq!(
        (asked, receiver.tokens_given()),
        (1, 2),
        "one for all callers"
    );
    eventually("the alarm is taken back", || async { !halted().await }).await;
    running.stop().await;
}
