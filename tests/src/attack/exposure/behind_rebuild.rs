//! A rebuild that is overtaken: while it waits for the live table, events take effect
//! there that it has not built.

use crate::applied;
use crate::attack::crew::Crew;
use crate::attack::life::{DRAINED, TABLE};
use crate::attack::stage::Stage;

use super::Holder;

/// How many events take effect while it waits.
const OVERTAKING: i64 = 20;

impl Stage {
    pub(in crate::attack) async fn overtake_rebuild(&self, crew: &mut Crew<'_>) {
        // Applies share the row, too, and pass.
        let share = format!(
            "select from dragoman_projection.generations
             where projection = '{TABLE}' and state = 'live' for key share"
        );
        let mut holder = Holder::of(&self.target, share).await;
        let mut rebuild = self.project.rebuilding(TABLE);
        crew.until(
            "the rebuild waits for the live table",
            DRAINED,
            async || holder.waiting().await > 0,
        )
        .await;
        let before = applied(&self.target, TABLE).await;
        crew.until("events take effect before it", DRAINED, async || {
            applied(&self.target, TABLE).await >= before + OVERTAKING
        })
        .await;
        holder.let_go().await;
        let ended = rebuild.ended().await;
        assert!(ended.success(), "the rebuild ended badly: {ended}");
    }
}
