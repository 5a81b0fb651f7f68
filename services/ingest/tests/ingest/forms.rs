//! Deliveries that are no JSON: XML with a key, forms with a password.

use serde_json::{Value, json};

use crate::support::{Answer, Client, Hub};

async fn advise(client: &Client, key: &str, xml: impl Into<Vec<u8>>) -> Answer {
    let headers = [("x-api-key", key), ("content-type", "application/xml")];
    client.post("/hooks/erp", &headers, xml.into()).await
}

#[tokio::test]
async fn an_old_system_that_speaks_xml_is_understood() {
    let hub = Hub::new().await;
    let server = hub.serve().await;
    let client = server.client();
    let one = r#"<?xml version="1.0"?><n:Advice xmlns:n="urn:x" number="A-1"><n:Line>1.50</n:Line></n:Advice>"#;
    assert_eq!(
        advise(&client, "secret", one).await.body["status"],
        "stored"
    );
    let again = advise(&client, "secret", one).await;
    assert_eq!(again.body["status"], "duplicate");
    let latin = b"<?xml version='1.0' encoding='ISO-8859-1'?><Advice number='A-2'><Line>caf\xe9</Line></Advice>";
    assert_eq!(
        advise(&client, "secret", *latin).await.body["status"],
        "stored"
    );
    let data = async |id: &str| -> Value { serde_json::from_str(&hub.data(id).await).unwrap() };
    assert_eq!(data("A-1").await, json!({ "lines": ["1.50"] }));
    assert_eq!(data("A-2").await, json!({ "lines": ["café"] }));

    for refused in ["Secret", ""] {
        assert_eq!(advise(&client, refused, one).await.status, 401);
    }
    let bomb = r#"<!DOCTYPE b [<!ENTITY a "aaaa">]><Advice number="A-3"><Line>&a;</Line></Advice>"#;
    let deep = "<a>".repeat(10_000);
    for kept in [bomb, &deep, "<Advice", "no XML", "<Advice>\u{1}</Advice>"] {
        let answer = advise(&client, "secret", kept).await;
        assert_eq!(answer.status, 202, "{kept}");
        assert_eq!(answer.body["reason"], "invalid_body");
    }
    server.stop().await;
    let totals = hub.totals("erp").await;
    assert!(totals.balanced(), "{totals:?}");
    assert_eq!((totals.counts.stored, totals.counts.quarantined), (2, 5));
    assert_eq!(totals.counts.refused, 2);
}

#[tokio::test]
async fn a_form_is_understood() {
    let hub = Hub::new().await;
    let server = hub.serve().await;
    let client = server.client();
    let send = async |credentials: &str, body: &str| {
        let headers = [
            ("authorization", credentials),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        client.post("/hooks/form", &headers, body.to_owned()).await
    };
    let (right, wrong) = ("Basic ZXJwOnNlY3JldA==", "Basic ZXJwOnNlY3JlVA==");
    let body = "id=f-1&line=a+b&line=c%26d&empty=";
    assert_eq!(send(right, body).await.body["status"], "stored");
    let data: Value = serde_json::from_str(&hub.data("f-1").await).unwrap();
    let expected = json!({ "id": "f-1", "line": ["a b", "c&d"], "empty": "" });
    assert_eq!(data, expected);
    assert_eq!(send(wrong, body).await.status, 401);
    assert_eq!(send(right, "id=%FF").await.body["reason"], "invalid_body");
    server.stop().await;
    assert!(hub.totals("form").await.balanced());
}
