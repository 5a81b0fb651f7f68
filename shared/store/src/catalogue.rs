//! What may enter the log, by which door, and how large.

use dragoman_core::Event;
use thiserror::Error;

use crate::{Store, StoreError};

/// What a topic takes before a broker was asked: the broker's own default.
pub const DEFAULT_MAX_MESSAGE_BYTES: i32 = 1_048_576;

/// One type of event that may enter the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogueEntry {
    /// The type.
    pub event_type: String,
    /// The topic that it is published to.
    pub topic: String,
    /// Its JSON Schema, as text.
    pub schema: Option<String>,
    /// What it means, for people.
    pub description: String,
}

/// A topic, and what the broker was seen to say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicRecord {
    /// Its name.
    pub topic: String,
    /// How many partitions it has; `None` until the relay has met it.
    pub partitions: Option<i32>,
    /// The largest record that it takes.
    pub max_message_bytes: i32,
}

/// How events of a source come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Door {
    /// The CloudEvents API.
    Api,
    /// A webhook adapter.
    Webhook,
    /// `dragoman.publish()`.
    Sql,
}

impl Door {
    /// Its name in the tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Webhook => "webhook",
            Self::Sql => "sql",
        }
    }
}

/// Why the catalogue could not be written.
#[derive(Debug, Error)]
pub enum CatalogueError {
    /// The source comes in by another door already.
    #[error(
        "source {source_name} already comes in by {door} ({holder}); a source has one door: give {wanted_by} a source of its own"
    )]
    OtherDoor {
        /// The source.
        source_name: String,
        /// The door that it has.
        door: String,
        /// Who opened that.
        holder: String,
        /// Who wanted another.
        wanted_by: String,
    },
    /// The database did not take it.
    #[error("the catalogue could not be written")]
    Store(#[source] StoreError),
}

/// What a record of this event takes in Kafka at the most: payload, key and
/// headers. `dragoman.publish()` reckons the same way; what is above the topic's
/// limit is refused at the door, because a broker that refuses it later would stop
/// its whole partition.
#[must_use]
pub fn record_bytes(event: &Event) -> usize {
    let extensions: usize = event
        .extensions
        .iter()
        .map(|(name, value)| name.len() + value.len() + 16)
        .sum();
    event.data.len()
        + 2 * event.subject.len()
        + event.event_type.len()
        + event.source.len()
        + event.id.len()
        + event.traceparent.as_ref().map_or(0, String::len)
        + extensions
        + 512
}

impl Store {
    /// Makes the catalogue equal to the configuration: new types and topics are
    /// added, changed ones changed, types that are gone are kept as inactive,
    /// because the log may hold events of them. One transaction.
    ///
    /// # Errors
    /// When the database does not take it; the catalogue is unchanged then.
    pub async fn synchronise_catalogue(
        &self,
        entries: &[CatalogueEntry],
    ) -> Result<(), StoreError> {
        let column =
            |pick: fn(&CatalogueEntry) -> String| entries.iter().map(pick).collect::<Vec<_>>();
        let topics = column(|entry| entry.topic.clone());
        let types = column(|entry| entry.event_type.clone());
        let schemas: Vec<Option<String>> =
            entries.iter().map(|entry| entry.schema.clone()).collect();
        let descriptions = column(|entry| entry.description.clone());
        let during = || StoreError::during("synchronising the catalogue");
        let mut transaction = self.pool.begin().await.map_err(during())?;
        sqlx::query("lock table dragoman.event_types in share row exclusive mode")
            .execute(&mut *transaction)
            .await
            .map_err(during())?;
        sqlx::query(
            "insert into dragoman.topics (topic)
             select distinct topic from unnest($1::text[]) as wanted (topic)
             on conflict do nothing",
        )
        .bind(&topics)
        .execute(&mut *transaction)
        .await
        .map_err(during())?;
        sqlx::query(
            "insert into dragoman.event_types (type, topic, schema, description)
             select * from unnest($1::text[], $2::text[], $3::text[], $4::text[])
             on conflict (type) do update
                set topic = excluded.topic, schema = excluded.schema,
                    description = excluded.description, active = true
              where (event_types.topic, event_types.schema, event_types.description, event_types.active)
                    is distinct from (excluded.topic, excluded.schema, excluded.description, true)",
        )
        .bind(&types)
        .bind(&topics)
        .bind(&schemas)
        .bind(&descriptions)
        .execute(&mut *transaction)
        .await
        .map_err(during())?;
        sqlx::query(
            "update dragoman.event_types set active = false
             where active and type <> all ($1::text[])",
        )
        .bind(&types)
        .execute(&mut *transaction)
        .await
        .map_err(during())?;
        transaction.commit().await.map_err(during())
    }

