use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use dragoman_ingest::{
    AdapterOptions, Adapters, ApiKeyOptions, ApiOptions, BasicOptions, Catalogue, Decode, Encoding,
    GithubOptions, HmacAlgorithm, HmacOptions, Ingest, IngestError, IngestOptions, Schemas,
    StandardWebhooksOptions, VerifyOptions, WebhookOptions,
};
use dragoman_settings::{FilePath, FolderPath};
use dragoman_store::{AdapterTotals, CatalogueEntry, NewKey, Store, StoreOptions};
use dragoman_translate::Schema;
use indexmap::IndexMap;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::Client;

const ORDER: &str = r#"{
    "type": "object", "required": ["total"],
    "properties": { "total": { "type": "number" }, "note": { "type": "string" } }
}"#;

/// What the webhooks of tests do: `kind` says what is to become of a delivery.
const MAPPING: &str = r#"
kind = .body.kind
if kind == "order" {
    { "id": string!(.body.id), "type": "order.placed", "subject": string!(.body.id), "data": .body.data }
} else if kind == "pair" {
    [
        { "id": string!(.body.id) + "-a", "type": "thing.happened", "subject": "s", "data": .body },
        { "id": string!(.body.id) + "-b", "type": "thing.happened", "subject": "s", "data": .body },
    ]
} else if kind == "unknown" {
    { "id": string!(.body.id), "type": string!(.body.type), "subject": "s", "data": .body }
} else {
    null
}
"#;

/// What becomes of the dispatch advices of an old system, in XML.
const ERP: &str = r#"
advice = .body.Advice
{
    "id": string!(advice."@number"), "type": "thing.happened", "subject": "s",
    "data": { "lines": array!(advice.Line) },
}
"#;

/// What becomes of a form.
const FORM: &str =
    r#"{ "id": string!(.body.id), "type": "thing.happened", "subject": "s", "data": .body }"#;

pub(crate) struct Hub {
    pub(crate) store: Store,
    pub(crate) url: String,
    pub(crate) folder: TempDir,
}

impl Hub {
    pub(crate) async fn new() -> Self {
        let server = std::env::var("DRAGOMAN_TEST_POSTGRES").expect("it says where to test");
        let database = format!("ingest_{}", uuid::Uuid::new_v4().simple());
        let mut admin = PgConnection::connect(&server).await.unwrap();
        admin
            .execute(AssertSqlSafe(format!("create database {database}")))
            .await
            .unwrap();
        let url = format!("{}/{database}", server.rsplit_once('/').unwrap().0);
        let store = connect(&url);
        store.migrate().await.unwrap();
        let entries: Vec<CatalogueEntry> = schemas()
            .keys()
            .map(|event_type| CatalogueEntry {
                event_type: event_type.clone(),
                topic: "things".into(),
                schema: None,
                description: String::new(),
            })
            .collect();
        store.synchronise_catalogue(&entries).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        for (file, program) in [("map.vrl", MAPPING), ("erp.vrl", ERP), ("form.vrl", FORM)] {
            std::fs::write(folder.path().join(file), program).unwrap();
        }
        Self { store, url, folder }
    }

    pub(crate) async fn session(&self) -> PgConnection {
        PgConnection::connect(&self.url).await.unwrap()
    }

    /// A key for everything of a source.
    pub(crate) async fn key(&self, source: &str) -> String {
        self.key_until(source, "*", None).await
    }

    pub(crate) async fn key_until(
        &self,
        source: &str,
        types: &str,
        expires_at: Option<DateTime<Utc>>,
    ) -> String {
        let key = NewKey {
            name: format!("key of {source} for {types}"),
            sources: vec![source.to_owned()],
            types: vec![types.parse().unwrap()],
            expires_at,
        };
        self.store.create_key(&key).await.unwrap().key
    }

    pub(crate) async fn totals(&self, adapter: &str) -> AdapterTotals {
        let totals = self.store.adapter_totals().await.unwrap();
        totals.get(adapter).copied().unwrap_or_default()
    }

    pub(crate) async fn events(&self) -> i64 {
        self.store.log_totals().await.unwrap().stored
    }

    /// What an event of the log holds.
    pub(crate) async fn data(&self, id: &str) -> String {
        sqlx::query_scalar("select data from dragoman.events where id = $1")
            .bind(id)
            .fetch_one(&mut self.session().await)
            .await
            .unwrap()
    }

