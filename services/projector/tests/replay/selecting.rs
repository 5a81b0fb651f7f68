//! Which events are sent again, and which are not.

use chrono::Utc;
use dragoman_core::Position;
use dragoman_projector::{LeftOut, ReplayError, plan_replay};
use dragoman_store::EventBound;

use crate::stage::{Stage, all, between, order};
use crate::support::{Reply, Running, eventually, sales};

/// The number in an id.
fn number(id: &str) -> usize {
    id.trim_start_matches("id-").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_parked_skipped_or_not_passed_is_left_out_and_what_is_edited_is_sent_so() {
    let stage = Stage::new().await;
    let (world, target) = (&stage.world, stage.world.target());
    // Three that are refused for now: one stays parked, one is skipped, one is edited.
    stage
        .receiver
        .behave(|call| match call.body["amount"].as_i64() {
            Some(5..=7) => Reply::Refuse(422),
            _ => Reply::Act(200),
        });
    stage.orders(0..40, 20).await;
    let live = Running::by_ledger(world, &stage.crm, "live");
    let parked = || async { target.parked("sales").await.unwrap() };
    eventually("three subjects are parked", || async {
        parked().await.len() == 3
    })
    .await;
    target
        .skip("sales", "order-6", false, "a test")
        .await
        .unwrap();
    let data = r#"{"item":"item-7","amount":700}"#;
    let edited = target.edit("sales", "order-7", None, data, "a test").await;
    assert!(edited.unwrap().is_some());
    eventually("one subject is parked", || async {
        parked().await.len() == 1
    })
    .await;
    let account = world.level(&stage.crm).await;
    assert_eq!((account.parked_events, account.skipped), (2, 1));
    live.stop().await;
    stage.orders(40..50, 20).await;

    let plan = stage.plan(&all()).await;
    assert_eq!(plan.selected(), 37);
    let left_out = LeftOut {
        before_start: 0,
        not_passed: 10,
        parked: 2,
        skipped: 1,
    };
    assert_eq!(plan.left_out, left_out);
    assert_eq!(plan.types["order.placed"], 37);
    assert_eq!(plan.first.unwrap().position, Position(1));
    assert_eq!(plan.last.unwrap().subject, "order-19");
    assert_eq!(plan.unfinished, None);

    let (calls, effects) = (stage.receiver.calls().len(), stage.receiver.effects().len());
    let outcome = stage.replay(&all()).await.unwrap();
    assert!(outcome.finished);
    assert_eq!((outcome.replay.resent, outcome.replay.refused), (37, 0));
    let sent = |id: &str| !matches!(number(id), 5 | 6 | 25 | 40..);
    assert_eq!(stage.effects_since(effects), stage.log(sent).await);
    stage.one_key_each_since(calls);
    let calls = stage.receiver.calls();
    let last_of_edited = calls.iter().rfind(|call| call.id() == "id-7").unwrap();
    assert_eq!(last_of_edited.body["amount"], 700);
    // Nothing of the projection has moved.
    let after = world.account(&stage.crm).await;
    assert_eq!(
        (after.position, after.applied),
        (account.position, account.applied)
    );
    assert_eq!((after.parked_events, after.unbalanced()), (2, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn types_subjects_positions_and_times_choose_with_their_ends() {
    let before = Utc::now();
    let stage = Stage::new().await;
    let mut events: Vec<_> = (0..20).map(|number| order(number, 5)).collect();
    events[7] = crate::support::event(7);
    assert_eq!(events[7].event_type, "stock.counted");
    stage.world.append_events(events).await;
    stage.seal().await;
    let live = Running::by_ledger(&stage.world, &stage.crm, "live");
    stage.world.level(&stage.crm).await;
    live.stop().await;

    assert_eq!(stage.plan(&between(3, 3)).await.selected(), 1);
    assert_eq!(stage.plan(&between(3, 12)).await.selected(), 10);
    let mut orders = between(3, 12);
    orders.types = vec!["order.*".parse().unwrap()];
    assert_eq!(stage.plan(&orders).await.selected(), 9);
    orders.subjects = vec!["order-1".into(), "order-3".into()];
    assert_eq!(stage.plan(&orders).await.selected(), 4);
    orders.to = EventBound::Time(before);
    assert_eq!(stage.plan(&orders).await.selected(), 0);
    orders.to = EventBound::Time(Utc::now());
    assert_eq!(stage.plan(&orders).await.selected(), 7);
    orders.from = EventBound::Time(before);
    assert_eq!(stage.plan(&orders).await.selected(), 8);

    let effects = stage.receiver.effects().len();
    let outcome = stage.replay(&orders).await.unwrap();
    assert_eq!(outcome.replay.resent, 8);
    let of_two = |id: &str| matches!(number(id) % 5, 1 | 3);
    assert_eq!(stage.effects_since(effects), stage.log(of_two).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sealed_while_it_runs_is_not_sent_by_it() {
    let stage = Stage::with_orders(100, 10).await;
    let effects = stage.receiver.effects().len();
    let live = Running::by_ledger(&stage.world, &stage.crm, "live");
    let (everything, calls) = (all(), stage.receiver.calls().len());
    let (outcome, ()) = tokio::join!(stage.replay(&everything), async {
        eventually("it sends", || async {
            stage.receiver.calls().len() > calls
        })
        .await;
        stage.orders(100..200, 10).await;
    });
    assert_eq!(outcome.unwrap().replay.resent, 100);
    stage.world.level(&stage.crm).await;
    live.stop().await;
    assert_eq!(stage.receiver.effects().len(), effects + 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_are_rebuilt_and_unknown_types_are_named() {
    let stage = Stage::with_orders(3, 3).await;
    let (store, target) = (&stage.world.store, stage.world.target());
    let table = plan_replay(&sales(&stage.world), store, &target, &all()).await;
    let table = table.unwrap_err();
    assert!(matches!(table, ReplayError::WritesTable { .. }) && table.is_usage());
    assert!(table.remedy().contains("dragoman rebuild sales"));
    let mut unknown = all();
    unknown.types = vec!["payment.*".parse().unwrap()];
    let unknown = stage.replay(&unknown).await.unwrap_err();
    assert!(
        unknown.remedy().contains("order.placed"),
        "{}",
        unknown.remedy()
    );
}
