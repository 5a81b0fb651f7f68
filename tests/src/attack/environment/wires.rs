//! Bad weather on the way to a server, and answers that get lost there.

use std::time::Duration;

use crate::attack::crew::Crew;
use crate::attack::life::DRAINED;
use crate::attack::stage::Stage;
use crate::attack::wire::{Asked, Weather};

/// The server that a wire leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// From every process of the hub to its own database.
    Hub,
    /// From the projection to the database of its table.
    Target,
    /// From the relay and the projection to Kafka.
    Kafka,
}

impl Line {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Hub, Self::Target, Self::Kafka];
}

/// How long bad weather lasts.
const LASTS: Duration = Duration::from_secs(4);
/// How long connections have to be made before they are forgotten again.
const CONNECTED: Duration = Duration::from_secs(1);

impl Stage {
    pub(in crate::attack) async fn bad_weather(
        &self,
        crew: &mut Crew<'_>,
        line: Line,
        weather: Weather,
    ) {
        let wire = self.wire(line);
        if weather == Weather::Forgotten {
            for _ in 0..3 {
                wire.set(weather);
                self.pass(crew, CONNECTED).await;
            }
        } else {
            wire.set(weather);
            self.pass(crew, LASTS).await;
        }
        wire.set(Weather::Clear);
    }

    /// Loses answers to commits one after the other.
    pub(in crate::attack) async fn lose_answers(
        &self,
        crew: &mut Crew<'_>,
        line: Line,
        asked: &[Asked],
    ) {
        let wire = self.wire(line);
        for asked in asked {
            wire.lose(*asked, 1);
            crew.until("an answer was lost", DRAINED, async || !wire.is_to_lose())
                .await;
            self.pass(crew, Duration::from_millis(300)).await;
        }
    }
}
