//! Much that goes wrong together, drawn from a seed: first which kinds of mischief there
//! are (a storm that always did everything would hide what only some of it brings about),
//! then one act after the other. What is drawn never depends on what happened, so that the
//! seed says all of it.

mod act;
mod deed;

use std::fmt;
use std::time::Duration;

use dragoman_faults::{CrashPoint, Part};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};

use super::environment::Line;
use super::wire::{Asked, Weather};

pub(super) use act::Act;
pub(super) use deed::Deed;
use deed::Who;

/// How long a storm of a life lasts.
const LASTS: Duration = Duration::from_secs(8);
/// How long servers are left alone when one was started again: that takes seconds.
const SPARED: Duration = Duration::from_secs(8);
/// How much of all mischief is in a storm.
const SHARE: f64 = 0.45;

/// A kind of mischief.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mischief {
    Kills,
    CrashPoints,
    SessionsEnded,
    AnswersLost,
    Weather(Line),
    FrozenRelay,
    ComingAndGoing,
    Rebuilds,
    PostgresRestarts,
    KafkaRestarts,
}

impl Mischief {
    const ALL: [Self; 12] = [
        Self::Kills,
        Self::CrashPoints,
        Self::SessionsEnded,
        Self::AnswersLost,
        Self::Weather(Line::Hub),
        Self::Weather(Line::Target),
        Self::Weather(Line::Kafka),
        Self::FrozenRelay,
        Self::ComingAndGoing,
        Self::Rebuilds,
        Self::PostgresRestarts,
        Self::KafkaRestarts,
    ];
}

/// Acts without an end, drawn from a seed.
#[derive(Debug, Clone)]
pub struct Storm {
    random: StdRng,
    mischief: Vec<Mischief>,
    /// Where processes die when they are told to.
    point: Option<CrashPoint>,
    /// When the last act was, from the beginning.
    last: Duration,
    /// The lines whose weather is bad, and whether the relay is frozen.
    bad: Vec<Line>,
    frozen: bool,
    /// From when on a server may be killed.
    spared_until: Duration,
    /// How many instances of the projection have come and not gone.
    guests: u32,
}

