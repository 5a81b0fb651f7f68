//! How far the courier has come: for waiting, as the hub says; the judges ask the receiver.

use std::collections::BTreeMap;

use super::COURIER;
use super::mood::Mood;
use super::outage::{LONG, SHORT};
use crate::attack::crew::Crew;
use crate::attack::life::{AT_WORK, DRAINED};
use crate::attack::stage::Stage;

/// How many effects there are when it is at work, and when that was enough.
const AT_WORK_FROM: usize = 20;
const ENOUGH_EFFECTS: usize = 200;
/// How many calls have gone wrong when that was enough.
const ENOUGH_TROUBLES: usize = 20;
/// How many pauses the receiver has asked for when that was enough.
const ENOUGH_PAUSES: usize = 2;
/// How many events of a subject wait when enough do.
const FOLLOWERS: i64 = 4;
/// The longest queue of a parked subject.
const LONGEST_QUEUE: &str = "select coalesce(max(waiting), 0) from (
         select count(*) as waiting from dragoman_projection.parked_events
         where projection = 'courier' group by subject
     ) as counted";
/// Parked subjects that are tried again by themselves.
const TRIED_AGAIN: &str = "select count(*) from dragoman_projection.parked_subjects
     where projection = 'courier' and state = 'retrying'";

impl Stage {
    /// Lets the receiver have its mood for a while.
    pub(in crate::attack) async fn bear(&self, crew: &mut Crew<'_>, mood: Mood) {
        let receiver = self.receiver.as_ref().expect("a receiver");
        crew.until("the receiver has acted", AT_WORK, async || {
            receiver.notes(|notes| notes.effects().count()) >= AT_WORK_FROM
        })
        .await;
        match mood {
            Mood::IsDown => return self.outage(crew, receiver, &SHORT).await,
            Mood::IsDownForLong => return self.outage(crew, receiver, &LONG).await,
            Mood::GivesNoTokens => return self.outage_of_tokens(crew, receiver).await,
            _ => {}
        }
        crew.until("the mood has shown", AT_WORK, async || match mood {
            Mood::Refuses => self.project.database.number(LONGEST_QUEUE).await >= FOLLOWERS,
            Mood::Throttles => receiver.notes(|notes| notes.has_paused(ENOUGH_PAUSES)),
            Mood::Well | Mood::IsDown | Mood::IsDownForLong | Mood::GivesNoTokens => {
                receiver.notes(|notes| notes.effects().count()) >= ENOUGH_EFFECTS
            }
            Mood::LosesReplies | Mood::LosesRequests | Mood::Fails => {
                receiver.notes(|notes| notes.troubles) >= ENOUGH_TROUBLES
            }
        })
        .await;
    }

    /// Waits until the courier has done with every order of the log.
    pub(in crate::attack) async fn until_delivered(&self, crew: &mut Crew<'_>) {
        if self.receiver.is_none() {
            return;
        }
        let ends = self.ends_of_partitions().await;
        crew.until(
            "the courier has done with every order",
            DRAINED,
            async || self.courier_is_done(&ends).await,
        )
        .await;
    }

    /// Waits until nothing is tried again by itself.
    pub(super) async fn until_nothing_is_tried(&self, crew: &mut Crew<'_>) {
        crew.until("nothing is tried again by itself", DRAINED, async || {
            self.project.database.number(TRIED_AGAIN).await == 0
        })
        .await;
    }

    pub(super) async fn courier_is_done(&self, ends: &BTreeMap<i32, i64>) -> bool {
        let database = &self.project.database;
        self.is_read_by(database, COURIER, ends).await && database.number(TRIED_AGAIN).await == 0
    }
}
