//! What operators decide: stop, retry, skip, pause.

use std::time::Duration;

use dragoman_core::Event;

use crate::support::{Relay, Running, World, broken, event, eventually, sales, total};

#[tokio::test(flavor = "multi_thread")]
async fn a_total_order_stops_at_what_fails_until_it_is_skipped() {
    let world = World::new().await;
    let mut relay = Relay::start(&world, 1).await;
    let total = total(&world);
    // With Kafka too it follows the ledger.
    let running = Running::over_kafka(&world, &total, "one");
    let mut events: Vec<Event> = (0..100).map(event).collect();
    events[60] = broken(60);
    world.append_events(events).await;
    relay.flow().await;
    let target = world.target();
    let parked = || async { target.parked("sales").await.unwrap() };
    eventually("it stops", || async { parked().await.len() == 1 }).await;
    let account = world.account(&total).await;
    assert_eq!((account.position.0, account.lag), (60, 40));
    assert_eq!(account.unbalanced(), 0);
    let stopped = parked().await.remove(0);
    assert_eq!((stopped.first_position.0, stopped.attempts), (61, 1));
    assert_eq!(target.retry("sales", &stopped.subject).await.unwrap(), 1);
    eventually("it is tried again", || async {
        parked()
            .await
            .first()
            .is_some_and(|stop| stop.attempts == 2)
    })
    .await;
    assert_eq!(world.account(&total).await.position.0, 60);
    let skipped = target
        .skip("sales", &stopped.subject, false, "a test")
        .await
        .unwrap();
    assert_eq!(skipped.len(), 1);
    let account = world.level(&total).await;
    assert_eq!((account.applied, account.skipped), (99, 1));
    assert_eq!(
        world.rows().await,
        world.fold(|event| event.position.0 != 61).await
    );
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_total_order_stays_stopped_over_a_restart() {
    let world = World::new().await;
    let mut relay = Relay::start(&world, 1).await;
    let total = total(&world);
    world.append_events(vec![broken(0), event(1)]).await;
    relay.seal().await;
    let target = world.target();
    for instance in ["one", "two"] {
        let running = Running::by_ledger(&world, &total, instance);
        eventually("it stands stopped", || async {
            target
                .parked("sales")
                .await
                .is_ok_and(|parked| parked.len() == 1)
                && is_followed(&world).await
        })
        .await;
        running.stop().await;
    }
    let parked = target.parked("sales").await.unwrap();
    assert_eq!(parked[0].attempts, 1, "a restart is no retry");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parked_subject_goes_on_in_order_and_others_do_not_wait() {
    for over_kafka in [true, false] {
        let world = World::new().await;
        let mut relay = Relay::start(&world, 2).await;
        let sales = sales(&world);
        let mut events: Vec<Event> = (0..200).map(event).collect();
        events[4] = broken(4);
        let subject = events[4].subject.clone();
        let of_it = events
            .iter()
            .filter(|event| event.subject == subject)
            .count();
        assert!(of_it > 1);
        world.append_events(events).await;
        relay.flow().await;
        let running = if over_kafka {
            Running::over_kafka(&world, &sales, "one")
        } else {
            Running::by_ledger(&world, &sales, "one")
        };
        let account = world.level(&sales).await;
        assert_eq!(account.parked_subjects, 1);
        assert_eq!(account.parked_events, of_it as i64);
        let target = world.target();
        target.retry("sales", &subject).await.unwrap();
        eventually("it is tried and held again", || async {
            let parked = target.parked("sales").await.unwrap();
            parked.first().is_some_and(|parked| parked.attempts == 2)
        })
        .await;
        target
            .skip("sales", &subject, false, "a test")
            .await
            .unwrap();
        eventually("nothing is parked", || async {
            world.account(&sales).await.parked_events == 0
        })
        .await;
        let account = world.level(&sales).await;
        assert_eq!((account.applied, account.skipped), (199, 1));
        assert_eq!(
            world.rows().await,
            world.fold(|event| event.position.0 != 5).await
        );
        running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_projection_waits_and_goes_on_by_itself() {
    let world = World::new().await;
    let mut relay = Relay::start(&world, 1).await;
    let sales = sales(&world);
    let running = Running::by_ledger(&world, &sales, "one");
    world.append(0, 100).await;
    relay.seal().await;
    world.level(&sales).await;
    world.store.pause("sales", "a test").await.unwrap();
    eventually("it has given its lease back", || async {
        !is_followed(&world).await
    })
    .await;
    world.append(100, 100).await;
    relay.seal().await;
    assert_eq!(world.account(&sales).await.lag, 100);
    assert!(world.store.resume("sales").await.unwrap());
    world.level(&sales).await;
    assert_eq!(world.rows().await, world.fold(|_| true).await);
    running.stop().await;
}

/// Whether somebody holds the lease of the ledger's follower.
async fn is_followed(world: &World) -> bool {
    let ask = world
        .store
        .acquire_lease("projection sales", "probe", Duration::from_millis(1));
    ask.await.unwrap().is_none()
}