impl Storm {
    /// The storm of a seed.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let mut mischief: Vec<Mischief> = Mischief::ALL
            .into_iter()
            .filter(|_| random.random_bool(SHARE))
            .collect();
        if mischief.is_empty() {
            mischief.push(Mischief::Kills);
        }
        let points: Vec<CrashPoint> = CrashPoint::ALL
            .iter()
            .copied()
            .filter(|point| {
                !matches!(
                    point.part(),
                    Part::Rebuild | Part::Migration | Part::Sending
                )
            })
            .collect();
        let point = points.choose(&mut random).copied();
        let armed = mischief.contains(&Mischief::CrashPoints);
        Self {
            random,
            mischief,
            point: point.filter(|_| armed),
            last: Duration::ZERO,
            bad: Vec::new(),
            frozen: false,
            spared_until: Duration::ZERO,
            guests: 0,
        }
    }

    /// What happens in a life.
    pub(super) fn acts(self) -> Vec<Act> {
        self.take_while(|act| act.at < LASTS).collect()
    }

    /// Where processes die when they are told to.
    pub(super) const fn point(&self) -> Option<CrashPoint> {
        self.point
    }

    pub(super) fn restarts_postgres(&self) -> bool {
        self.mischief.contains(&Mischief::PostgresRestarts)
    }

    pub(super) fn needs_broker(&self) -> bool {
        [Mischief::KafkaRestarts, Mischief::Weather(Line::Kafka)]
            .iter()
            .any(|kind| self.mischief.contains(kind))
    }

    /// Whether another relay stands by.
    pub(super) fn freezes_relay(&self) -> bool {
        self.mischief.contains(&Mischief::FrozenRelay)
    }

    fn draw(&mut self) -> Deed {
        let kind = *self
            .mischief
            .choose(&mut self.random)
            .unwrap_or(&Mischief::Kills);
        match kind {
            Mischief::Kills => Deed::Kill(self.one_of(&Who::ALL)),
            Mischief::CrashPoints => Deed::Arm,
            Mischief::SessionsEnded => Deed::EndSessions(self.one_of(&[Line::Hub, Line::Target])),
            Mischief::AnswersLost => {
                let (line, asked) = self.one_of(&[
                    (Line::Hub, Asked::Seal),
                    (Line::Hub, Asked::Append),
                    (Line::Target, Asked::Commit),
                ]);
                Deed::LoseAnswer(line, asked)
            }
            Mischief::Weather(line) => self.turn(line),
            Mischief::FrozenRelay => {
                self.frozen = !self.frozen;
                if self.frozen {
                    Deed::FreezeRelay
                } else {
                    Deed::WakeRelay
                }
            }
            Mischief::ComingAndGoing => {
                let goes = self.guests > 0 && self.random.random_bool(0.6);
                if goes {
                    self.guests -= 1;
                    Deed::InstanceGoes
                } else {
                    self.guests += 1;
                    Deed::InstanceComes
                }
            }
            Mischief::Rebuilds => Deed::Rebuild,
            Mischief::PostgresRestarts | Mischief::KafkaRestarts
                if self.last < self.spared_until =>
            {
                Deed::Kill(self.one_of(&Who::ALL))
            }
            Mischief::PostgresRestarts => Deed::KillPostgres(self.while_away()),
            Mischief::KafkaRestarts => Deed::KillKafka(self.while_away()),
        }
    }

    /// Bad weather follows on good, and good on bad.
    fn turn(&mut self, line: Line) -> Deed {
        let known = self.bad.iter().position(|bad| *bad == line);
        if let Some(known) = known {
            self.bad.swap_remove(known);
            return Deed::Weather(line, Weather::Clear);
        }
        let weather = self.one_of(&Weather::BAD);
        self.bad.push(line);
        Deed::Weather(line, weather)
    }

    fn while_away(&mut self) -> Duration {
        self.spared_until = self.last + SPARED;
        Duration::from_millis(self.random.random_range(100..1_500))
    }

    fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.random.random_range(0..of.len())]
    }
}

impl Iterator for Storm {
    type Item = Act;

    fn next(&mut self) -> Option<Act> {
        self.last += Duration::from_millis(self.random.random_range(50..800));
        let deed = self.draw();
        Some(Act {
            at: self.last,
            deed,
        })
    }
}

impl fmt::Display for Storm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "of {:?}", self.mischief)?;
        if let Some(point) = self.point {
            write!(formatter, ", at {}", point.name())?;
        }
        self.clone()
            .acts()
            .iter()
            .try_for_each(|act| write!(formatter, "; {act}"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Deed, Line, Storm, Weather};

    #[test]
    fn a_seed_is_a_storm() {
        let said = |seed| Storm::from_seed(seed).to_string();
        assert_eq!(said(17), said(17));
        assert_ne!(said(17), said(18));
    }

    #[test]
    fn every_kind_of_mischief_comes_about() {
        let storms: Vec<Storm> = (0..60).map(Storm::from_seed).collect();
        for kind in super::Mischief::ALL {
            let with = storms.iter().filter(|storm| storm.mischief.contains(&kind));
            let with = with.count();
            assert!((10..50).contains(&with), "{kind:?} is in {with} of 60");
        }
    }

    #[test]
    fn weather_changes_between_good_and_bad() {
        let kafka = |act: super::Act| match act.deed {
            Deed::Weather(Line::Kafka, weather) => Some(weather),
            _ => None,
        };
        let storm = (0..)
            .map(Storm::from_seed)
            .find(Storm::needs_broker)
            .expect("some storm has it");
        for (place, weather) in storm.take(500).filter_map(kafka).enumerate() {
            assert_eq!(weather == Weather::Clear, place % 2 == 1);
        }
    }
}
