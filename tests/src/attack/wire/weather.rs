//! What a wire does to what it carries, as one state that its carrying tasks look at.

use std::time::Duration;

use tokio::sync::watch;

/// How much later everything arrives on a delayed wire, each way.
const LATER: Duration = Duration::from_millis(40);

/// What a wire does to what it carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// It carries.
    Clear,
    /// Everything arrives later, in order.
    Delayed,
    /// Every connection is closed, again and again.
    Torn,
    /// Connections are accepted and nothing is carried, in either direction. What was said
    /// meanwhile arrives when it clears, whether its speaker still waits or not.
    HalfOpen,
    /// Nothing gets to the server, and what it says arrives.
    BlackThere,
    /// Nothing gets back from the server, which does what it is told.
    BlackBack,
    /// Connections that there are never carry anything again and are never closed, as if a
    /// firewall had forgotten them. New ones work.
    Forgotten,
}

impl Weather {
    /// All of the bad ones.
    pub const ALL_BAD: [Self; 6] = [
        Self::Delayed,
        Self::Torn,
        Self::HalfOpen,
        Self::BlackThere,
        Self::BlackBack,
        Self::Forgotten,
    ];

    /// The bad ones that pass. Connections that were forgotten do not come back.
    pub const BAD: [Self; 5] = [
        Self::Delayed,
        Self::Torn,
        Self::HalfOpen,
        Self::BlackThere,
        Self::BlackBack,
    ];
}

/// Which way something goes on a wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    There,
    Back,
}

/// The weather of a wire, with what it has done to connections.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sky {
    weather: Weather,
    /// Connections that were made before so many others are closed.
    closed_before: u64,
    /// Connections that were made before so many others are forgotten.
    forgotten_before: u64,
    /// Connections that were made.
    made: u64,
}

impl Sky {
    pub(super) const fn clear() -> Self {
        Self {
            weather: Weather::Clear,
            closed_before: 0,
            forgotten_before: 0,
            made: 0,
        }
    }

    pub(super) fn set(&mut self, weather: Weather) {
        self.weather = weather;
        match weather {
            Weather::Torn => self.closed_before = self.made,
            Weather::Forgotten => self.forgotten_before = self.made,
            _ => {}
        }
    }

    /// Tears once more, if it is the weather for it.
    pub(super) fn tear(&mut self) -> bool {
        let tears = self.weather == Weather::Torn;
        if tears {
            self.closed_before = self.made;
        }
        tears
    }

    fn carries(&self, connection: u64, way: Way) -> bool {
        let stopped = match self.weather {
            Weather::HalfOpen => true,
            Weather::BlackThere => way == Way::There,
            Weather::BlackBack => way == Way::Back,
            _ => false,
        };
        !stopped && connection >= self.forgotten_before
    }
}

/// The weather as one connection meets it.
#[derive(Debug, Clone)]
pub(super) struct Outlook {
    sky: watch::Receiver<Sky>,
    connection: u64,
}

impl Outlook {
    /// That of a connection that is being made.
    pub(super) fn of_next(sky: &watch::Sender<Sky>) -> Self {
        let mut connection = 0;
        sky.send_modify(|sky| {
            connection = sky.made;
            sky.made += 1;
        });
        Self {
            sky: sky.subscribe(),
            connection,
        }
    }

    /// How long something takes that is said now.
    pub(super) fn delay(&self) -> Duration {
        match self.sky.borrow().weather {
            Weather::Delayed => LATER,
            _ => Duration::ZERO,
        }
    }

    /// Returns when something may go that way.
    pub(super) async fn until_it_carries(&mut self, way: Way) {
        let connection = self.connection;
        self.until(|sky| sky.carries(connection, way)).await;
    }

    /// Returns when the connection is to be closed.
    pub(super) async fn until_it_is_torn(&mut self) {
        let connection = self.connection;
        self.until(|sky| connection < sky.closed_before).await;
    }

    async fn until(&mut self, is_so: impl FnMut(&Sky) -> bool) {
        if self.sky.wait_for(is_so).await.is_err() {
            // The wire has gone, and its tasks go with it.
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Sky, Way, Weather};

    #[test]
    fn each_weather_stops_what_it_says() {
        let carries = |weather| {
            let mut sky = Sky::clear();
            sky.made = 1;
            sky.set(weather);
            [(0, Way::There), (0, Way::Back), (1, Way::There)]
                .map(|(connection, way)| sky.carries(connection, way))
        };
        assert_eq!(carries(Weather::Clear), [true, true, true]);
        assert_eq!(carries(Weather::HalfOpen), [false, false, false]);
        assert_eq!(carries(Weather::BlackThere), [false, true, false]);
        assert_eq!(carries(Weather::BlackBack), [true, false, true]);
        assert_eq!(carries(Weather::Forgotten), [false, false, true]);
    }

    #[test]
    fn what_was_forgotten_stays_so() {
        let mut sky = Sky::clear();
        sky.made = 1;
        sky.set(Weather::Forgotten);
        sky.set(Weather::Clear);
        assert!(!sky.carries(0, Way::Back));
    }
}
