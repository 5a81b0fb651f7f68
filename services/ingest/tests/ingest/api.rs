//! `POST /v1/events`, row by row of what is promised.

use http::Method;
use insta::assert_snapshot;
use serde_json::json;

use crate::support::{Client, Hub, event, shown};

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[tokio::test]
async fn an_event_is_taken_in_every_mode_and_kept_byte_for_byte() {
    let hub = Hub::new().await;
    let key = hub.key("/shop").await;
    let server = hub.serve().await;
    let client = server.client();
    let bearer = format!("Bearer {key}");

    let data = r#"{ "b" : 1.10,  "a":"\u00e9é" , "big":123456789012345678901234567890 }"#;
    let structured = format!(
        r#"{{"specversion":"1.0","type":"thing.happened","source":"/shop","id":"structured",
            "subject":"s","time":"2026-01-31T12:00:00.5+01:00","tenant":"t-1","level":3,
            "gone":null,"data": {data} }}"#
    );
    let headers = [
        ("authorization", bearer.as_str()),
        (
            "content-type",
            "application/cloudevents+json; charset=utf-8",
        ),
        ("traceparent", TRACE),
    ];
    let answer = client.post("/v1/events", &headers, structured).await;
    assert_snapshot!("stored", shown(&answer));
    assert_eq!(hub.data("structured").await, data);

    let binary = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/vnd.shop+json"),
        ("ce-specversion", "1.0"),
        ("ce-id", "binary%20%E2%82%AC"),
        ("ce-source", "/shop"),
        ("ce-type", "thing.happened"),
        ("ce-subject", "\"sub ject\""),
        ("ce-tenant", "t-2"),
    ];
    let body = format!(" {data}\n");
    let answer = client.post("/v1/events", &binary, body.clone()).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(hub.data("binary €").await, body);
    let again = client.post("/v1/events", &binary, body).await;
    assert_snapshot!("duplicate", shown(&again));

    let (subject, content_type, traceparent, extensions): (
        String,
        String,
        Option<String>,
        Option<String>,
    ) = sqlx::query_as(
        "select subject, content_type, traceparent, extensions::text
         from dragoman.events order by id desc limit 1",
    )
    .fetch_one(&mut hub.session().await)
    .await
    .unwrap();
    assert_eq!(
        (subject.as_str(), content_type.as_str()),
        ("s", "application/json")
    );
    assert_eq!(traceparent.as_deref(), Some(TRACE));
    assert_eq!(
        extensions.as_deref(),
        Some(r#"{"level": "3", "tenant": "t-1"}"#)
    );
    server.stop().await;
    assert!(hub.totals("api").await.balanced());
}

#[tokio::test]
async fn a_batch_is_stored_whole_or_not_at_all() {
    let hub = Hub::new().await;
    let key = hub.key("/shop").await;
    let server = hub
        .serve_with(&hub.url, |options| options.body_limit = 1 << 20)
        .await;
    let client = server.client();
    let one = |id: &str| event(id, json!({}));
    let answer = client
        .send_batch(&key, &[one("1"), one("2"), one("1")])
        .await;
    assert_snapshot!("batch", shown(&answer));
    assert_eq!(client.send_batch(&key, &[]).await.text, "[]");
    let broken = [one("3"), event("1", json!({ "other": 1 })), one("4")];
    let answer = client.send_batch(&key, &broken).await;
    assert_snapshot!("batch_conflict", shown(&answer));
    let twice = [one("5"), event("5", json!(1))];
    assert_snapshot!(
        "batch_against_itself",
        shown(&client.send_batch(&key, &twice).await)
    );
    let mut unknown = one("6");
    unknown["type"] = json!("thing.unheard");
    let answer = client.send_batch(&key, &[one("7"), unknown]).await;
    assert_snapshot!("batch_unknown_type", shown(&answer));
    let many: Vec<_> = (0..1000).map(|id| one(&format!("many-{id}"))).collect();
    let answer = client.send_batch(&key, &many).await;
    assert_eq!(answer.body.as_array().unwrap().len(), 1000);
    let more: Vec<_> = (0..1001).map(|id| one(&format!("m-{id}"))).collect();
    let answer = client.send_batch(&key, &more).await;
    assert_snapshot!("batch_too_many", shown(&answer));
    server.stop().await;
    assert_eq!(hub.events().await, 2 + 1000);
    let totals = hub.totals("api").await;
    assert_eq!(totals.unbalanced(), 0, "{totals:?}");
}

