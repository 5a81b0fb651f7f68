//! `POST /hooks/NAME`: signatures, replays, what is stored, ignored and kept.

use chrono::Utc;
use dragoman_store::{AdapterCounts, Door};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::support::{Answer, Client, Hub, github, hmac, shown, standard};

pub(crate) async fn deliver(client: &Client, id: &str, body: &str) -> Answer {
    let signature = github("secret", body.as_bytes());
    let headers = [
        ("x-github-delivery", id),
        ("x-hub-signature-256", signature.as_str()),
        ("content-type", "application/json"),
    ];
    client
        .post("/hooks/github", &headers, body.to_owned())
        .await
}

pub(crate) fn order(id: &str, total: Value) -> String {
    json!({ "kind": "order", "id": id, "data": { "total": total } }).to_string()
}

#[tokio::test]
async fn a_delivery_is_stored_known_ignored_or_kept_and_always_counted() {
    let hub = Hub::new().await;
    let server = hub.serve().await;
    let client = server.client();
    let body = r#"{"kind":"order","id":"o-1","data":{ "total" : 1.10 }}"#;
    let stored = deliver(&client, "d-1", body).await;
    assert_snapshot!("hook_stored", shown(&stored));
    assert!(hub.data("o-1").await.contains("1.10"), "digit for digit");
    let again = deliver(&client, "d-1", body).await;
    assert_snapshot!("hook_duplicate", shown(&again));
    let pair = deliver(&client, "d-2", r#"{"kind":"pair","id":"p"}"#).await;
    assert_snapshot!("hook_several", shown(&pair));
    let ping = r#"{"kind":"ping"}"#;
    let ignored = deliver(&client, "d-3", ping).await;
    assert_snapshot!("hook_ignored", shown(&ignored));
    let replayed = deliver(&client, "d-3", ping).await;
    assert_eq!(replayed.body, json!({ "status": "duplicate" }));

    let kept = [
        ("d-4", "not json".to_owned(), "invalid_body"),
        ("d-5", order("o-2", json!("1")), "schema_violated"),
        ("d-6", order("o-1", json!(2)), "conflict"),
        (
            "d-7",
            r#"{"kind":"order","id":7}"#.to_owned(),
            "mapping_failed",
        ),
        (
            "d-8",
            r#"{"kind":"unknown","id":"u","type":"thing.unheard"}"#.to_owned(),
            "unknown_type",
        ),
        ("d-9", order("a\u{7}", json!(1)), "invalid_attribute"),
    ];
    for (delivery, body, reason) in &kept {
        let answer = deliver(&client, delivery, body).await;
        assert_eq!(answer.status, 202, "{reason}: {}", answer.text);
        assert_eq!(answer.body["status"], "quarantined");
        assert_eq!(answer.body["reason"], *reason, "{}", answer.text);
    }
    server.stop().await;
    assert_eq!(hub.events().await, 3);
    let totals = hub.totals("github").await;
    let expected = AdapterCounts {
        received: 12,
        stored: 3,
        duplicate: 2,
        refused: 0,
        ignored: 1,
        quarantined: 6,
    };
    assert_eq!((totals.counts, totals.unbalanced()), (expected, 0));
}

#[tokio::test]
async fn what_is_not_authentic_is_refused_and_not_kept() {
    let hub = Hub::new().await;
    let server = hub.serve().await;
    let client = server.client();
    let body = order("o-1", json!(1));
    let good = github("secret", body.as_bytes());
    let other = github("other", body.as_bytes());
    let delivery = ("x-github-delivery", "d-1");
    let cases: [(&str, Vec<(&str, &str)>); 5] = [
        ("no_signature", vec![delivery]),
        (
            "empty_signature",
            vec![delivery, ("x-hub-signature-256", "")],
        ),
        (
            "bare_prefix",
            vec![delivery, ("x-hub-signature-256", "sha256=")],
        ),
        (
            "other_secret",
            vec![delivery, ("x-hub-signature-256", &other)],
        ),
        ("no_delivery_id", vec![("x-hub-signature-256", &good)]),
    ];
    for (name, headers) in cases {
        let answer = client.post("/hooks/github", &headers, body.clone()).await;
        assert_eq!(answer.status, 401, "{name}");
        assert_snapshot!(format!("hook_{name}"), shown(&answer));
    }
    let altered = body.replace("o-1", "o-2");
    let headers = [delivery, ("x-hub-signature-256", good.as_str())];
    let answer = client.post("/hooks/github", &headers, altered).await;
    assert_eq!(answer.status, 401);
    // The secret that is being replaced still counts.
    let old = github("old secret", body.as_bytes());
    let headers = [delivery, ("x-hub-signature-256", old.as_str())];
    let answer = client.post("/hooks/github", &headers, body.clone()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    server.stop().await;
    let totals = hub.totals("github").await;
    assert!(totals.balanced(), "{totals:?}");
    assert_eq!((totals.counts.refused, totals.counts.stored), (6, 1));
    assert_eq!(totals.counts.quarantined, 0);
}

#[tokio::test]
async fn standard_webhooks_are_taken_within_five_minutes() {
    let hub = Hub::new().await;
    let server = hub.serve().await;
    let client = server.client();
    let send = |id: &'static str, at: i64, body: String| {
        let client = client.clone();
        async move {
            let signature = standard("c2VjcmV0", id, at, body.as_bytes());
            let at = at.to_string();
            let headers = [
                ("webhook-id", id),
                ("webhook-timestamp", at.as_str()),
                ("webhook-signature", signature.as_str()),
            ];
            client.post("/hooks/standard", &headers, body).await
        }
    };
    let now = Utc::now().timestamp();
    let body = order("o-1", json!(1));
    assert_eq!(send("m-1", now, body.clone()).await.status, 200);
    let again = send("m-1", now + 1, body.clone()).await;
    assert_eq!(again.body["status"], "duplicate");
    let old = send("m-2", now - 301, body.clone()).await;
    assert_snapshot!("hook_old_timestamp", shown(&old));
    assert_eq!(send("m-3", now + 360, body).await.status, 401);
    let ping = r#"{"kind":"ping"}"#.to_owned();
    assert_eq!(
        send("m-4", now, ping.clone()).await.body["status"],
        "ignored"
    );
    let again = send("m-4", now, ping).await;
    assert_eq!(again.body["status"], "duplicate");
    server.stop().await;
    assert!(hub.totals("standard").await.balanced());
}

#[tokio::test]
async fn a_plain_hmac_without_delivery_ids_counts_what_it_ignores() {
    let hub = Hub::new().await;
    let server = hub.serve().await;
    let client = server.client();
    let body = r#"{"kind":"ping"}"#;
    let signature = hmac("secret", body.as_bytes());
    let headers = [("x-sig", signature.as_str())];
    for _ in 0..2 {
        let answer = client.post("/hooks/plain?a=1", &headers, body).await;
        assert_eq!(answer.body, json!({ "status": "ignored" }));
    }
    server.stop().await;
    let totals = hub.totals("plain").await;
    assert!(
        totals.balanced() && totals.counts.ignored == 2,
        "{totals:?}"
    );
}

#[tokio::test]
async fn a_source_that_comes_in_by_another_door_halts_the_ingest() {
    let hub = Hub::new().await;
    hub.store
        .claim_source("/hooks/plain", Door::Sql, "warehouse")
        .await
        .unwrap();
    let server = hub.serve().await;
    let halt = server.ended().await.unwrap_err();
    assert_eq!(halt.code(), "other_door");
    assert!(
        halt.remedy().contains("adapters.plain"),
        "{}",
        halt.remedy()
    );
}
