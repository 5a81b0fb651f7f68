//! A failing event with followers: waited for, because few of all events are poisoned.

use crate::ORDERS;
use crate::attack::crew::Crew;
use crate::attack::life::DRAINED;
use crate::attack::stage::Stage;

/// How many events of its subject must follow it.
const FOLLOWERS: i64 = 3;

impl Stage {
    /// Waits until the log has it, whatever becomes of it then.
    pub(in crate::attack) async fn until_poisoned(&self, crew: &mut Crew<'_>) {
        let followers = format!(
            "select coalesce(max(followers), 0) from (
                 select count(*) as followers
                 from dragoman.events failing
                 join dragoman.events follower
                   on follower.subject = failing.subject and follower.type = failing.type
                  and follower.seq > failing.seq
                 where failing.type = '{ORDERS}' and failing.data like '%99999999999999.00%'
                 group by failing.seq
             ) as counted"
        );
        crew.until("a failing event has followers", DRAINED, async || {
            self.project.database.number(&followers).await >= FOLLOWERS
        })
        .await;
    }
}
