//! Who may write what: expiry, rotation, revocation, scope.

use chrono::{TimeDelta, Utc};
use insta::assert_snapshot;
use serde_json::json;

use crate::support::{Hub, event, eventually, shown};

#[tokio::test]
async fn without_a_live_key_nothing_is_stored_and_it_is_counted() {
    let hub = Hub::new().await;
    let server = hub.serve().await;
    let client = server.client();
    let one = event("1", json!(1));
    let none = client.post("/v1/events", &[], one.to_string()).await;
    assert_snapshot!("no_key", shown(&none));
    let basic = [("authorization", "Basic YTpi")];
    assert_eq!(client.post("/v1/events", &basic, "").await.status, 401);
    assert_snapshot!("unknown_key", shown(&client.send("dgm_0", &one).await));
    let soon = Utc::now() + TimeDelta::milliseconds(1500);
    let key = hub.key_until("/shop", "*", Some(soon)).await;
    assert_eq!(client.send(&key, &one).await.status, 201);
    eventually("the key has ended", || async {
        client.send(&key, &one).await.status == 401
    })
    .await;
    assert!(Utc::now() >= soon, "not a moment before");
    server.stop().await;
    assert_eq!(hub.events().await, 1);
    let totals = hub.totals("api").await;
    assert!(
        totals.balanced() && totals.counts.refused >= 4,
        "{totals:?}"
    );
}

#[tokio::test]
async fn a_rotated_key_serves_beside_the_new_one_and_a_revoked_one_does_not() {
    let hub = Hub::new().await;
    let server = hub.serve().await;
    let client = server.client();
    let old = hub.key("/shop").await;
    let one = event("1", json!(1));
    assert_eq!(client.send(&old, &one).await.status, 201);
    let name = "key of /shop for *";
    let ends = Utc::now() + TimeDelta::seconds(30);
    let new = hub.store.rotate_key(name, ends).await.unwrap().key;
    assert_eq!(client.send(&old, &one).await.status, 200);
    assert_eq!(client.send(&new, &one).await.status, 200);
    hub.store.revoke_key(name).await.unwrap();
    let revoked = Utc::now();
    for key in [&old, &new] {
        eventually("it is revoked", || async {
            client.send(key, &one).await.status == 401
        })
        .await;
    }
    let took = Utc::now() - revoked;
    assert!(took < TimeDelta::seconds(5), "it took {took}");
    server.stop().await;
}

#[tokio::test]
async fn a_key_writes_its_sources_and_types_and_learns_nothing_of_others() {
    let hub = Hub::new().await;
    let key = hub.key_until("/shop", "order.*", None).await;
    let server = hub.serve().await;
    let client = server.client();
    let mut order = event("1", json!({ "total": 1 }));
    order["type"] = json!("order.placed");
    assert_eq!(client.send(&key, &order).await.status, 201);
    let known = client.send(&key, &event("2", json!(1))).await;
    assert_snapshot!("type_out_of_scope", shown(&known));
    let mut unheard = event("3", json!(1));
    unheard["type"] = json!("thing.unheard");
    assert_eq!(client.send(&key, &unheard).await.status, 403);
    let mut unheard = event("3", json!(1));
    unheard["type"] = json!("order.unheard");
    assert_eq!(client.send(&key, &unheard).await.status, 422);
    order["source"] = json!("/other");
    let other = client.send(&key, &order).await;
    assert_snapshot!("source_out_of_scope", shown(&other));
    // One event out of scope, and the batch is not stored.
    let mut mine = event("4", json!({ "total": 1 }));
    mine["type"] = json!("order.placed");
    let batch = client.send_batch(&key, &[mine, order]).await;
    assert_snapshot!("batch_out_of_scope", shown(&batch));
    server.stop().await;
    assert_eq!(hub.events().await, 1);
    let totals = hub.totals("api").await;
    assert!(
        totals.balanced() && totals.counts.refused == 6,
        "{totals:?}"
    );
}
