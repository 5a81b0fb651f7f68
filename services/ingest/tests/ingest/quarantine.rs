//! What is kept, and what becomes of it when it is run again.

use std::sync::Arc;

use dragoman_ingest::{Adapters, Catalogue, Prospect, RetryOutcome, preview, retry};
use dragoman_store::{QuarantineState, QuarantinedDelivery};
use uuid::Uuid;

use crate::hooks::{deliver, order};
use crate::support::{Hub, adapters, hmac, schemas};
use serde_json::json;

impl Hub {
    /// Runs a delivery again, through the mapping as it is now.
    async fn retry(&self, id: Uuid) -> RetryOutcome {
        let adapters = Adapters::compile(&adapters(self.folder.path()), &schemas()).unwrap();
        let catalogue = Catalogue::new(Arc::new(schemas()), [].into());
        retry(&self.store, &adapters, &catalogue, id).await.unwrap()
    }

    /// What it would become.
    async fn preview(&self, id: Uuid) -> Prospect {
        let adapters = Adapters::compile(&adapters(self.folder.path()), &schemas()).unwrap();
        let catalogue = Catalogue::new(Arc::new(schemas()), [].into());
        preview(&self.store, &adapters, &catalogue, id)
            .await
            .unwrap()
    }

    fn mend(&self, mapping: &str) {
        std::fs::write(self.folder.path().join("map.vrl"), mapping).unwrap();
    }

    async fn kept(&self, id: Uuid) -> QuarantinedDelivery {
        self.store.quarantined(id).await.unwrap().unwrap().0
    }
}

fn id_of(answer: &crate::support::Answer) -> Uuid {
    answer.body["id"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_delivery_is_kept_whole_but_for_its_credentials() {
    let hub = Hub::new().await;
    let server = hub.serve().await;
    let body = b"{\"broken\": ";
    let signature = hmac("secret", body);
    let headers = [
        ("x-sig", signature.as_str()),
        ("authorization", "Bearer hunter2"),
        ("cookie", "session=hunter2"),
        ("x-vendor-token", "hunter2"),
        ("x-event", "sale"),
    ];
    let path = "/hooks/plain?shop=7&access_token=hunter2&nul=a%00b";
    let answer = server.client().post(path, &headers, &body[..]).await;
    let kept = hub.kept(id_of(&answer)).await;
    assert_eq!(kept.body, body);
    assert_eq!(kept.reason, "invalid_body");
    assert!(kept.detail.contains("line 1"), "{}", kept.detail);
    assert_eq!(kept.headers["x-event"], "sale");
    assert_eq!(kept.query["shop"], "7");
    let everything = format!("{kept:?}");
    assert!(!everything.contains("hunter2") && !everything.contains(&signature));
    server.stop().await;
}

#[tokio::test]
async fn after_the_mapping_is_mended_a_delivery_is_stored_once() {
    let hub = Hub::new().await;
    let server = hub.serve().await;
    let client = server.client();
    let body = r#"{"kind":"order","id":7,"data":{"total":1}}"#;
    let answer = deliver(&client, "d-1", body).await;
    let id = id_of(&answer);
    assert!(
        matches!(hub.retry(id).await, RetryOutcome::Kept { reason, .. } if reason == "mapping_failed")
    );
    assert_eq!(hub.totals("github").await.counts.quarantined, 1);
    hub.mend(
        r#"{ "id": to_string!(.body.id), "type": "order.placed", "subject": "s",
             "time": .received, "data": .body.data }"#,
    );
    let Prospect::Events(events) = hub.preview(id).await else {
        panic!("it would become an event")
    };
    assert_eq!(
        (events[0].id.as_str(), events[0].data.as_str()),
        ("7", r#"{"total":1}"#)
    );
    assert_eq!(hub.events().await, 0, "looking changes nothing");
    let stored = RetryOutcome::Stored {
        stored: 1,
        duplicate: 0,
    };
    assert_eq!(hub.retry(id).await, stored);
    let again = RetryOutcome::NotWaiting(QuarantineState::Stored);
    assert_eq!(hub.retry(id).await, again);
    assert_eq!(hub.retry(Uuid::now_v7()).await, RetryOutcome::Unknown);
    // As if the process had ended between storing and releasing.
    sqlx::query("update dragoman.quarantine set state = 'waiting'")
        .execute(&mut hub.session().await)
        .await
        .unwrap();
    let twice = RetryOutcome::Stored {
        stored: 0,
        duplicate: 1,
    };
    assert_eq!(hub.retry(id).await, twice);
    server.stop().await;
    assert_eq!(hub.events().await, 1);
    let same_time: bool = sqlx::query_scalar(
        "select events.time = received_at from dragoman.events, dragoman.quarantine",
    )
    .fetch_one(&mut hub.session().await)
    .await
    .unwrap();
    assert!(same_time, "the mapping sees when it came");
}

#[tokio::test]
async fn what_still_cannot_be_stored_stays_and_says_why() {
    let hub = Hub::new().await;
    let server = hub.serve().await;
    let client = server.client();
    let conflict = {
        deliver(&client, "d-1", &order("o-1", json!(1))).await;
        id_of(&deliver(&client, "d-2", &order("o-1", json!(2))).await)
    };
    let violation = id_of(&deliver(&client, "d-3", &order("o-2", json!("x"))).await);
    for (id, word) in [(conflict, "conflict"), (violation, "schema_violated")] {
        let outcome = hub.retry(id).await;
        assert!(
            matches!(&outcome, RetryOutcome::Kept { reason, .. } if reason == word),
            "{outcome:?}"
        );
        assert!(hub.kept(id).await.reason == word);
    }
    hub.mend(
        r#"if .body.kind != "order" {
            { "id": "1", "type": "thing.happened", "subject": "s", "data": .body }
        } else { null }"#,
    );
    assert_eq!(hub.retry(violation).await, RetryOutcome::Ignored);
    server.stop().await;
    let totals = hub.totals("github").await;
    assert_eq!(totals.unbalanced(), 0, "{totals:?}");
    let counts = totals.counts;
    assert_eq!(
        (counts.stored, counts.ignored, counts.quarantined),
        (1, 1, 1)
    );
}
