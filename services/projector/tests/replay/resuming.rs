//! Going on where it was, after a kill, a stop, or another thought.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use dragoman_projector::{ReplayError, abandon_replay};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio_util::sync::CancellationToken;

use crate::stage::{Stage, all, between};
use crate::support::{Receiver, Reply, eventually};

/// Cancelled when the receiver has been called that often from now on.
fn after_calls(receiver: &Receiver, calls: usize) -> CancellationToken {
    let (reached, left) = (CancellationToken::new(), Arc::new(AtomicUsize::new(calls)));
    let said = reached.clone();
    receiver.behave(move |_| {
        if left.fetch_sub(1, Ordering::Relaxed) == 1 {
            said.cancel();
        }
        Reply::Act(200)
    });
    reached
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_kills_leave_one_effect_for_each_event() {
    const EVENTS: usize = 3_000;
    let stage = Stage::with_orders(EVENTS, 97).await;
    let (calls, effects) = (stage.receiver.calls().len(), stage.receiver.effects().len());
    let (everything, seed) = (all(), rand::random());
    eprintln!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut position = 0;
    for kill in 0..10 {
        let killed = after_calls(&stage.receiver, random.random_range(1..700));
        tokio::select! {
            biased;
            () = killed.cancelled() => {}
            ended = stage.replay(&everything) => {
                assert!(ended.unwrap().finished && kill > 3, "it ended early");
                break;
            }
        }
        stage.end_lease().await;
        let unfinished = stage
            .world
            .target()
            .unfinished_replay("sales")
            .await
            .unwrap();
        let reached = unfinished.expect("it is unfinished").position.0;
        assert!(
            reached >= position,
            "it went back from {position} to {reached}"
        );
        position = reached;
    }
    stage.receiver.behave(|_| Reply::Act(200));
    if stage
        .world
        .target()
        .unfinished_replay("sales")
        .await
        .unwrap()
        .is_some()
    {
        let outcome = stage.replay(&all()).await.unwrap();
        assert!(outcome.finished);
        assert_eq!(outcome.replay.resent, i64::try_from(EVENTS).unwrap());
    }
    assert_eq!(stage.effects_since(effects), stage.log(|_| true).await);
    stage.one_key_each_since(calls);
    // Of each kill no more than a batch was sent again.
    assert!(stage.receiver.calls().len() - calls <= EVENTS + 10 * 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn asked_to_stop_it_writes_down_what_was_sent_and_goes_on_from_there() {
    let stage = Stage::with_orders(900, 20).await;
    let (calls, effects) = (stage.receiver.calls().len(), stage.receiver.effects().len());
    let stop = after_calls(&stage.receiver, 700);
    let stopped = stage.replay_until(&all(), &stop).await.unwrap();
    assert!(!stopped.finished);
    let resent = usize::try_from(stopped.replay.resent).unwrap();
    assert!((500..900).contains(&resent), "{resent}");
    let first_sent = stage.receiver.effects().len() - effects;
    assert!((resent..900).contains(&first_sent), "{first_sent}");
    stage.receiver.behave(|_| Reply::Act(200));
    let outcome = stage.replay(&all()).await.unwrap();
    assert!(outcome.finished);
    assert_eq!(outcome.replay.id, stopped.replay.id);
    assert_eq!(outcome.replay.resent, 900);
    assert_eq!(stage.effects_since(effects), stage.log(|_| true).await);
    stage.one_key_each_since(calls);
    let sent_twice = stage.receiver.calls().len() - calls - 900;
    assert!(sent_twice <= first_sent - resent, "{sent_twice}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_selection_waits_until_the_unfinished_one_is_done_or_given_up() {
    let stage = Stage::with_orders(100, 10).await;
    let stop = after_calls(&stage.receiver, 20);
    assert!(!stage.replay_until(&all(), &stop).await.unwrap().finished);
    let unfinished = stage.plan(&between(1, 50)).await.unfinished.unwrap();
    assert_eq!(unfinished.selection, all());
    let refused = stage.replay(&between(1, 50)).await.unwrap_err();
    assert!(
        matches!(refused, ReplayError::Unfinished { .. }),
        "{refused}"
    );
    let said = format!("{refused}. {}", refused.remedy());
    assert!(said.contains("--from 1 --to 1000000"), "{said}");
    assert!(said.contains("dragoman replay sales --abandon"), "{said}");
    let (store, target) = (&stage.world.store, stage.world.target());
    abandon_replay(&stage.crm, store, &target, "a test", "test")
        .await
        .unwrap();
    let again = abandon_replay(&stage.crm, store, &target, "a test", "test").await;
    assert!(matches!(again, Err(ReplayError::NoneUnfinished { .. })));
    stage.receiver.behave(|_| Reply::Act(200));
    assert_eq!(
        stage.replay(&between(1, 50)).await.unwrap().replay.resent,
        50
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_at_once_one_waits_and_says_so() {
    let stage = Stage::with_orders(50, 10).await;
    stage.receiver.behave(|_| Reply::Hang);
    let calls = stage.receiver.calls().len();
    let (everything, stop) = (all(), CancellationToken::new());
    let (first, second) = tokio::join!(stage.replay_until(&everything, &stop), async {
        eventually("the first one sends", || async {
            stage.receiver.calls().len() > calls
        })
        .await;
        let second = stage.replay_until(&everything, &stop).await;
        stop.cancel();
        second
    });
    let runs = |ended: &Result<_, ReplayError>| matches!(ended, Err(ReplayError::Runs { .. }));
    assert!(!runs(&first) && runs(&second));
    assert!(!first.unwrap().finished);
}
