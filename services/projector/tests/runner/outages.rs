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
    eventually("the outage has lasted", || async {
        assert_eq!(target.parked(&crm.name).await.unwrap(), []);
        since.elapsed() > Duration::from_secs(5)
    })
    .await;
    let during = receiver.calls().len() - before;
    assert!(during <= 8, "{during} calls in 5 s of an outage");
    receiver.go_down();
    eventually("it is down", || async {
        since.elapsed() > Duration::from_secs(7)
    })
    .await;
    receiver.come_back().await;
    receiver.behave(|_| Reply::Act(200));
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
    receiver.want_tokens(Duration::from_secs(1));
    let crm = requests(&world, &receiver, &with_tokens(&receiver));
    let running = Running::by_ledger(&world, &crm, "one");
    world.append(0, 500).await;
    relay.seal().await;
    everything_arrived(&world, &receiver, &crm).await;
    receiver.give_tokens(false);
    receiver.revoke_tokens();
    world.append(500, 500).await;
    relay.seal().await;
    eventually("the alarm is raised", || async {
        let halts = world.store.halts().await.unwrap();
        halts
            .iter()
            .any(|halt| halt.code == "no_token" && !halt.message.contains("a-secret"))
    })
    .await;
    let target = world.target();
    let since = Instant::now();
    eventually("the outage has lasted", || async {
        assert_eq!(target.parked(&crm.name).await.unwrap(), []);
        since.elapsed() > Duration::from_secs(3)
    })
    .await;
    receiver.give_tokens(true);
    everything_arrived(&world, &receiver, &crm).await;
    running.stop().await;
}
