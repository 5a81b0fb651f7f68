//! The topics themselves: made when missing, and what the broker says of them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::admin::{
    AdminClient, AdminOptions, NewTopic, OwnedResourceSpecifier, ResourceSpecifier,
    TopicReplication,
};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

use crate::client::{QuietContext, apply_properties, base};
use crate::{KafkaOptions, StreamError};

/// How long the broker may take for one answer.
const ANSWER: Duration = Duration::from_secs(10);
/// How long a new topic may take until every partition has a leader.
const SETTLING: Duration = Duration::from_secs(30);
/// What a broker takes when it does not say: Kafka's own default.
const DEFAULT_MAX_MESSAGE_BYTES: i32 = 1_048_588;

/// A topic that somebody needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedTopic {
    /// Its name.
    pub topic: String,
    /// With how many partitions to make it when it is missing; `None`: as the
    /// options say. One that exists keeps its own.
    pub partitions: Option<i32>,
}

/// A topic as the broker has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicState {
    /// Its name.
    pub topic: String,
    /// How many partitions it has.
    pub partitions: i32,
    /// The largest batch of records that it takes, in bytes (`max.message.bytes`).
    pub max_message_bytes: i32,
    /// Whether it was made just now.
    pub created: bool,
}

/// What the cluster's metadata says of a topic.
struct Seen {
    partitions: i32,
    /// Whether every partition has a leader.
    led: bool,
}

/// Makes topics and looks at them.
pub struct Topics {
    admin: Arc<AdminClient<QuietContext>>,
    options: KafkaOptions,
}

impl Topics {
    /// A client for administration. It connects when it is first used.
    ///
    /// # Errors
    /// When the settings make no client.
    pub fn connect(options: &KafkaOptions) -> Result<Self, StreamError> {
        let mut config = base(options)?;
        apply_properties(&mut config, options);
        let admin = config
            .create_with_context::<_, AdminClient<QuietContext>>(QuietContext)
            .map_err(|source| StreamError::Settings {
                source: source.into(),
            })?;
        Ok(Self {
            admin: Arc::new(admin),
            options: options.clone(),
        })
    }

    /// Makes those topics that are missing, and says of all of them what the broker
    /// says, in the order asked for.
    ///
    /// # Errors
    /// Unavailable when the broker does not answer or a new topic has no leaders
    /// within half a minute; [`StreamError::TopicRefused`] when it will not be made.
    pub async fn ensure(&self, wanted: &[WantedTopic]) -> Result<Vec<TopicState>, StreamError> {
        let before = self.seen().await?;
        let missing: Vec<&WantedTopic> = wanted
            .iter()
            .filter(|wanted| !before.contains_key(&wanted.topic))
            .collect();
        let seen = if missing.is_empty() {
            before
        } else {
            self.create(&missing).await?;
            self.settled(wanted).await?
        };
        let limits = self.limits(wanted).await?;
        Ok(wanted
            .iter()
            .filter_map(|wanted| {
                let topic = wanted.topic.clone();
                Some(TopicState {
                    partitions: seen.get(&topic)?.partitions,
                    max_message_bytes: limits
                        .get(&topic)
                        .copied()
                        .unwrap_or(DEFAULT_MAX_MESSAGE_BYTES),
                    created: missing.iter().any(|missing| missing.topic == topic),
                    topic,
                })
            })
            .collect())
    }

    /// Whether each of these topics is there and every partition of it has a leader now.
    ///
    /// # Errors
    /// When the broker does not answer.
    pub async fn all_led(&self, topics: &[String]) -> Result<bool, StreamError> {
        let seen = self.seen().await?;
        Ok(topics
            .iter()
            .all(|topic| seen.get(topic).is_some_and(|seen| seen.led)))
    }

