use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dragoman_projector::Definition;

use super::{Receiver, World, eventually};

/// The ids that each subject of a log has, in order.
pub(crate) async fn log_by_subject(
    world: &World,
    definition: &Definition,
) -> BTreeMap<String, Vec<String>> {
    let mut by_subject: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for recorded in world.log().await {
        if definition.events.contains_key(&recorded.event.event_type) {
            let ids = by_subject.entry(recorded.event.subject).or_default();
            ids.push(recorded.event.id);
        }
    }
    by_subject
}

/// Waits until everything took effect, once and in order, by the receiver's own count.
pub(crate) async fn everything_arrived(
    world: &World,
    receiver: &Receiver,
    definition: &Arc<Definition>,
) {
    let target = world.target();
    eventually("nothing is parked", || async {
        target.parked(&definition.name).await.unwrap().is_empty()
            && world.account(definition).await.lag == 0
    })
    .await;
    world.level(definition).await;
    assert_eq!(
        receiver.effects_by_subject(),
        log_by_subject(world, definition).await
    );
    let effects = receiver.effects();
    let ids: BTreeSet<&str> = effects.iter().map(|call| call.id()).collect();
    assert_eq!(ids.len(), effects.len(), "one effect for each event");
}

/// Every attempt at an event was made under the same key.
pub(crate) fn one_key_each(receiver: &Receiver) {
    let calls = receiver.calls();
    let mut keys: BTreeMap<&str, &str> = BTreeMap::new();
    for call in &calls {
        let key = *keys.entry(call.id()).or_insert_with(|| call.key());
        assert_eq!(key, call.key(), "{} has two keys", call.id());
    }
}
