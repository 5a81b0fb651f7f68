//! How fast a backlog goes through, roughly; no gate. Run with
//! `cargo test --profile quick -p dragoman-relay --test relay -- --ignored --nocapture`.

use std::time::Instant;

use dragoman_relay::RelayOptions;

use crate::support::{Hub, check_promise, eventually, read};

const EVENTS: i32 = 100_000;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "figures, not a gate"]
async fn a_backlog_of_a_hundred_thousand() {
    let hub = Hub::new().await;
    hub.append(0, usize::try_from(EVENTS).unwrap()).await;
    let started = Instant::now();
    let relay = hub.start(hub.options("one", 4));
    hub.wait_through(i64::from(EVENTS)).await;
    report("seal and publish", started);
    relay.stop().await;
    assert_eq!(
        check_promise(&read(&[&hub.orders, &hub.stock]), i64::from(EVENTS)),
        0
    );

    let hub = Hub::new().await;
    hub.append(0, usize::try_from(EVENTS).unwrap()).await;
    let started = Instant::now();
    let sealer = hub.start(RelayOptions::new("one", None));
    eventually("all is sealed", || async {
        hub.head().await == i64::from(EVENTS)
    })
    .await;
    report("seal only", started);
    sealer.stop().await;
    let started = Instant::now();
    let relay = hub.start(hub.options("two", 4));
    hub.wait_through(i64::from(EVENTS)).await;
    report("publish from the ledger", started);
    relay.stop().await;
}

fn report(what: &str, started: Instant) {
    let rate = f64::from(EVENTS) / started.elapsed().as_secs_f64();
    println!("{what}: {rate:.0} events/s, {:.1?}", started.elapsed());
}