#[tokio::test]
async fn what_is_wrong_with_an_event_is_told() {
    let hub = Hub::new().await;
    let key = hub.key("/shop").await;
    let server = hub.serve().await;
    let client = server.client();
    let send = |change: fn(&mut serde_json::Value)| {
        let (client, key) = (client.clone(), key.clone());
        async move {
            let mut event = event("1", json!({ "total": 1 }));
            change(&mut event);
            shown(&client.send(&key, &event).await)
        }
    };
    let missing = send(|event| drop(event.as_object_mut().unwrap().remove("subject"))).await;
    assert_snapshot!("missing_subject", missing);
    let empty = send(|event| event["id"] = json!("")).await;
    assert_snapshot!("empty_id", empty);
    let control = send(|event| event["id"] = json!("a\u{7}b")).await;
    assert_snapshot!("control_character", control);
    let long = send(|event| event["subject"] = json!("x".repeat(1025))).await;
    assert_snapshot!("long_subject", long);
    let version = send(|event| event["specversion"] = json!("0.3")).await;
    assert_snapshot!("other_specversion", version);
    let time = send(|event| event["time"] = json!("yesterday")).await;
    assert_snapshot!("not_a_time", time);
    let number = send(|event| event["id"] = json!(7)).await;
    assert_snapshot!("id_is_a_number", number);
    let name = send(|event| event["Tenant"] = json!("a")).await;
    assert_snapshot!("extension_name", name);
    let nested = send(|event| event["tenant"] = json!({})).await;
    assert_snapshot!("extension_is_an_object", nested);
    let base64 = send(|event| event["data_base64"] = json!("AA==")).await;
    assert_snapshot!("data_base64", base64);
    let text = send(|event| event["datacontenttype"] = json!("text/plain")).await;
    assert_snapshot!("data_is_no_json", text);
    let none = send(|event| drop(event.as_object_mut().unwrap().remove("data"))).await;
    assert_snapshot!("no_data", none);
    let unknown = send(|event| event["type"] = json!("thing.unheard")).await;
    assert_snapshot!("unknown_type", unknown);
    let schema = send(|event| {
        event["type"] = json!("order.placed");
        event["data"] = json!({ "total": "1", "note": 1 });
    })
    .await;
    assert_snapshot!("schema_violated", schema);
    let array = shown(&client.send(&key, &json!([])).await);
    assert_snapshot!("not_an_object", array);
    assert!(send(|_| {}).await.starts_with("201"));
    let other = send(|event| event["data"] = json!({ "total": 2 })).await;
    assert_snapshot!("conflict", other);
    server.stop().await;
    assert_eq!(hub.events().await, 1);
    let totals = hub.totals("api").await;
    assert!(
        totals.balanced() && totals.counts.refused == 16,
        "{totals:?}"
    );
}

#[tokio::test]
async fn an_event_that_its_topic_does_not_take_is_refused_at_the_door() {
    let hub = Hub::new().await;
    let key = hub.key("/shop").await;
    hub.store.record_topic("things", 1, 2000).await.unwrap();
    let server = hub.serve().await;
    let client = server.client();
    let large = event("1", json!("x".repeat(2000)));
    // The limit is read a moment after the start.
    crate::support::eventually("the limit is known", || async {
        let answer = client.send(&key, &large).await;
        if answer.status == 413 {
            assert_snapshot!("larger_than_its_topic_takes", shown(&answer));
        }
        answer.status == 413
    })
    .await;
    let small = event("2", json!("x".repeat(1000)));
    assert_eq!(client.send(&key, &small).await.status, 201);
    server.stop().await;
}

async fn posted(client: &Client, key: &str, content_type: Option<&str>, body: &str) -> String {
    let bearer = format!("Bearer {key}");
    let mut headers = vec![("authorization", bearer.as_str())];
    headers.extend(content_type.map(|text| ("content-type", text)));
    shown(&client.post("/v1/events", &headers, body.to_owned()).await)
}

#[tokio::test]
async fn paths_methods_and_forms_that_there_are_not_are_told() {
    let hub = Hub::new().await;
    let key = hub.key("/shop").await;
    let server = hub.serve().await;
    let client = server.client();
    let get = client.request(Method::GET, "/v1/events", &[], "").await;
    assert_snapshot!("method", shown(&get));
    let put = client.request(Method::PUT, "/hooks/plain", &[], "").await;
    assert_snapshot!("method_of_hook", shown(&put));
    assert_snapshot!("unknown_path", shown(&client.post("/v2", &[], "").await));
    let hook = client.post("/hooks/nobody", &[], "").await;
    assert_snapshot!("unknown_adapter", shown(&hook));
    // The API's name is no webhook.
    assert_eq!(client.post("/hooks/api", &[], "").await.status, 404);
    let json = posted(&client, &key, Some("application/json"), "{}").await;
    assert_snapshot!("json_without_attributes", json);
    let text = posted(&client, &key, Some("text/plain"), "{}").await;
    assert_snapshot!("wrong_content_type", text);
    let none = posted(&client, &key, None, "{}").await;
    assert_snapshot!("no_content_type", none);
    let avro = posted(&client, &key, Some("application/cloudevents+avro"), "{}").await;
    assert_snapshot!("other_event_format", avro);
    let latin = "application/cloudevents+json; charset=iso-8859-1";
    let latin = posted(&client, &key, Some(latin), "{}").await;
    assert_snapshot!("other_charset", latin);

    let kind = get.body["type"].as_str().unwrap();
    let page = client.request(Method::GET, kind, &[], "").await;
    assert_snapshot!("page", format!("{}\n{}", page.status, page.text));
    let page = client.request(Method::GET, "/problems/none", &[], "").await;
    assert_eq!(page.status, 404);
    let page = client.post(kind, &[], "").await;
    assert_eq!(page.status, 405);
    server.stop().await;
}