    /// Every type that ever was in the catalogue, those that are gone too, by name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn catalogue(&self) -> Result<Vec<CatalogueEntry>, StoreError> {
        let rows: Vec<(String, String, Option<String>, String)> = sqlx::query_as(
            "select type, topic, schema, description from dragoman.event_types order by type",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::during("reading the catalogue"))?;
        Ok(rows
            .into_iter()
            .map(|(event_type, topic, schema, description)| CatalogueEntry {
                event_type,
                topic,
                schema,
                description,
            })
            .collect())
    }

    /// Every topic, by name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn topics(&self) -> Result<Vec<TopicRecord>, StoreError> {
        let rows: Vec<(String, Option<i32>, i32)> = sqlx::query_as(
            "select topic, partitions, max_message_bytes from dragoman.topics order by topic",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(StoreError::during("reading the topics"))?;
        Ok(rows
            .into_iter()
            .map(|(topic, partitions, max_message_bytes)| TopicRecord {
                topic,
                partitions,
                max_message_bytes,
            })
            .collect())
    }

    /// Records what the broker says of a topic. A partition count that is recorded
    /// already stays as it is: the caller compares, and halts when they differ.
    /// Returns the record as it then stands.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn record_topic(
        &self,
        topic: &str,
        partitions: i32,
        max_message_bytes: i32,
    ) -> Result<TopicRecord, StoreError> {
        let (topic, partitions, max_message_bytes) = sqlx::query_as(
            "insert into dragoman.topics (topic, partitions, max_message_bytes) values ($1, $2, $3)
             on conflict (topic) do update
                set partitions = coalesce(topics.partitions, excluded.partitions),
                    max_message_bytes = excluded.max_message_bytes
             returning topic, partitions, max_message_bytes",
        )
        .bind(topic)
        .bind(partitions)
        .bind(max_message_bytes)
        .fetch_one(&self.pool)
        .await
        .map_err(StoreError::during("recording a topic"))?;
        Ok(TopicRecord {
            topic,
            partitions,
            max_message_bytes,
        })
    }

    /// Says that events of `source` come in by `door`, opened by `name` (an adapter,
    /// key or role). Saying it again is fine.
    ///
    /// # Errors
    /// [`CatalogueError::OtherDoor`] when the source has another.
    pub async fn claim_source(
        &self,
        source: &str,
        door: Door,
        name: &str,
    ) -> Result<(), CatalogueError> {
        let (held, holder): (String, String) = sqlx::query_as(
            "with claimed as (
                 insert into dragoman.sources (source, door, name) values ($1, $2, $3)
                 on conflict (source) do update set source = excluded.source
                 returning door, name
             )
             select door, name from claimed",
        )
        .bind(source)
        .bind(door.as_str())
        .bind(name)
        .fetch_one(&self.pool)
        .await
        .map_err(StoreError::during("claiming a source"))
        .map_err(CatalogueError::Store)?;
        if held == door.as_str() {
            return Ok(());
        }
        Err(CatalogueError::OtherDoor {
            source_name: source.to_owned(),
            door: held,
            holder,
            wanted_by: name.to_owned(),
        })
    }
}
