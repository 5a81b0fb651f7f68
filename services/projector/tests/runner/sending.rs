//! Sending events to a receiver: one effect each, in order, whatever is lost.

use serde_json::json;

use crate::support::{
    Receiver, Relay, Reply, Running, World, eventually, everything_arrived, one_key_each, requests,
};

#[tokio::test(flavor = "multi_thread")]
async fn events_arrive_once_and_in_order_by_the_ledger_and_over_kafka() {
    let world = World::new().await;
    let mut relay = Relay::start(&world, 2).await;
    let receiver = Receiver::start().await;
    let crm = requests(&world, &receiver, &json!({}));
    let by_ledger = Running::by_ledger(&world, &crm, "one");
    world.append(0, 1_000).await;
    relay.flow().await;
    everything_arrived(&world, &receiver, &crm).await;
    by_ledger.stop().await;
    let over_kafka = Running::over_kafka(&world, &crm, "two");
    world.append(1_000, 1_000).await;
    relay.flow().await;
    everything_arrived(&world, &receiver, &crm).await;
    over_kafka.stop().await;
    let calls = receiver.calls();
    assert_eq!(
        calls.len(),
        receiver.effects().len(),
        "nothing was sent twice"
    );
    let call = calls.first().unwrap();
    assert_eq!(
        (call.method.as_str(), call.path.as_str()),
        ("PUT", "/orders")
    );
    assert_eq!(call.headers["content-type"], "application/json");
    assert_eq!(call.key().len(), 32);
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_replies_and_a_hundred_crashes_leave_one_effect_each() {
    let world = World::new().await;
    let mut relay = Relay::start(&world, 1).await;
    let receiver = Receiver::behaving(|call| {
        match (call.attempt, call.body["amount"].as_i64().unwrap() % 31) {
            (1, 0) => Reply::ActAndCut,
            (1, 1) => Reply::ActAndHang,
            (1, 2) => Reply::CutInTheMiddle,
            _ => Reply::Act(200),
        }
    })
    .await;
    let crm = requests(&world, &receiver, &json!({ "timeout": "300ms" }));
    let mut seen = 0;
    for crash in 0..100 {
        world.append(crash * 20, 20).await;
        relay.seal().await;
        let running = Running::by_ledger(&world, &crm, &format!("instance {crash}"));
        let more = seen + 1 + crash % 23;
        eventually("more calls have come", || async {
            receiver.calls().len() > more || world.account(&crm).await.lag == 0
        })
        .await;
        running.crash().await;
        seen = receiver.calls().len();
        // What a killed process held runs out by itself; here it is taken away.
        world.end_leases().await;
    }
    let last = Running::by_ledger(&world, &crm, "the last");
    everything_arrived(&world, &receiver, &crm).await;
    last.stop().await;
    one_key_each(&receiver);
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_total_order_nothing_passes_what_is_refused() {
    let world = World::new().await;
    let mut relay = Relay::start(&world, 1).await;
    let receiver = Receiver::behaving(|call| match (call.id(), call.attempt) {
        ("id-5", 1) => Reply::Refuse(500),
        ("id-9", _) => Reply::Refuse(422),
        _ => Reply::Act(200),
    })
    .await;
    let crm = requests(&world, &receiver, &json!({ "order": "total" }));
    let running = Running::by_ledger(&world, &crm, "one");
    world.append(0, 100).await;
    relay.seal().await;
    let target = world.target();
    eventually("it has stopped", || async {
        !target.parked(&crm.name).await.unwrap().is_empty()
    })
    .await;
    let wanted: Vec<String> = world
        .log()
        .await
        .into_iter()
        .filter(|recorded| crm.events.contains_key(&recorded.event.event_type))
        .map(|recorded| recorded.event.id)
        .collect();
    let arrived = || -> Vec<String> {
        let effects = receiver.effects();
        effects.iter().map(|call| call.id().to_owned()).collect()
    };
    let until = wanted.iter().position(|id| id == "id-9").unwrap();
    assert_eq!(arrived(), wanted[..until]);
    let subject = target.parked(&crm.name).await.unwrap()[0].subject.clone();
    target
        .skip(&crm.name, &subject, false, "a test")
        .await
        .unwrap();
    let account = world.level(&crm).await;
    assert_eq!(account.skipped, 1);
    let rest: Vec<String> = wanted.into_iter().filter(|id| id != "id-9").collect();
    assert_eq!(arrived(), rest);
    running.stop().await;
}