    pub(crate) async fn serve(&self) -> Server {
        self.serve_with(&self.url, |_| {}).await
    }

    /// Serves with other options, perhaps by another way to the database.
    pub(crate) async fn serve_with(
        &self,
        url: &str,
        change: impl FnOnce(&mut IngestOptions),
    ) -> Server {
        let mut options = IngestOptions::new("127.0.0.1:0".parse().unwrap(), 64 << 10);
        change(&mut options);
        let adapters = Adapters::compile(&adapters(self.folder.path()), &schemas()).unwrap();
        let ingest = Ingest::bind(options, connect(url), adapters, catalogue())
            .await
            .unwrap();
        let stop = CancellationToken::new();
        Server {
            address: ingest.address(),
            task: tokio::spawn(ingest.serve(stop.clone())),
            stop,
        }
    }
}

pub(crate) fn catalogue() -> Catalogue {
    let topics = schemas()
        .into_keys()
        .map(|event_type| (event_type, "things".to_owned()))
        .collect();
    Catalogue::new(Arc::new(schemas()), topics)
}

pub(crate) fn connect(url: &str) -> Store {
    let options = StoreOptions {
        application_name: "ingest test".into(),
        max_connections: 6,
        acquire_timeout: Duration::from_secs(2),
    };
    Store::connect(url, &options).unwrap()
}

pub(crate) fn schemas() -> Schemas {
    let order = Schema::compile("order.placed", ORDER).unwrap();
    [
        ("order.placed".to_owned(), Some(order)),
        ("thing.happened".to_owned(), None),
    ]
    .into()
}

/// The API, three webhooks with one mapping, one in XML, and one that takes forms.
pub(crate) fn adapters(folder: &Path) -> IndexMap<String, AdapterOptions> {
    let of = |verify, decode, arrays: &[&str], map| {
        AdapterOptions::Webhook(WebhookOptions {
            source: None,
            verify,
            decode,
            arrays: arrays.iter().map(|path| (*path).to_owned()).collect(),
            map: FilePath::from(folder.join(map)),
            samples: Some(FolderPath::from(folder.join("samples"))),
        })
    };
    let webhook = |verify| of(verify, Decode::Json, &[], "map.vrl");
    let api_key = VerifyOptions::ApiKey(ApiKeyOptions {
        header: "X-Api-Key".into(),
        prefix: String::new(),
        secrets: vec!["secret".into()],
    });
    let basic = VerifyOptions::Basic(BasicOptions {
        user: "erp".into(),
        secrets: vec!["secret".into()],
    });
    let github = GithubOptions {
        secrets: vec!["old secret".into(), "secret".into()],
    };
    let standard = StandardWebhooksOptions {
        secrets: vec!["whsec_c2VjcmV0".into()],
    };
    let hmac = HmacOptions {
        header: "X-Sig".into(),
        algorithm: HmacAlgorithm::Sha256,
        encoding: Encoding::Hex,
        prefix: String::new(),
        secrets: vec!["secret".into()],
    };
    [
        ("api".to_owned(), AdapterOptions::Api(ApiOptions {})),
        ("github".to_owned(), webhook(VerifyOptions::Github(github))),
        (
            "standard".to_owned(),
            webhook(VerifyOptions::StandardWebhooks(standard)),
        ),
        ("plain".to_owned(), webhook(VerifyOptions::Hmac(hmac))),
        (
            "erp".to_owned(),
            of(api_key, Decode::Xml, &["Advice.Line"], "erp.vrl"),
        ),
        ("form".to_owned(), of(basic, Decode::Form, &[], "form.vrl")),
    ]
    .into()
}

/// An ingest that serves.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) stop: CancellationToken,
    task: JoinHandle<Result<(), IngestError>>,
}

impl Server {
    pub(crate) fn client(&self) -> Client {
        Client::of(self.address)
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.ended().await.unwrap();
    }

    pub(crate) async fn ended(self) -> Result<(), IngestError> {
        tokio::time::timeout(Duration::from_secs(20), self.task)
            .await
            .expect("it ends within 20 seconds")
            .expect("it does not panic")
    }
}

/// A structured event of `/shop`.
pub(crate) fn event(id: &str, data: Value) -> Value {
    json!({
        "specversion": "1.0", "id": id, "source": "/shop", "type": "thing.happened",
        "subject": "s-1", "data": data,
    })
}
