//! A Kafka of two nodes, one of which dies.

use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::servers::AWAY;
use crate::attack::crew::Crew;
use crate::attack::stage::Stage;

/// Where Kafka keeps how far groups are; who leads a partition of it coordinates the groups
/// of that partition.
const GROUPS: &str = "__consumer_offsets";

/// How long Kafka may take to let another node lead.
const TAKEN_OVER: Duration = Duration::from_secs(90);

impl Stage {
    /// Everything is led by the second node, which dies and comes back.
    pub(super) async fn move_coordinator(&self, crew: &mut Crew<'_>) {
        let mut second = self.second_broker.lock().await;
        let second = second.as_mut().expect("a second node of Kafka");
        let (first, number) = (1, second.number());
        let topics = self.project.topics().map(|(_, topic)| topic.to_owned());
        let partitions = self.project.kafka().partitions;
        self.administer(move |administration| {
            for topic in topics.iter().map(String::as_str).chain([GROUPS]) {
                administration.assign(topic, partitions, &[number, first]);
            }
        })
        .await;
        self.until_led_by(crew, number).await;
        second.kill();
        self.until_led_by(crew, first).await;
        self.pass(crew, AWAY).await;
        second.restart().await;
        self.until_led_by(crew, number).await;
    }

    /// Waits until a node leads every partition of everything.
    async fn until_led_by(&self, crew: &mut Crew<'_>, node: u8) {
        let brokers = &self.project.kafka().brokers;
        let what = format!("node {node} of Kafka leads");
        crew.until(&what, TAKEN_OVER, async || {
            let leaders = leaders(brokers).await;
            !leaders.is_empty() && leaders.iter().all(|leader| *leader == i64::from(node))
        })
        .await;
    }
}

/// Who leads each partition of each topic.
async fn leaders(brokers: &str) -> Vec<i64> {
    let mut asking = Command::new("kcat");
    asking.args(["-L", "-J", "-m", "2", "-b", brokers]);
    let answer = tokio::task::spawn_blocking(move || asking.output()).await;
    let answer = answer.expect("kcat can be waited for");
    let answer = answer.expect("there is kcat").stdout;
    let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
    let topics = answer["topics"].as_array().into_iter().flatten();
    topics
        .flat_map(|topic| topic["partitions"].as_array().into_iter().flatten())
        .map(|partition| partition["leader"].as_i64().unwrap_or(-1))
        .collect()
}
