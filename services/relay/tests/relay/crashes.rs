//! A relay dies or freezes, and another goes on.

use std::time::Duration;

use dragoman_relay::RelayOptions;

use crate::support::{Hub, Running, accept_all, check_promise, eventually, no_tails, read_all};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sealed_before_a_crash_is_published_after_it() {
    let hub = Hub::new().await;
    hub.append(0, 300).await;
    let sealer = hub.start(RelayOptions::new("sealer", None));
    eventually("all is sealed", || async { hub.head().await == 300 }).await;
    sealer.stop().await;
    let relay = hub.start(hub.options("publisher", 2));
    hub.wait_through(300).await;
    relay.stop().await;
    assert_eq!(check_promise(&read_all(&hub), 300), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_after_the_acknowledgement_and_before_the_mark_repeats_nothing() {
    let hub = Hub::new().await;
    let mut forgetful = hub.options("forgetful", 2);
    forgetful.mark_interval = Duration::from_secs(3600);
    let relay = hub.start(forgetful);
    hub.append(0, 200).await;
    eventually("all is in Kafka", || async { read_all(&hub).len() == 200 }).await;
    assert_eq!(hub.through().await, 0);
    relay.crash().await;
    hub.append(200, 50).await;
    let relay = hub.start(hub.options("next", 2));
    hub.wait_through(250).await;
    relay.stop().await;
    assert_eq!(check_promise(&read_all(&hub), 250), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn crashes_in_the_middle_lose_nothing_and_break_no_chain() {
    let hub = Hub::new().await;
    hub.append(0, 20_000).await;
    let mut crashes = 0;
    while hub.through().await < 15_000 && crashes < 5 {
        let before = hub.through().await;
        let mut options = hub.options("mortal", 4);
        options.batch_limit = 500;
        options.in_flight_limit = 1_000;
        options.mark_interval = Duration::from_millis(20);
        let relay = hub.start(options);
        eventually("it has moved", || async { hub.through().await > before }).await;
        relay.crash().await;
        crashes += 1;
    }
    assert!(crashes > 0);
    let relay = hub.start(hub.options("last", 4));
    hub.wait_through(20_000).await;
    relay.stop().await;
    check_promise(&read_all(&hub), 20_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_wakes_after_its_lease_stands_down_and_comes_back() {
    let hub = Hub::new().await;
    hub.append(0, 100).await;
    let (options, url) = (hub.options("sleeper", 2), hub.url.clone());
    let (fall_asleep, asleep) = tokio::sync::oneshot::channel::<()>();
    let (wake, sleep) = std::sync::mpsc::channel::<()>();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async move {
            let relay = Running::start(options, &url, accept_all(), no_tails());
            let stop = relay.stop.clone();
            asleep.await.unwrap();
            // The runtime's only thread stands still from here until it is woken:
            // nothing of this relay runs, except what librdkafka does by itself.
            sleep.recv().unwrap();
            let ended = tokio::spawn(relay.ended());
            tokio::task::spawn_blocking(move || sleep.recv())
                .await
                .unwrap()
                .unwrap();
            stop.cancel();
            ended.await.unwrap()
        })
    });
    hub.wait_through(100).await;
    fall_asleep.send(()).unwrap();
    hub.append(100, 100).await;
    let successor = hub.start(hub.options("successor", 2));
    hub.wait_through(200).await;
    hub.append(200, 100).await;
    wake.send(()).unwrap();
    hub.append(300, 100).await;
    hub.wait_through(400).await;
    successor.stop().await;
    hub.append(400, 100).await;
    hub.wait_through(500).await;
    wake.send(()).unwrap();
    thread.join().unwrap().unwrap();
    assert_eq!(check_promise(&read_all(&hub), 500), 0);
}