    async fn create(&self, missing: &[&WantedTopic]) -> Result<(), StreamError> {
        let retention = self.options.topics.retention.duration().as_millis();
        let retention = retention.to_string();
        let new: Vec<NewTopic<'_>> = missing
            .iter()
            .map(|wanted| {
                NewTopic::new(
                    &wanted.topic,
                    wanted.partitions.unwrap_or(self.options.topics.partitions),
                    TopicReplication::Fixed(self.options.topics.replication),
                )
                .set("retention.ms", &retention)
            })
            .collect();
        let results = self
            .admin
            .create_topics(&new, &admin_options())
            .await
            .map_err(StreamError::call("create topics"))?;
        for result in results {
            match result {
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((topic, RDKafkaErrorCode::RequestTimedOut)) => {
                    return Err(StreamError::call(format!("create topic {topic}"))(
                        KafkaError::AdminOp(RDKafkaErrorCode::RequestTimedOut),
                    ));
                }
                Err((topic, code)) => {
                    return Err(StreamError::TopicRefused {
                        topic,
                        reason: code.to_string(),
                    });
                }
            }
        }
        Ok(())
    }

    /// Waits until every wanted topic is known, each of its partitions with a leader.
    async fn settled(&self, wanted: &[WantedTopic]) -> Result<HashMap<String, Seen>, StreamError> {
        let deadline = Instant::now() + SETTLING;
        loop {
            let seen = self.seen().await?;
            let ready = |wanted: &WantedTopic| seen.get(&wanted.topic).is_some_and(|seen| seen.led);
            if wanted.iter().all(ready) {
                return Ok(seen);
            }
            if Instant::now() >= deadline {
                return Err(StreamError::call("elect leaders for a new topic")(
                    KafkaError::AdminOp(RDKafkaErrorCode::LeaderNotAvailable),
                ));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The topics of the cluster. Asks for all of them, since a broker may be set up
    /// to make a topic that is asked for by name.
    async fn seen(&self) -> Result<HashMap<String, Seen>, StreamError> {
        let admin = Arc::clone(&self.admin);
        let asked = tokio::task::spawn_blocking(move || {
            let metadata = admin.inner().fetch_metadata(None, ANSWER)?;
            Ok(metadata
                .topics()
                .iter()
                .filter(|topic| topic.error().is_none() && !topic.partitions().is_empty())
                .map(|topic| {
                    let partitions = topic.partitions();
                    let seen = Seen {
                        partitions: i32::try_from(partitions.len()).unwrap_or(i32::MAX),
                        led: partitions.iter().all(|partition| partition.leader() >= 0),
                    };
                    (topic.name().to_owned(), seen)
                })
                .collect())
        });
        match asked.await {
            Ok(answer) => answer.map_err(StreamError::call("list its topics")),
            Err(_) => Err(StreamError::ThreadLost),
        }
    }

    async fn limits(&self, wanted: &[WantedTopic]) -> Result<HashMap<String, i32>, StreamError> {
        if wanted.is_empty() {
            return Ok(HashMap::new());
        }
        let specifiers: Vec<ResourceSpecifier<'_>> = wanted
            .iter()
            .map(|wanted| ResourceSpecifier::Topic(&wanted.topic))
            .collect();
        let described = self
            .admin
            .describe_configs(&specifiers, &admin_options())
            .await
            .map_err(StreamError::call("describe topics"))?;
        let mut limits = HashMap::new();
        for resource in described {
            let resource = resource
                .map_err(|code| StreamError::call("describe a topic")(KafkaError::AdminOp(code)))?;
            let limit = resource
                .get("max.message.bytes")
                .and_then(|entry| entry.value.as_deref())
                .and_then(|value| value.parse().ok());
            if let (Some(limit), OwnedResourceSpecifier::Topic(topic)) = (limit, resource.specifier)
            {
                limits.insert(topic, limit);
            }
        }
        Ok(limits)
    }
}

fn admin_options() -> AdminOptions {
    AdminOptions::new()
        .request_timeout(Some(ANSWER))
        .operation_timeout(Some(ANSWER))
}
