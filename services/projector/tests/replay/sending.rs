//! How they are sent: in order, and past what the receiver refuses.

use crate::stage::{Stage, all};
use crate::support::Reply;

#[tokio::test(flavor = "multi_thread")]
async fn subjects_keep_their_order_whatever_is_answered() {
    let stage = Stage::with_orders(1_200, 7).await;
    let (calls, effects) = (stage.receiver.calls().len(), stage.receiver.effects().len());
    stage
        .receiver
        .behave(|call| match (call.attempt, call.body["amount"].as_i64()) {
            (1, Some(amount)) if amount % 151 == 0 => Reply::Refuse(503),
            (1, Some(amount)) if amount % 151 == 75 => Reply::ActAndCut,
            _ => Reply::Act(200),
        });
    let outcome = stage.replay(&all()).await.unwrap();
    assert!(outcome.finished);
    assert_eq!((outcome.replay.resent, outcome.replay.refused), (1_200, 0));
    assert_eq!(stage.effects_since(effects), stage.log(|_| true).await);
    stage.one_key_each_since(calls);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_written_down_and_the_rest_goes_on() {
    let stage = Stage::with_orders(30, 3).await;
    let effects = stage.receiver.effects().len();
    stage.receiver.behave(|call| match call.id() {
        "id-4" | "id-20" => Reply::Answer(422, Vec::new(), "no such customer".into()),
        _ => Reply::Act(200),
    });
    let outcome = stage.replay(&all()).await.unwrap();
    assert!(outcome.finished);
    assert_eq!((outcome.replay.resent, outcome.replay.refused), (28, 2));
    let taken = |id: &str| id != "id-4" && id != "id-20";
    assert_eq!(stage.effects_since(effects), stage.log(taken).await);
    let target = stage.world.target();
    let last = target.last_replay("sales").await.unwrap().unwrap();
    assert_eq!((last.id, last.refused), (outcome.replay.id, 2));
    let refusals = target.replay_refusals(last.id, 10).await.unwrap();
    let ids: Vec<&str> = refusals
        .iter()
        .map(|one| one.identity.id.as_str())
        .collect();
    assert_eq!(ids, ["id-4", "id-20"]);
    assert_eq!(refusals[0].subject, "order-1");
    assert!(
        refusals[0].reason.contains("no such customer"),
        "{}",
        refusals[0].reason
    );
    // It parks nothing, and another replay is another one.
    assert!(target.parked("sales").await.unwrap().is_empty());
    stage.receiver.behave(|_| Reply::Act(200));
    let (calls, effects) = (stage.receiver.calls().len(), stage.receiver.effects().len());
    assert_eq!(stage.replay(&all()).await.unwrap().replay.resent, 30);
    assert_eq!(stage.receiver.effects().len(), effects + 30);
    stage.one_key_each_since(calls);
}
