use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use dragoman_projector::{Definition, ProjectionOptions, ProjectorError, RunnerOptions, run};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::world::connect;
use super::{Receiver, World};

/// A projection at work: a process of its own as far as connections go.
pub(crate) struct Running {
    stop: CancellationToken,
    task: JoinHandle<Result<(), ProjectorError>>,
}

impl Running {
    /// Over Kafka.
    pub(crate) fn over_kafka(world: &World, definition: &Arc<Definition>, instance: &str) -> Self {
        let options = RunnerOptions::new(instance, Some(world.kafka()));
        Self::start(world, definition, options)
    }

    /// By the ledger.
    pub(crate) fn by_ledger(world: &World, definition: &Arc<Definition>, instance: &str) -> Self {
        Self::start(world, definition, RunnerOptions::new(instance, None))
    }

    fn start(world: &World, definition: &Arc<Definition>, mut options: RunnerOptions) -> Self {
        options.batch_limit = 100;
        options.lease_ttl = Duration::from_secs(2);
        let stop = CancellationToken::new();
        let work = run(
            options,
            Arc::clone(definition),
            connect(&world.url),
            world.target(),
            stop.clone(),
        );
        Self {
            stop,
            task: tokio::spawn(work),
        }
    }

    /// Ends it as a crash would: nothing is finished, nothing given back.
    pub(crate) async fn crash(self) {
        self.task.abort();
        let _aborted = self.task.await;
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.ended()
            .await
            .expect("a projection that is asked to stop just stops");
    }

    /// Waits for it to end by itself.
    pub(crate) async fn ended(self) -> Result<(), ProjectorError> {
        tokio::time::timeout(Duration::from_secs(40), self.task)
            .await
            .expect("it ends within 40 seconds")
            .expect("it does not panic")
    }

    pub(crate) async fn halted(self) -> ProjectorError {
        self.ended().await.expect_err("it halts")
    }
}

/// A table that counts what several subjects of two topics share.
pub(crate) fn sales(world: &World) -> Arc<Definition> {
    definition(world, &["order.placed", "stock.counted"], &json!({}))
}

/// The same, in one line.
pub(crate) fn total(world: &World) -> Arc<Definition> {
    definition(
        world,
        &["order.placed", "stock.counted"],
        &json!({ "order": "total" }),
    )
}

/// The same after stock has moved to the topic of the orders.
pub(crate) fn sales_of_one_topic(world: &World) -> Arc<Definition> {
    let options = options(&["order.placed", "stock.counted"], &json!({}));
    compile(
        &options,
        [
            ("order.placed", &world.orders),
            ("stock.counted", &world.orders),
        ],
    )
}

/// A definition of the table `sales`, with other options than usual.
pub(crate) fn definition(world: &World, types: &[&str], others: &Value) -> Arc<Definition> {
    let options = options(types, others);
    compile(
        &options,
        [
            ("order.placed", &world.orders),
            ("stock.counted", &world.stock),
        ],
    )
}

/// A projection that sends every event to a receiver, with other options of the sink than
/// usual, or another order.
pub(crate) fn requests(world: &World, receiver: &Receiver, others: &Value) -> Arc<Definition> {
    let program = std::env::temp_dir().join(format!("request-{}.vrl", uuid::Uuid::new_v4()));
    let source = r#"{ "method": "PUT", "path": "/orders", "body": {
        "id": .id, "subject": .subject, "amount": .data.amount, "note": .data.note } }"#;
    std::fs::write(&program, source).unwrap();
    let mut sink = json!({
        "url": receiver.url(), "private_network": true,
        "retry": { "first": "50ms", "max": "1s" },
    });
    let mut options = json!({
        "events": ["order.placed", "stock.counted"], "from": "beginning", "request": program,
    });
    for (key, value) in others.as_object().unwrap() {
        match key.as_str() {
            "order" => options[key] = value.clone(),
            _ => sink[key] = value.clone(),
        }
    }
    options["sink"] = json!({ "http": sink });
    let options = serde_json::from_value(options).unwrap();
    let definition = compile(
        &options,
        [
            ("order.placed", &world.orders),
            ("stock.counted", &world.stock),
        ],
    );
    std::fs::remove_file(program).unwrap();
    definition
}

fn options(types: &[&str], others: &Value) -> ProjectionOptions {
    let mut options = json!({
        "events": types,
        "sink": { "postgres": { "table": "sales" } },
        "key": { "item": { "type": "text", "from": ".data.item" } },
        "columns": {
            "times": { "type": "bigint", "add": "1" },
            "sum": { "type": "bigint", "add": ".data.amount" },
            "largest": { "type": "bigint", "max": ".data.amount" },
        },
    });
    for (key, value) in others.as_object().unwrap() {
        options[key] = value.clone();
    }
    serde_json::from_value(options).unwrap()
}

fn compile(options: &ProjectionOptions, topics: [(&str, &String); 2]) -> Arc<Definition> {
    let catalogue: BTreeMap<_, _> = topics
        .into_iter()
        .map(|(event_type, topic)| (event_type.to_owned(), (topic.clone(), None)))
        .collect();
    Arc::new(Definition::compile("sales", options, &catalogue).unwrap())
}
