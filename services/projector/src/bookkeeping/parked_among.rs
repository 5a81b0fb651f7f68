//! Which subjects of a batch are parked.

use std::collections::HashSet;

use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};

use super::error::TargetError;
use super::followed::Followed;
use super::generation::Generation;

macro_rules! parked_among {
    ($locking:literal) => {
        concat!(
            "select parked.topic, parked.subject from dragoman_projection.parked_subjects parked
             join unnest($3::text[], $4::text[]) as wanted (topic, subject)
               on wanted.topic = parked.topic and wanted.subject = parked.subject
             where parked.projection = $1 and parked.generation = $2
             order by parked.topic, parked.subject ",
            $locking
        )
    };
}

/// The parked subjects of a generation, as they were found. Where the reader was held, nobody
/// parks one of its subjects until it is let go.
#[derive(Debug)]
pub(crate) struct Parked {
    /// All of them, each with its topic, if they are few: to look through them here costs
    /// less than to look in the table for each subject of a batch.
    few: Option<Vec<(String, String)>>,
}

impl Parked {
    /// How many rows say whether they are few.
    pub(crate) const LOOKED_AT: i64 = 101;

    /// Reads the arrays `topics` and `subjects` of [`Parked::LOOKED_AT`] rows at the most.
    pub(crate) fn of_columns(row: &PgRow) -> sqlx::Result<Self> {
        let topics: Option<Vec<String>> = row.try_get("topics")?;
        let subjects: Option<Vec<String>> = row.try_get("subjects")?;
        let found: Vec<(String, String)> = topics
            .into_iter()
            .flatten()
            .zip(subjects.into_iter().flatten())
            .collect();
        let all = i64::try_from(found.len()).is_ok_and(|found| found < Self::LOOKED_AT);
        Ok(Self {
            few: all.then_some(found),
        })
    }

    /// The subjects, with their topics, that are parked among those of a batch. Any of them
    /// may be drained at any time.
    pub(crate) async fn among(
        &self,
        connection: &mut PgConnection,
        generation: &Generation,
        events: impl IntoIterator<Item = Followed<'_>>,
    ) -> Result<HashSet<(String, String)>, TargetError> {
        let subjects = self.candidates(events);
        if self.few.is_some() || subjects.is_empty() {
            return Ok(owned(subjects));
        }
        ask(connection, generation, subjects, parked_among!("")).await
    }

    /// The same, and their rows are held until the end of the transaction, so that none of
    /// them is drained meanwhile.
    pub(crate) async fn hold_among(
        &self,
        connection: &mut PgConnection,
        generation: &Generation,
        events: impl IntoIterator<Item = Followed<'_>>,
    ) -> Result<HashSet<(String, String)>, TargetError> {
        let subjects = self.candidates(events);
        if subjects.is_empty() {
            return Ok(HashSet::new());
        }
        let holding = parked_among!("for update of parked");
        ask(connection, generation, subjects, holding).await
    }

    /// The subjects of events that may be parked.
    fn candidates<'e>(
        &self,
        events: impl IntoIterator<Item = Followed<'e>>,
    ) -> HashSet<(&'e str, &'e str)> {
        let few: Option<HashSet<(&str, &str)>> = self.few.as_ref().map(|few| {
            let few = few.iter();
            few.map(|(topic, it)| (topic.as_str(), it.as_str()))
                .collect()
        });
        events
            .into_iter()
            .map(|event| event.subject())
            .filter(|subject| few.as_ref().is_none_or(|few| few.contains(subject)))
            .collect()
    }
}

fn owned(subjects: HashSet<(&str, &str)>) -> HashSet<(String, String)> {
    subjects
        .into_iter()
        .map(|(topic, subject)| (topic.to_owned(), subject.to_owned()))
        .collect()
}

/// Those of the subjects that are parked.
async fn ask(
    connection: &mut PgConnection,
    generation: &Generation,
    subjects: HashSet<(&str, &str)>,
    asking: &'static str,
) -> Result<HashSet<(String, String)>, TargetError> {
    let (topics, subjects): (Vec<&str>, Vec<&str>) = subjects.into_iter().unzip();
    let parked: Vec<(String, String)> = sqlx::query_as(asking)
        .bind(&generation.projection)
        .bind(generation.number)
        .bind(topics)
        .bind(subjects)
        .fetch_all(connection)
        .await
        .map_err(TargetError::during("looking for parked subjects"))?;
    Ok(parked.into_iter().collect())
}
