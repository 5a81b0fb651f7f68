//! Postgres away, no room, and an orderly end.

use std::time::{Duration, Instant};

use insta::assert_snapshot;
use serde_json::json;
use sqlx::{Connection as _, Executor as _};
use tokio::task::JoinSet;

use crate::hooks::{deliver, order};
use crate::support::{Hub, Proxy, event, eventually, shown};

#[tokio::test]
async fn postgres_away_is_answered_with_503_and_nothing_acknowledged_is_lost() {
    let hub = Hub::new().await;
    let key = hub.key("/shop").await;
    let (wire, url) = Proxy::before(&hub).await;
    let server = hub.serve_with(&url, |_| {}).await;
    let client = server.client();
    let mut acknowledged = Vec::new();
    let mut number = 0;
    for round in 0..3 {
        for _ in 0..20 {
            let id = format!("{round}-{number}");
            number += 1;
            if client.send(&key, &event(&id, json!(1))).await.status == 201 {
                acknowledged.push(id);
            }
        }
        wire.cut();
        let away = client.send(&key, &event("away", json!(1))).await;
        assert_snapshot!("away", shown(&away));
        let hook = deliver(&client, "d-1", &order("away", json!(1))).await;
        assert_eq!(hook.status, 503, "{}", hook.text);
        let bad = deliver(&client, "d-2", "not json").await;
        assert_eq!(bad.status, 503, "what cannot be kept is not acknowledged");
        wire.mend();
        eventually("it recovers", || async {
            client.send(&key, &event("back", json!(1))).await.status < 300
        })
        .await;
    }
    assert_eq!(acknowledged.len(), 60);
    let mut session = hub.session().await;
    for id in acknowledged {
        let found: bool =
            sqlx::query_scalar("select exists (select from dragoman.event_keys where id = $1)")
                .bind(&id)
                .fetch_one(&mut session)
                .await
                .unwrap();
        assert!(found, "{id} is lost");
    }
    server.stop().await;
    let totals = hub.totals("api").await;
    assert_eq!(totals.unbalanced(), 0, "{totals:?}");
}

#[tokio::test]
async fn a_wire_on_which_nothing_comes_back_is_not_waited_for() {
    let hub = Hub::new().await;
    let key = hub.key("/shop").await;
    let (wire, url) = Proxy::before(&hub).await;
    let server = hub
        .serve_with(&url, |options| {
            options.store_timeout = Duration::from_secs(1)
        })
        .await;
    let client = server.client();
    assert_eq!(client.send(&key, &event("0", json!(1))).await.status, 201);
    wire.freeze();
    let started = Instant::now();
    let one = event("1", json!(1));
    let mut sends = JoinSet::new();
    for _ in 0..8 {
        let (client, key, one) = (client.clone(), key.clone(), one.clone());
        sends.spawn(async move { client.send(&key, &one).await.status });
    }
    assert_eq!(sends.join_all().await, [503; 8]);
    let hook = deliver(&client, "d-1", "not json").await;
    assert_eq!(hook.status, 503, "{}", hook.text);
    assert!(started.elapsed() < Duration::from_secs(15));
    wire.mend();
    eventually("it recovers", || async {
        client.send(&key, &one).await.status < 300
    })
    .await;
    server.stop().await;
    assert_eq!(hub.events().await, 2);
    let totals = hub.totals("api").await;
    assert_eq!(totals.unbalanced(), 0, "{totals:?}");
}

#[tokio::test]
async fn without_room_a_sender_is_sent_away_and_the_rest_goes_through() {
    let hub = Hub::new().await;
    let key = hub.key("/shop").await;
    let server = hub
        .serve_with(&hub.url, |options| {
            options.queued_requests = 4;
            options.writers = 1;
            options.store_timeout = Duration::from_secs(20);
        })
        .await;
    let client = server.client();
    assert_eq!(client.send(&key, &event("0", json!(1))).await.status, 201);
    let mut lock = hub.session().await;
    let mut locked = lock.begin().await.unwrap();
    locked
        .execute("lock table dragoman.events in share mode")
        .await
        .unwrap();
    let mut sends = JoinSet::new();
    for id in 1..40 {
        let (client, key) = (client.clone(), key.clone());
        sends.spawn(async move { client.send(&key, &event(&id.to_string(), json!(1))).await });
    }
    let mut away = 0;
    let mut stored = 0;
    while let Some(answer) = sends.join_next().await {
        let answer = answer.unwrap();
        if answer.status == 503 && away == 0 {
            // Half a second of patience has not passed: it is for want of room.
            assert_snapshot!("overloaded", shown(&answer));
            locked.execute("select 1").await.unwrap();
        }
        away += usize::from(answer.status == 503);
        stored += usize::from(answer.status == 201);
        if away == 30 {
            locked.execute("rollback").await.unwrap();
        }
    }
    assert!(away >= 30, "{away} were sent away, {stored} stored");
    assert_eq!(
        client.send(&key, &event("after", json!(1))).await.status,
        201
    );
    server.stop().await;
    assert_eq!(hub.events().await, 2 + i64::try_from(stored).unwrap());
    assert!(hub.totals("api").await.balanced());
}

#[tokio::test]
async fn a_stopping_ingest_finishes_what_it_has_taken() {
    let hub = Hub::new().await;
    let key = hub.key("/shop").await;
    let server = hub.serve().await;
    let client = server.client();
    assert_eq!(client.send(&key, &event("0", json!(1))).await.status, 201);
    let mut lock = hub.session().await;
    let mut locked = lock.begin().await.unwrap();
    locked
        .execute("lock table dragoman.events in share mode")
        .await
        .unwrap();
    let pending = {
        let (client, key) = (client.clone(), key.clone());
        tokio::spawn(async move { client.send(&key, &event("1", json!(1))).await.status })
    };
    eventually("it waits for the lock", || async {
        let waiting: i64 = sqlx::query_scalar(
            "select count(*) from pg_locks where not granted
             and relation = 'dragoman.events'::regclass",
        )
        .fetch_one(&mut hub.session().await)
        .await
        .unwrap();
        waiting > 0
    })
    .await;
    server.stop.cancel();
    locked.execute("rollback").await.unwrap();
    assert_eq!(pending.await.unwrap(), 201);
    server.ended().await.unwrap();
    assert_eq!(hub.events().await, 2);
}
