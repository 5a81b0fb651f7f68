//! Which parked subjects a command is about.

use clap::Args;
use dragoman_projector::ParkedSubject;

use crate::failure::{Failure, last_cause};
use crate::hub::Hub;
use crate::projections::{Projection, Projections};

/// Parked subjects, by what they have in common.
#[derive(Debug, Clone, Args)]
pub(super) struct Selection {
    /// Those of one projection
    #[arg(long, value_name = "NAME")]
    pub(super) projection: Option<String>,
    /// Those whose reason contains this text, in upper or lower case; % stands for any text
    #[arg(long, value_name = "TEXT")]
    pub(super) reason_like: Option<String>,
}

/// What was found, and which targets could not be asked.
pub(super) struct Found {
    pub(super) subjects: Vec<(Projection, ParkedSubject)>,
    unreachable: Vec<String>,
}

impl Selection {
    /// Whether it chooses anything at all.
    pub(super) const fn is_empty(&self) -> bool {
        self.projection.is_none() && self.reason_like.is_none()
    }

    /// Looks for them, by projection and first position. `subjects`: only these; none
    /// for all.
    ///
    /// # Errors
    /// When there is no such projection.
    pub(super) async fn find(&self, hub: &Hub, subjects: &[String]) -> Result<Found, Failure> {
        let projections = hub.projections()?;
        let mut found = Found {
            subjects: Vec::new(),
            unreachable: Vec::new(),
        };
        for (name, projection) in self.projections(hub, &projections)? {
            match projection.target.parked(name).await {
                Ok(parked) => found.subjects.extend(
                    parked
                        .into_iter()
                        .filter(|parked| self.covers(subjects, parked))
                        .map(|parked| (projection.clone(), parked)),
                ),
                Err(error) => found
                    .unreachable
                    .push(format!("{name}: {}", last_cause(&error))),
            }
        }
        Ok(found)
    }

    fn projections<'p>(
        &self,
        hub: &Hub,
        all: &'p Projections,
    ) -> Result<Vec<(&'p str, &'p Projection)>, Failure> {
        match &self.projection {
            None => Ok(all.iter().collect()),
            Some(name) => {
                let projection = all.get(&hub.config, name)?;
                Ok(vec![(projection.definition.name.as_str(), projection)])
            }
        }
    }

    fn covers(&self, subjects: &[String], parked: &ParkedSubject) -> bool {
        (subjects.is_empty() || subjects.contains(&parked.subject))
            && self
                .reason_like
                .as_ref()
                .is_none_or(|pattern| contains_like(&parked.reason, pattern))
    }
}

impl Found {
    /// Fails when a target could not be asked, after what was found has been dealt with.
    ///
    /// # Errors
    /// Which targets those were.
    pub(super) fn complete(&self) -> Result<(), Failure> {
        if self.unreachable.is_empty() {
            return Ok(());
        }
        Err(Failure::failed(
            format!(
                "not all projections could be asked: {}",
                self.unreachable.join("; ")
            ),
            "start their databases, or name another with --projection",
        ))
    }
}

/// Whether a text contains the parts between the `%` of a pattern, one after the
/// other, whatever their case.
fn contains_like(text: &str, pattern: &str) -> bool {
    let (text, pattern) = (text.to_lowercase(), pattern.to_lowercase());
    let mut rest = text.as_str();
    pattern.split('%').all(|part| match rest.find(part) {
        Some(at) => {
            rest = rest.get(at + part.len()..).unwrap_or_default();
            true
        }
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::contains_like;

    #[test]
    fn a_reason_is_found_by_parts_of_it() {
        let reason = "column revenue: 12.345 does not fit numeric(2,1)";
        for like in ["", "revenue", "DOES NOT FIT", "column%fit", "%numeric%"] {
            assert!(contains_like(reason, like), "{like}");
        }
        for unlike in ["sku", "fit%column", "revenue%revenue"] {
            assert!(!contains_like(reason, unlike), "{unlike}");
        }
    }
}
