//! A hub for a soak.

use crate::attack::wire::Wire;
use crate::{Database, Kafka, Project, shared_kafka, shared_postgres, tally};

/// The projection, and its table.
pub(super) const TABLE: &str = "tally";

/// A hub with what it stands on.
pub(super) struct Stage {
    pub(super) project: Project,
    pub(super) target: Database,
    /// The wire between the projection and its table.
    pub(super) wire: Wire,
}

impl Stage {
    /// One that makes that mistake, or none.
    pub(super) async fn set(planted: Option<&str>) -> Self {
        let postgres = shared_postgres();
        let target = Database::create(&postgres).await;
        let wire = Wire::before(&target.url());
        let projections = [(TABLE, tally(&wire.way_to(&target.url()), TABLE))];
        let kafka = Some(Kafka::at(&shared_kafka()));
        let environment = planted.map(|bug| ("DRAGOMAN_PLANTED", bug.to_owned()));
        let environment = environment.into_iter().collect();
        let project = Project::prepared(&postgres, kafka, &projections, environment, |_| {}).await;
        project.succeed(&["migrate"]);
        project.let_the_superuser_publish().await;
        Self {
            project,
            target,
            wire,
        }
    }
}
