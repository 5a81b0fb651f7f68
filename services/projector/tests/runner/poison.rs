//! A subject that the receiver refuses, or cannot take yet: it holds up no other.

use dragoman_projector::ParkedState;
use serde_json::json;

use crate::support::{
    Receiver, Relay, Reply, Running, World, eventually, everything_arrived, log_by_subject,
    requests,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_poisoned_subject_holds_up_no_other_and_keeps_its_order() {
    let world = World::new().await;
    let mut relay = Relay::start(&world, 1).await;
    let receiver = Receiver::behaving(|call| {
        if call.id() == "id-5" {
            Reply::Refuse(422)
        } else {
            Reply::Act(200)
        }
    })
    .await;
    let crm = requests(&world, &receiver, &json!({}));
    let running = Running::by_ledger(&world, &crm, "one");
    world.append(0, 1_000).await;
    relay.seal().await;
    let account = world.level(&crm).await;
    let target = world.target();
    let parked = target.parked(&crm.name).await.unwrap();
    assert_eq!(parked.len(), 1);
    assert_eq!(parked[0].state, ParkedState::Held);
    assert!(parked[0].reason.contains("422"), "{}", parked[0].reason);
    let subject = parked[0].subject.clone();
    let all = log_by_subject(&world, &crm).await;
    assert_eq!(account.parked_events as usize, all[&subject].len());
    assert!(!receiver.effects_by_subject().contains_key(&subject));

    // A retry changes nothing as long as it is refused.
    assert_eq!(target.retry(&crm.name, &subject).await.unwrap(), 1);
    eventually("it is held again", || async {
        let parked = target.parked(&crm.name).await.unwrap();
        parked[0].state == ParkedState::Held && parked[0].attempts > 1
    })
    .await;
    let before: Vec<String> = keys_of(&receiver, "id-5");
    assert!(
        before.iter().all(|key| *key == before[0]),
        "the same key at each attempt"
    );

    // Edited it goes out under another key, and the others behind it in order.
    receiver.behave(|call| match call.body["note"].as_str() {
        None if call.id() == "id-5" => Reply::Refuse(422),
        _ => Reply::Act(200),
    });
    let edited = "{\"item\":\"item-5\",\"amount\":5,\"note\":\"mended\"}";
    let decision = target
        .edit(&crm.name, &subject, None, edited, "by phone")
        .await;
    assert_eq!(decision.unwrap().unwrap().identity.id, "id-5");
    everything_arrived(&world, &receiver, &crm).await;
    assert_ne!(keys_of(&receiver, "id-5").last(), before.first());
    assert_eq!(target.parked(&crm.name).await.unwrap(), []);
    running.stop().await;
}

fn keys_of(receiver: &Receiver, id: &str) -> Vec<String> {
    let calls = receiver.calls();
    calls
        .iter()
        .filter(|call| call.id() == id)
        .map(|call| call.key().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_skipped_event_is_never_sent_and_the_rest_goes_on() {
    let world = World::new().await;
    let mut relay = Relay::start(&world, 1).await;
    let receiver = Receiver::behaving(|call| match call.id() {
        "id-5" => Reply::Refuse(410),
        _ => Reply::Act(200),
    })
    .await;
    let crm = requests(&world, &receiver, &json!({}));
    let running = Running::by_ledger(&world, &crm, "one");
    world.append(0, 500).await;
    relay.seal().await;
    world.level(&crm).await;
    let target = world.target();
    let subject = target.parked(&crm.name).await.unwrap()[0].subject.clone();
    let skipped = target
        .skip(&crm.name, &subject, false, "gone")
        .await
        .unwrap();
    assert_eq!(skipped.len(), 1);
    eventually("nothing is parked", || async {
        target.parked(&crm.name).await.unwrap().is_empty()
    })
    .await;
    let account = world.level(&crm).await;
    assert_eq!((account.skipped, account.parked_events), (1, 0));
    let mut expected = log_by_subject(&world, &crm).await;
    expected
        .get_mut(&subject)
        .unwrap()
        .retain(|id| id != "id-5");
    assert_eq!(receiver.effects_by_subject(), expected);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_alone_is_tried_again_by_itself_while_others_pass() {
    let world = World::new().await;
    let mut relay = Relay::start(&world, 1).await;
    // These are busy at their first attempts.
    let receiver = Receiver::behaving(|call| {
        if call.id().ends_with("17") && call.attempt <= 3 {
            Reply::Refuse(500)
        } else {
            Reply::Act(200)
        }
    })
    .await;
    let crm = requests(&world, &receiver, &json!({}));
    let running = Running::by_ledger(&world, &crm, "one");
    world.append(0, 2_000).await;
    relay.seal().await;
    everything_arrived(&world, &receiver, &crm).await;
    running.stop().await;
}
