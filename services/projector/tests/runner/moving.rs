//! Subjects that are parked, while who sends their events changes.

use std::sync::Arc;

use dragoman_core::Event;
use dragoman_projector::{Definition, ParkedState, ParkedSubject};
use serde_json::json;

use crate::support::{
    Receiver, Relay, Reply, Running, World, event, eventually, everything_arrived, log_by_subject,
    one_key_each, requests,
};

const SUBJECTS: usize = 40;
/// The receiver cannot take this one for a while, though it takes others.
const BUSY: &str = "id-5";
/// And will not take this one.
const REFUSED: &str = "id-6";

/// A hub that has two subjects parked, one of them tried again by itself and one held.
struct Stage {
    world: World,
    relay: Relay,
    receiver: Receiver,
    crm: Arc<Definition>,
    sent: usize,
}

impl Stage {
    async fn new() -> Self {
        let world = World::new().await;
        let relay = Relay::start(&world, 2).await;
        let receiver = Receiver::behaving(|call| match call.id() {
            BUSY => Reply::Refuse(503),
            REFUSED => Reply::Refuse(422),
            _ => Reply::Act(200),
        })
        .await;
        let crm = requests(&world, &receiver, &json!({}));
        Self {
            world,
            relay,
            receiver,
            crm,
            sent: 0,
        }
    }

    /// More events come of every subject.
    async fn more(&mut self) {
        let orders = (self.sent..self.sent + 10 * SUBJECTS).map(|number| Event {
            event_type: "order.placed".into(),
            subject: format!("order-{}", number % SUBJECTS),
            ..event(number)
        });
        self.sent += 10 * SUBJECTS;
        self.world.append_events(orders.collect()).await;
        self.relay.flow().await;
    }

    async fn parked(&self) -> Vec<ParkedSubject> {
        self.world.target().parked(&self.crm.name).await.unwrap()
    }

    /// Waits until all that came is sent but for the two, which wait with everything that is
    /// of their subjects.
    async fn others_pass(&self) {
        let states = [
            ("order-5", ParkedState::Retrying),
            ("order-6", ParkedState::Held),
        ];
        eventually("the others pass", || async {
            let parked = self.parked().await;
            let found: Vec<_> = parked.iter().map(|it| (&*it.subject, it.state)).collect();
            self.world.account(&self.crm).await.lag == 0 && found == states
        })
        .await;
        let account = self.world.level(&self.crm).await;
        let each = i64::try_from(self.sent / SUBJECTS).unwrap();
        assert_eq!((account.parked_events, account.skipped), (2 * each, 0));
        let mut expected = log_by_subject(&self.world, &self.crm).await;
        expected.retain(|subject, _| !["order-5", "order-6"].contains(&&**subject));
        assert_eq!(self.receiver.effects_by_subject(), expected);
    }

    /// It is tried, by whoever there is.
    async fn is_tried_again(&self) {
        let before = self.receiver.calls().len();
        eventually("the busy one is tried again", || async {
            let calls = self.receiver.calls();
            calls[before..].iter().any(|call| call.id() == BUSY)
        })
        .await;
    }

    /// The receiver takes everything: the one goes by itself, the other when it is told to.
    async fn ends_well(&self) {
        self.receiver.behave(|_| Reply::Act(200));
        let target = self.world.target();
        eventually("what was tried again has passed", || async {
            let parked = self.parked().await;
            parked.len() == 1 && parked[0].state == ParkedState::Held
        })
        .await;
        let held = log_by_subject(&self.world, &self.crm).await["order-6"].len();
        let account = self.world.level(&self.crm).await;
        assert_eq!(account.parked_events, i64::try_from(held).unwrap());
        assert!(!self.receiver.effects_by_subject().contains_key("order-6"));
        assert_eq!(target.retry(&self.crm.name, "order-6").await.unwrap(), 1);
        everything_arrived(&self.world, &self.receiver, &self.crm).await;
        one_key_each(&self.receiver);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_parked_outlives_restarts_by_the_ledger() {
    let mut stage = Stage::new().await;
    let first = Running::by_ledger(&stage.world, &stage.crm, "one");
    stage.more().await;
    stage.others_pass().await;
    first.stop().await;
    stage.more().await;
    let second = Running::by_ledger(&stage.world, &stage.crm, "two");
    stage.is_tried_again().await;
    stage.others_pass().await;
    second.crash().await;
    stage.more().await;
    let third = Running::by_ledger(&stage.world, &stage.crm, "three");
    stage.is_tried_again().await;
    stage.others_pass().await;
    stage.ends_well().await;
    third.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_parked_moves_with_its_partition_to_whoever_joins() {
    let mut stage = Stage::new().await;
    let first = Running::over_kafka(&stage.world, &stage.crm, "one");
    stage.more().await;
    stage.others_pass().await;
    let second = Running::over_kafka(&stage.world, &stage.crm, "two");
    stage.more().await;
    stage.is_tried_again().await;
    first.stop().await;
    stage.more().await;
    stage.is_tried_again().await;
    stage.others_pass().await;
    let third = Running::over_kafka(&stage.world, &stage.crm, "three");
    second.crash().await;
    stage.more().await;
    stage.is_tried_again().await;
    stage.others_pass().await;
    stage.ends_well().await;
    third.stop().await;
}
