//! What can go wrong between the hub and Kafka.

use rdkafka::error::KafkaError;
use thiserror::Error;

use dragoman_core::Position;

use crate::SettingProblem;

/// What the Kafka client said, kept whole as the cause of an error.
#[derive(Debug, Error)]
#[error(transparent)]
pub struct ClientFailure(#[from] KafkaError);

/// A failed dealing with Kafka. [`StreamError::is_unavailable`] tells what
/// waiting may cure from what somebody has to mend.
#[derive(Debug, Error)]
pub enum StreamError {
    /// The settings under `kafka:` make no client.
    #[error(
        "the Kafka settings make no client; look at `security` and `properties` under `kafka:`"
    )]
    Settings {
        /// What the client refused.
        #[source]
        source: ClientFailure,
    },
    /// A setting that cannot be, found before any client was made.
    #[error("{problem}")]
    Setting {
        /// Which, why, and what to do.
        problem: SettingProblem,
    },
    /// A call to the broker did not succeed.
    #[error("Kafka did not answer as it should when asked to {action}")]
    Call {
        /// What was asked for, as a verb phrase.
        action: String,
        /// What the client said.
        #[source]
        source: ClientFailure,
    },
    /// A topic could not be created.
    #[error(
        "topic {topic} could not be created ({reason}); create it by hand, or change `kafka.topics`"
    )]
    TopicRefused {
        /// The topic.
        topic: String,
        /// The broker's error code in words.
        reason: String,
    },
    /// A record was refused before it was sent, or the broker refused it.
    #[error(
        "the event at position {position} was not accepted by partition {partition} of topic {topic}"
    )]
    Delivery {
        /// The topic.
        topic: String,
        /// The partition within it.
        partition: i32,
        /// The event.
        position: Position,
        /// What the client or the broker said.
        #[source]
        source: ClientFailure,
    },
    /// The client gave itself up: nothing more can be sent or read through it.
    #[error("the Kafka client stopped for good: {reason}")]
    Fatal {
        /// Its own explanation.
        reason: String,
    },
    /// A thread of the client ended without saying why.
    #[error("the thread that talks to Kafka ended unexpectedly; start the process again")]
    ThreadLost,
}

impl StreamError {
    /// Whether this may pass by itself: Kafka away, slow, or electing leaders.
    /// The caller waits and tries again; everything else needs a person.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        use rdkafka::types::RDKafkaErrorCode as Code;
        let source = match self {
            Self::Call { source, .. } => source,
            Self::Settings { .. }
            | Self::Setting { .. }
            | Self::TopicRefused { .. }
            | Self::Delivery { .. }
            | Self::Fatal { .. }
            | Self::ThreadLost => return false,
        };
        let refused = matches!(
            source.0.rdkafka_error_code(),
            Some(
                Code::TopicAuthorizationFailed
                    | Code::GroupAuthorizationFailed
                    | Code::ClusterAuthorizationFailed
                    | Code::UnsupportedVersion
                    | Code::InvalidConfig
                    | Code::PolicyViolation
            )
        );
        !refused
    }

    pub(crate) fn call(action: impl Into<String>) -> impl FnOnce(KafkaError) -> Self {
        let action = action.into();
        move |source| Self::Call {
            action,
            source: source.into(),
        }
    }
}
