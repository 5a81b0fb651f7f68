//! Statements executed again: what was selected, once each, whatever is killed.

use dragoman_core::Position;
use dragoman_projector::{LeftOut, ReplayError};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::shop::Shop;
use crate::stage::{all, between};
use crate::support::{Running, eventually};

const PLACED: [&str; 1] = ["order.placed"];

/// The number in an id.
fn number(id: &str) -> i64 {
    id.trim_start_matches("id-").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_selected_executes_once_more_as_edited_and_nothing_else() {
    let shop = Shop::new().await;
    let (stage, world, target) = (&shop.stage, &shop.stage.world, shop.stage.world.target());
    shop.run("insert into refused values (5), (6), (7)").await;
    stage.orders(0..40, 20).await;
    let live = Running::by_ledger(world, &stage.crm, "live");
    let parked = || async { target.parked("sales").await.unwrap().len() };
    eventually("three are parked", || async { parked().await == 3 }).await;
    let skipped = target.skip("sales", "order-6", false, "a test").await;
    skipped.unwrap();
    let data = r#"{"item":"item-7","amount":700}"#;
    let edited = target.edit("sales", "order-7", None, data, "a test").await;
    assert!(edited.unwrap().is_some());
    eventually("one is parked", || async { parked().await == 1 }).await;
    let account = world.level(&stage.crm).await;
    live.stop().await;
    stage.orders(40..50, 20).await;

    let selection = between(3, 45);
    let plan = stage.plan(&selection).await;
    let left_out = LeftOut {
        before_start: 0,
        not_passed: 5,
        parked: 2,
        skipped: 1,
    };
    assert_eq!((plan.selected(), plan.left_out), (35, left_out));
    assert_eq!(plan.types.keys().collect::<Vec<_>>(), PLACED);
    let before = shop.done().await;
    let outcome = stage.replay(&selection).await.unwrap();
    assert!(outcome.finished);
    assert_eq!((outcome.replay.resent, outcome.replay.refused), (35, 0));
    // By position, after all that was done before.
    let done = shop.done().await;
    let again = done.strip_prefix(before.as_slice()).unwrap();
    let expected: Vec<(String, i64)> = (2..40)
        .filter(|number| ![5, 6, 25].contains(number))
        .map(|number| {
            (
                format!("id-{number}"),
                if number == 7 { 700 } else { number },
            )
        })
        .collect();
    assert_eq!(again, expected);
    let after = world.account(&stage.crm).await;
    assert_eq!(
        (after.position, after.applied, after.parked_events),
        (account.position, account.applied, 2)
    );
    assert_eq!((after.skipped, after.unbalanced()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_kills_leave_one_more_effect_for_each_event() {
    const EVENTS: usize = 1_200;
    let shop = Shop::with_orders(EVENTS, 97).await;
    let (stage, everything, seed) = (&shop.stage, all(), rand::random());
    eprintln!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut ended = false;
    for kill in 0..10 {
        let calls = random.random_range(1..180);
        tokio::select! {
            biased;
            () = shop.after_calls(calls) => {}
            outcome = stage.replay(&everything) => {
                assert!(outcome.unwrap().finished && kill > 2, "it ended early");
                ended = true;
                break;
            }
        }
        stage.end_lease().await;
    }
    if !ended {
        let outcome = stage.replay(&everything).await.unwrap();
        assert!(outcome.finished);
        assert_eq!(outcome.replay.resent, i64::try_from(EVENTS).unwrap());
    }
    shop.each_took_effect(EVENTS, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_are_lost_leave_one_more_effect_for_each_event() {
    const EVENTS: usize = 1_200;
    let shop = Shop::with_orders(EVENTS, 97).await;
    let (stage, everything, seed) = (&shop.stage, all(), rand::random());
    eprintln!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let losing = async {
        loop {
            shop.after_calls(random.random_range(1..300)).await;
            shop.end_sessions().await;
        }
    };
    let outcome = tokio::select! {
        outcome = stage.replay(&everything) => outcome.unwrap(),
        () = losing => unreachable!(),
    };
    assert!(outcome.finished);
    assert_eq!(outcome.replay.resent, i64::try_from(EVENTS).unwrap());
    shop.each_took_effect(EVENTS, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_database_refuses_is_written_down_and_the_rest_goes_on() {
    let shop = Shop::with_orders(250, 3).await;
    let (stage, target) = (&shop.stage, shop.stage.world.target());
    shop.run("insert into refused values (4), (120)").await;
    let outcome = stage.replay(&all()).await.unwrap();
    assert!(outcome.finished);
    assert_eq!((outcome.replay.resent, outcome.replay.refused), (248, 2));
    let last = target.last_replay("sales").await.unwrap().unwrap();
    assert_eq!((last.id, last.refused), (outcome.replay.id, 2));
    let refusals = target.replay_refusals(last.id, 10).await.unwrap();
    let refused: Vec<_> = refusals
        .iter()
        .map(|one| {
            (
                one.identity.id.as_str(),
                one.subject.as_str(),
                one.reason.as_str(),
            )
        })
        .collect();
    let reason = "the target database refused it: there is nothing left of it";
    assert_eq!(
        refused,
        [("id-4", "order-1", reason), ("id-120", "order-0", reason)]
    );
    // Those of the same subjects went on, and nothing is parked.
    let done = shop.done().await;
    let again: Vec<i64> = done.iter().skip(250).map(|(id, _)| number(id)).collect();
    let expected: Vec<i64> = (0..250).filter(|one| ![4, 120].contains(one)).collect();
    assert_eq!(again, expected);
    assert!(target.parked("sales").await.unwrap().is_empty());
    shop.run("delete from refused").await;
    assert_eq!(stage.replay(&between(5, 5)).await.unwrap().replay.resent, 1);
    assert_eq!(shop.done().await.last().unwrap().0, "id-4");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_event_is_to_blame_for_ends_it_and_mended_it_goes_on() {
    let shop = Shop::with_orders(150, 10).await;
    let stage = &shop.stage;
    shop.run("alter function take rename to gone").await;
    let ended = stage.replay(&all()).await.unwrap_err();
    let ReplayError::Statements { position, .. } = &ended else {
        panic!("{ended}");
    };
    assert_eq!(*position, Position(0));
    let said = format!("{ended}. {}", ended.remedy());
    assert!(said.contains("from position 1 to 100"), "{said}");
    assert!(said.contains("dragoman replay sales --abandon"), "{said}");
    assert!(!ended.is_usage());
    shop.each_took_effect(150, 1).await;
    shop.run("alter function gone rename to take").await;
    let outcome = stage.replay(&all()).await.unwrap();
    assert!(outcome.finished);
    assert_eq!(outcome.replay.resent, 150);
    shop.each_took_effect(150, 2).await;
}
