//! Deciding on what a receiver has refused for good, by the command line.

use std::collections::BTreeSet;

use serde_json::Value;

use super::COURIER;
use super::server::Receiver;
use crate::attack::crew::Crew;
use crate::attack::invariant::judging;
use crate::attack::life::DRAINED;
use crate::attack::stage::Stage;
use crate::log::parked;

impl Stage {
    /// Tries all of them again in vain; skips the first of every other subject; lets the
    /// receiver take the rest. Returns the positions that were skipped.
    pub(super) async fn decide_on_refused(
        &self,
        crew: &mut Crew<'_>,
        receiver: &Receiver,
        waiting: &[i64],
    ) -> BTreeSet<i64> {
        if waiting.is_empty() {
            return BTreeSet::new();
        }
        judging("what is refused again stays held, and nothing passes it");
        let held = self.held();
        self.try_again(crew).await;
        assert_eq!(parked(&self.project.database, COURIER).await, waiting);
        assert_eq!(self.held(), held, "not all are held");
        judging("what was held goes on in order when it was decided on");
        let mut skip = vec!["parked", "skip", "--projection", COURIER, "--json"];
        skip.extend(["--reason", "nobody wants it"]);
        skip.extend(held.iter().step_by(2).map(String::as_str));
        let skipped = self.project.succeed(&skip);
        let skipped: BTreeSet<i64> = lines(&skipped)
            .filter_map(|decision| decision["position"].as_i64())
            .collect();
        assert_eq!(skipped.len(), held.len().div_ceil(2), "one of each subject");
        self.until_nothing_is_tried(crew).await;
        receiver.take_everything();
        if !self.held().is_empty() {
            self.try_again(crew).await;
        }
        crew.until("nothing waits any more", DRAINED, async || {
            parked(&self.project.database, COURIER).await.is_empty()
        })
        .await;
        skipped
    }

    async fn try_again(&self, crew: &mut Crew<'_>) {
        self.project
            .succeed(&["parked", "retry", "--projection", COURIER]);
        self.until_nothing_is_tried(crew).await;
    }

    /// The subjects that wait for an operator, as the command line shows them.
    fn held(&self) -> Vec<String> {
        let list = ["parked", "list", "--projection", COURIER, "--json"];
        let listed = self
            .project
            .succeed(&[&list[..], &["--state", "held"]].concat());
        lines(&listed)
            .filter_map(|subject| subject["subject"].as_str().map(str::to_owned))
            .collect()
    }
}

fn lines(text: &str) -> impl Iterator<Item = Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).expect("each line is JSON"))
}
