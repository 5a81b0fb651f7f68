//! What operators decide about an event holds for a table that is built again.

use std::sync::Arc;

use dragoman_core::{Event, RecordedEvent};
use dragoman_projector::{Definition, ProjectionAccount, rebuild};
use serde_json::{Value, json};

use crate::folding;
use crate::support::{Relay, Running, World, broken, definition, event, eventually, sum_up};

/// Each of them has two events.
const SUBJECTS: usize = 1_000;
const EDITED: usize = 5;
const SKIPPED: usize = 6;
/// What the edited one is to say.
const MENDED: &str = r#"{"item":"item-mended","amount":70001}"#;

fn order(number: usize, event: Event) -> Event {
    Event {
        event_type: "order.placed".into(),
        subject: format!("order-{}", number % SUBJECTS),
        ..event
    }
}

/// The log as operators see to it that the projection sees it.
async fn as_decided(world: &World) -> Vec<RecordedEvent> {
    let mut log = world.log().await;
    log.retain(|recorded| recorded.event.id != format!("id-{SKIPPED}"));
    for recorded in &mut log {
        if recorded.event.id == format!("id-{EDITED}") {
            recorded.event.data = MENDED.into();
        }
    }
    log
}

/// Two poisoned subjects are waited for, one mended, one skipped: then it is level.
async fn decide(world: &World, definition: &Definition) -> ProjectionAccount {
    let account = world.level(definition).await;
    assert_eq!((account.parked_subjects, account.parked_events), (2, 4));
    let target = world.target();
    let [edited, skipped] = [EDITED, SKIPPED].map(|number| format!("order-{number}"));
    let edit = target.edit("sales", &edited, None, MENDED, "by phone");
    let of = edit.await.unwrap().unwrap().identity.id;
    assert_eq!(of, format!("id-{EDITED}"));
    let skip = target.skip("sales", &skipped, false, "a test order");
    assert_eq!(skip.await.unwrap().len(), 1);
    eventually("nothing is parked", || async {
        target.parked("sales").await.unwrap().is_empty()
    })
    .await;
    world.level(definition).await
}

/// The table is what `wanted` makes of the log as decided: as it became, built again, and
/// after more has come.
async fn holds<Row: PartialEq + std::fmt::Debug>(
    world: &World,
    definition: &Arc<Definition>,
    over_kafka: bool,
    wanted: impl Fn(&[RecordedEvent]) -> Vec<Row>,
    rows: impl AsyncFn(&World) -> Vec<Row>,
) {
    let mut relay = Relay::start(world, 3).await;
    let orders = (0..2 * SUBJECTS).map(|number| match number {
        EDITED | SKIPPED => order(number, broken(number)),
        _ => order(number, event(number)),
    });
    world.append_events(orders.collect()).await;
    relay.flow().await;
    let running = if over_kafka {
        Running::over_kafka(world, definition, "one")
    } else {
        Running::by_ledger(world, definition, "one")
    };
    let account = decide(world, definition).await;
    let all = i64::try_from(2 * SUBJECTS).unwrap();
    assert_eq!((account.applied, account.skipped), (all - 1, 1));
    assert_eq!(rows(world).await, wanted(&as_decided(world).await));

    let target = world.target();
    let rebuilt = rebuild(definition, &world.store, &target, "rebuilder", &|_| {});
    assert_eq!(rebuilt.await.unwrap().applied, all - 1);
    assert_eq!(rows(world).await, wanted(&as_decided(world).await));
    let again = world.level(definition).await;
    assert_eq!((again.applied, again.skipped), (all - 1, 1));
    assert_eq!(target.parked("sales").await.unwrap(), []);

    let more = (2 * SUBJECTS..2 * SUBJECTS + 20).map(|number| order(number, event(number)));
    world.append_events(more.collect()).await;
    relay.flow().await;
    world.level(definition).await;
    assert_eq!(rows(world).await, wanted(&as_decided(world).await));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_and_a_skip_hold_for_a_rebuilt_table_of_operators() {
    for over_kafka in [true, false] {
        let world = World::new().await;
        let sales = definition(&world, &["order.placed"], &json!({}));
        let wanted = |log: &[RecordedEvent]| sum_up(log.iter());
        holds(&world, &sales, over_kafka, wanted, World::rows).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_and_a_skip_hold_for_a_rebuilt_fold() {
    for over_kafka in [true, false] {
        let world = World::new().await;
        let types = ["order.placed"];
        let folded = folding::folded(&world, &types, ".subject", &Value::Null);
        let wanted =
            |log: &[RecordedEvent]| folding::fold(log, |event| Some(event.event.subject.clone()));
        holds(&world, &folded, over_kafka, wanted, folding::rows).await;
    }
}
