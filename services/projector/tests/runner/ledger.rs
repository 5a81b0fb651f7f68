//! Following the ledger: one at a time, and never another history.

use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::support::{Relay, Running, World, eventually, sales};

#[tokio::test(flavor = "multi_thread")]
async fn one_follows_and_another_takes_over_when_it_is_killed() {
    let world = World::new().await;
    let mut relay = Relay::start(&world, 1).await;
    let sales = sales(&world);
    let first = Running::by_ledger(&world, &sales, "one");
    world.append(0, 1_000).await;
    relay.seal().await;
    eventually("the first is under way", || async {
        world.account(&sales).await.applied > 0
    })
    .await;
    let second = Running::by_ledger(&world, &sales, "two");
    first.crash().await;
    world.append(1_000, 1_000).await;
    relay.seal().await;
    assert_eq!(world.level(&sales).await.applied, 2_000);
    assert_eq!(world.rows().await, world.fold(|_| true).await);
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_that_starts_on_an_older_ledger_halts() {
    let world = World::new().await;
    let mut relay = two_batches(&world).await;
    let sales = sales(&world);
    let running = Running::by_ledger(&world, &sales, "one");
    world.level(&sales).await;
    running.stop().await;
    let before = world.rows().await;
    set_back_and_on(&world, &mut relay).await;
    let halt = Running::by_ledger(&world, &sales, "restored")
        .halted()
        .await;
    assert_eq!(halt.code(), "lineage", "{halt:?}");
    assert!(halt.remedy().contains("newest copy"), "{}", halt.remedy());
    assert_eq!(world.rows().await, before, "nothing was applied");
    let halts = world.store.halts().await.unwrap();
    assert_eq!(halts[0].component, "projection sales");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_has_become_another_halts_its_follower_before_it_applies() {
    let world = World::new().await;
    let mut relay = two_batches(&world).await;
    let sales = sales(&world);
    let running = Running::by_ledger(&world, &sales, "one");
    world.level(&sales).await;
    let before = world.rows().await;
    // As long as before: that it is another shows only at the event itself.
    let mut connection = PgConnection::connect(&world.url).await.unwrap();
    connection
        .execute(
            "begin;
             set local session_replication_role = replica;
             update dragoman.events set id = 'another-' || id where id in ('id-98', 'id-99');
             commit",
        )
        .await
        .unwrap();
    world.append(1_000, 10).await;
    relay.seal().await;
    let halt = running.halted().await;
    assert_eq!(halt.code(), "lineage", "{halt:?}");
    assert_eq!(world.rows().await, before, "nothing was applied");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_set_back_under_a_follower_halts_it_before_it_applies() {
    let world = World::new().await;
    let mut relay = two_batches(&world).await;
    let sales = sales(&world);
    let running = Running::by_ledger(&world, &sales, "one");
    world.level(&sales).await;
    let before = world.rows().await;
    set_back_and_on(&world, &mut relay).await;
    let halt = running.halted().await;
    assert_eq!(halt.code(), "lineage", "{halt:?}");
    assert_eq!(world.rows().await, before, "nothing was applied");
}

async fn two_batches(world: &World) -> Relay {
    let mut relay = Relay::start(world, 1).await;
    for from in [0, 50] {
        world.append(from, 50).await;
        relay.seal().await;
    }
    relay
}

/// The hub's database as a restore brings it back, without the second batch, and what
/// is written to it then.
async fn set_back_and_on(world: &World, relay: &mut Relay) {
    let mut connection = PgConnection::connect(&world.url).await.unwrap();
    connection
        .execute(
            "begin;
             set local session_replication_role = replica;
             delete from dragoman.ledger where first_position > 50;
             delete from dragoman.events where seq > (select max(high_seq) from dragoman.ledger);
             delete from dragoman.event_keys
             where not exists (select from dragoman.events where events.id = event_keys.id);
             commit",
        )
        .await
        .unwrap();
    relay.look_again().await;
    world.append(1_000, 100).await;
    relay.seal().await;
}
