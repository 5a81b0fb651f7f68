//! What goes wrong around the hub, in a run of everything and in a quick one.

use dragoman_tests::attack::{Attack, Line, Mood, ServerFault, Weather};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};

use crate::arguments::Arguments;

/// What is in every run.
const ALWAYS: [Attack; 16] = [
    Attack::Nothing,
    Attack::LateInQuiet,
    Attack::InsertsHeld,
    Attack::SlowAcknowledgements,
    Attack::SessionsEnded,
    Attack::ClockSteps,
    Attack::CommitAnswerLost,
    Attack::HubAnswersLost,
    Attack::LargeLate,
    Attack::ZombieProjection,
    Attack::RelayKilled,
    Attack::UnevenPartitions,
    Attack::RecordsLost,
    Attack::TailLost,
    Attack::Rebuilt,
    Attack::RebuildAnswersLost,
];
/// What takes too long for a quick run.
const LONG: [Attack; 3] = [
    Attack::ReplayKilled,
    Attack::Receiver(Mood::IsDownForLong),
    Attack::Receiver(Mood::GivesNoTokens),
];
/// Storms of a run of everything.
const STORMS: u32 = 12;
/// Storms of a quick one.
const QUICK_STORMS: u32 = 1;
/// Faults of servers in a quick one, which takes five minutes and no more.
const QUICK_FAULTS: usize = 1;

/// Every attack of the environment. A quick run takes one weather of each wire, one fault
/// of a server, and fewer storms, as its seed has it.
pub(crate) fn attacks(arguments: &Arguments) -> Vec<Attack> {
    // Its own, so that it changes no other choice.
    let mut random = StdRng::seed_from_u64(arguments.seed);
    let mut attacks = ALWAYS.to_vec();
    attacks.extend(Mood::ALL.map(Attack::Receiver));
    attacks.push(Attack::ReplayKilled);
    attacks.retain(|attack| !(arguments.quick && LONG.contains(attack)));
    for line in Line::ALL {
        let weathers = if arguments.quick {
            1
        } else {
            Weather::ALL_BAD.len()
        };
        let weathers = Weather::ALL_BAD.choose_multiple(&mut random, weathers);
        attacks.extend(weathers.map(|weather| Attack::Wire(line, *weather)));
    }
    let faults = if arguments.quick {
        QUICK_FAULTS
    } else {
        ServerFault::ALL.len()
    };
    let faults = ServerFault::ALL.choose_multiple(&mut random, faults);
    let possible = faults.filter(|fault| fault.is_possible());
    attacks.extend(possible.map(|fault| Attack::Server(*fault)));
    let storms = if arguments.quick {
        QUICK_STORMS
    } else {
        STORMS
    };
    attacks.extend((1..=storms).map(Attack::Storm));
    attacks
}

/// The seed of one storm of a run. It depends on nothing else that is chosen, so that
/// `matrix "Storm 3" --seed N` is always the same storm.
pub(crate) fn seed_of_storm(run: u64, number: u32) -> u64 {
    StdRng::seed_from_u64(run.rotate_left(32) ^ u64::from(number)).random()
}

/// Roughly how long it takes.
pub(crate) fn length(attack: Attack) -> u32 {
    match attack {
        Attack::Server(ServerFault::CoordinatorMoved)
        | Attack::Receiver(Mood::IsDownForLong)
        | Attack::ReplayKilled => 40,
        Attack::ZombieProjection
        | Attack::Receiver(Mood::GivesNoTokens)
        | Attack::Server(ServerFault::ZombieRelay | ServerFault::TopicDeleted) => 20,
        Attack::Server(ServerFault::KafkaKilled) => 18,
        Attack::Storm(_) => 16,
        Attack::Wire(Line::Kafka, _) | Attack::Server(_) => 10,
        Attack::Receiver(_) => 8,
        Attack::Wire(..) | Attack::ClockSteps | Attack::RebuildAnswersLost => 6,
        _ => 2,
    }
}
