use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use dragoman_core::{Event, Position};
use dragoman_projector::{
    Definition, ReplayError, ReplayOutcome, ReplayPlan, ReplayRequest, ReplaySelection,
    plan_replay, replay,
};
use dragoman_store::{EventBound, SealOutcome};
use serde_json::json;
use sqlx::{Connection as _, PgConnection};
use tokio_util::sync::CancellationToken;

use crate::support::{Receiver, Running, World, event, requests};

/// A hub, a receiver, and a projection that has sent it events.
pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) receiver: Receiver,
    pub(crate) crm: Arc<Definition>,
}

/// Everything.
pub(crate) fn all() -> ReplaySelection {
    between(1, 1_000_000)
}

pub(crate) fn between(from: i64, to: i64) -> ReplaySelection {
    ReplaySelection {
        from: EventBound::Position(Position(from)),
        to: EventBound::Position(Position(to)),
        types: Vec::new(),
        subjects: Vec::new(),
    }
}

/// An order of one of a few subjects.
pub(crate) fn order(number: usize, subjects: usize) -> Event {
    Event {
        event_type: "order.placed".into(),
        subject: format!("order-{}", number % subjects),
        ..event(number)
    }
}

impl Stage {
    pub(crate) async fn new() -> Self {
        let world = World::new().await;
        let receiver = Receiver::start().await;
        let crm = requests(&world, &receiver, &json!({}));
        Self {
            world,
            receiver,
            crm,
        }
    }

    /// One on which so many orders of a few subjects were sent.
    pub(crate) async fn with_orders(count: usize, subjects: usize) -> Self {
        let stage = Self::new().await;
        stage.orders(0..count, subjects).await;
        let live = Running::by_ledger(&stage.world, &stage.crm, "live");
        stage.world.level(&stage.crm).await;
        live.stop().await;
        assert_eq!(stage.receiver.effects().len(), count);
        stage
    }

    /// Stores and seals orders.
    pub(crate) async fn orders(&self, numbers: std::ops::Range<usize>, subjects: usize) {
        let orders = numbers.map(|number| order(number, subjects)).collect();
        self.world.append_events(orders).await;
        self.seal().await;
    }

    /// Seals everything that is stored.
    pub(crate) async fn seal(&self) {
        let store = &self.world.store;
        let lease = store.acquire_lease("relay", "test", Duration::from_secs(60));
        let lease = lease.await.unwrap().unwrap();
        let mut tip = store.ledger_tip().await.unwrap();
        while let SealOutcome::Sealed(batch) = store.seal(&lease, 100, &tip).await.unwrap() {
            tip = batch.tip;
        }
        store.release_lease(&lease).await.unwrap();
    }

    pub(crate) async fn plan(&self, selection: &ReplaySelection) -> ReplayPlan {
        let target = self.world.target();
        plan_replay(&self.crm, &self.world.store, &target, selection)
            .await
            .unwrap()
    }

    pub(crate) async fn replay(
        &self,
        selection: &ReplaySelection,
    ) -> Result<ReplayOutcome, ReplayError> {
        self.replay_until(selection, &CancellationToken::new())
            .await
    }

    pub(crate) async fn replay_until(
        &self,
        selection: &ReplaySelection,
        stop: &CancellationToken,
    ) -> Result<ReplayOutcome, ReplayError> {
        let request = ReplayRequest {
            selection: selection.clone(),
            reason: "a test".into(),
        };
        let (store, target) = (&self.world.store, self.world.target());
        replay(&self.crm, store, &target, &request, "test", &|_| {}, stop).await
    }

    /// Takes away what a killed replay holds, as time would.
    pub(crate) async fn end_lease(&self) {
        let mut connection = PgConnection::connect(&self.world.url).await.unwrap();
        sqlx::query("delete from dragoman.leases where name like 'replay %'")
            .execute(&mut connection)
            .await
            .unwrap();
    }

    /// What took effect since that many effects, by subject, in order.
    pub(crate) fn effects_since(&self, effects: usize) -> BTreeMap<String, Vec<String>> {
        let mut by_subject: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for call in self.receiver.effects().iter().skip(effects) {
            let ids = by_subject.entry(call.subject().to_owned()).or_default();
            ids.push(call.id().to_owned());
        }
        by_subject
    }

    /// The ids of the log, by subject, in order, as far as they are wanted.
    pub(crate) async fn log(&self, wanted: impl Fn(&str) -> bool) -> BTreeMap<String, Vec<String>> {
        let mut by_subject: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for recorded in self.world.log().await {
            if wanted(&recorded.event.id) {
                let ids = by_subject.entry(recorded.event.subject).or_default();
                ids.push(recorded.event.id);
            }
        }
        by_subject
    }

    /// Every event that was called for since that many calls was under one key, and under
    /// none of before.
    pub(crate) fn one_key_each_since(&self, calls: usize) {
        let all = self.receiver.calls();
        let (before, since) = all.split_at(calls);
        let old: BTreeSet<&str> = before.iter().map(|call| call.key()).collect();
        let mut keys: BTreeMap<&str, &str> = BTreeMap::new();
        for call in since {
            assert!(
                !old.contains(call.key()),
                "{} was sent under an old key",
                call.id()
            );
            let key = *keys.entry(call.id()).or_insert_with(|| call.key());
            assert_eq!(key, call.key(), "{} has two keys", call.id());
        }
    }
}
