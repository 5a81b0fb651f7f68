//! What is lived through.

use dragoman_faults::{Bug, CrashPoint, Part};
use dragoman_ingest::AdapterKind;
use dragoman_tests::attack::{Attack, Deaths, Hit, Mood, Plan};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};

use crate::arguments::Arguments;
use crate::environment;

/// The longest that a crash may take in a quick run, about: a consumer that dies is missed
/// by its group for six seconds, each time.
const QUICK_LENGTH: u32 = 10;

/// The plans that are asked for, the long ones first.
pub(crate) fn chosen(arguments: &Arguments) -> Vec<Plan> {
    let mut random = StdRng::seed_from_u64(arguments.seed);
    let mut attacks: Vec<(Attack, Option<Bug>)> = environment::attacks(arguments)
        .into_iter()
        .map(|attack| (attack, None))
        .collect();
    attacks.extend(Bug::ALL.iter().map(|bug| (exposing(*bug), Some(*bug))));
    let mut points = CrashPoint::ALL.to_vec();
    if arguments.quick {
        leave_one_of_replay(&mut points, &mut random);
    }
    for mut crashes in points.into_iter().flat_map(crashes) {
        if arguments.quick {
            crashes.retain(|crash| length(*crash) <= QUICK_LENGTH);
            let chosen = random.random_range(0..crashes.len());
            crashes = vec![crashes[chosen]];
        }
        attacks.extend(crashes.into_iter().map(|crash| (crash, None)));
    }
    let mut plans: Vec<Plan> = attacks
        .into_iter()
        .map(|(attack, bug)| Plan {
            attack,
            bug,
            seed: match attack {
                Attack::Storm(number) => environment::seed_of_storm(arguments.seed, number),
                _ => random.random(),
            },
        })
        .filter(|plan| arguments.want(&named(plan)))
        .collect();
    plans.sort_by_key(|plan| std::cmp::Reverse(length(plan.attack)));
    plans
}

/// A quick run dies at two places of a replay already, with planted bugs in it.
fn leave_one_of_replay(points: &mut Vec<CrashPoint>, random: &mut StdRng) {
    let is_of_replay = |point: &&CrashPoint| point.part() == Part::Replay;
    let of_replay: Vec<CrashPoint> = points.iter().filter(is_of_replay).copied().collect();
    let left = of_replay.choose(random).copied();
    points.retain(|point| point.part() != Part::Replay || Some(*point) == left);
}

/// A plan as it is chosen by.
pub(crate) fn named(plan: &Plan) -> String {
    match plan.bug {
        None => plan.to_string(),
        Some(_) => format!("planted {plan}"),
    }
}

/// A point with each hit and each number of deaths; one of ingest once more for each kind
/// of adapter. What is met only once in a life, or before anything is sent, has no first,
/// middle and last hit.
fn crashes(point: CrashPoint) -> Vec<Vec<Attack>> {
    let hits: &[Hit] = match point {
        CrashPoint::ParkingMidDrain => &[Hit::First],
        _ if point.part() == Part::Migration => &[Hit::First],
        _ => &Hit::ALL,
    };
    let each = |crash: &dyn Fn(Hit, Deaths) -> Attack| -> Vec<Attack> {
        let of = |hit: &Hit| Deaths::ALL.map(|deaths| crash(*hit, deaths));
        hits.iter().flat_map(of).collect()
    };
    if point.part() != Part::Ingest {
        return vec![each(&|hit, deaths| Attack::Crash(point, hit, deaths))];
    }
    let kinds = AdapterKind::ALL.iter();
    kinds
        .map(|kind| each(&|hit, deaths| Attack::Entry(*kind, point, hit, deaths)))
        .collect()
}

/// Roughly how long it takes.
fn length(attack: Attack) -> u32 {
    match attack {
        Attack::Crash(CrashPoint::ProjectionOnRevoke, _, deaths) => 10 * deaths.count(),
        Attack::Crash(point, _, deaths) if point.part() == Part::Replay => 8 + deaths.count(),
        // Its group waits for it, and then there is much to catch up with.
        Attack::Crash(point, _, deaths)
            if matches!(
                point.part(),
                Part::Projection | Part::Parking | Part::Sending
            ) =>
        {
            6 * deaths.count()
        }
        Attack::Crash(_, _, deaths) | Attack::Entry(_, _, _, deaths) => deaths.count(),
        other => environment::length(other),
    }
}

/// The attack that shows a mistake.
fn exposing(bug: Bug) -> Attack {
    let storm = |point, hit| Attack::Crash(point, hit, Deaths::Storm);
    let twice = |point, hit| Attack::Crash(point, hit, Deaths::Twice);
    match bug {
        Bug::ConflictAsDuplicate
        | Bug::RefusedIsStored
        | Bug::PreviousPerTopic
        | Bug::OtherPartitioner
        | Bug::DropPoison
        | Bug::ParkWithoutFollowers => Attack::Nothing,
        Bug::AckBeforeCommit | Bug::DedupeCheckThenInsert | Bug::SwallowRollback => {
            Attack::InsertsHeld
        }
        Bug::SealOnlyAboveLast | Bug::MembershipWithoutSnapshot | Bug::LateOnlyWhenInFlight => {
            Attack::LateInQuiet
        }
        Bug::PublishBeforeSeal => storm(CrashPoint::RelayMidPublish, Hit::Middle),
        Bug::MaximumPerTopic => Attack::UnevenPartitions,
        Bug::MarkBeforeAck => Attack::SlowAcknowledgements,
        Bug::RecoveryWithoutTails => storm(CrashPoint::RelayAfterAckBeforeMark, Hit::Middle),
        Bug::CheckpointBeforeEffect => {
            twice(CrashPoint::ProjectionAfterEffectBeforeRecord, Hit::Middle)
        }
        Bug::EffectBeforeCheckpoint => {
            twice(CrashPoint::ProjectionAfterRecordBeforeCommit, Hit::Middle)
        }
        Bug::NoCompareAndSet => Attack::ZombieProjection,
        Bug::RetryWholeBatch => Attack::CommitAnswerLost,
        Bug::LateSealedAgain | Bug::DropWhenFull => Attack::LargeLate,
        Bug::ParkOutsideTransaction => {
            twice(CrashPoint::ParkingAfterInsertBeforeRecord, Hit::First)
        }
        Bug::KeyPerAttempt => Attack::Receiver(Mood::LosesReplies),
        Bug::NoAnswerIsSuccess | Bug::QueueWithoutLooking => Attack::Receiver(Mood::LosesRequests),
        Bug::AnyAnswerIsSuccess | Bug::QueueFromTheEnd => Attack::Receiver(Mood::Fails),
        Bug::TokenPerCaller => Attack::Receiver(Mood::Well),
        Bug::RetryOvertaken | Bug::BusyIsRefusal | Bug::RetryAfterIgnored => {
            Attack::Receiver(Mood::Throttles)
        }
        Bug::ParkTheWorld => Attack::Receiver(Mood::IsDown),
        Bug::RecordBeforeCall => {
            Attack::Crash(CrashPoint::SendingBeforeCall, Hit::Middle, Deaths::Once)
        }
        Bug::GapIgnored => Attack::RecordsLost,
        Bug::TailUnchecked => Attack::TailLost,
        Bug::SwapBeforeLevel => Attack::Rebuilt,
        Bug::ReplayBegunAnew => {
            Attack::Crash(CrashPoint::ReplayBeforeProgress, Hit::Middle, Deaths::Once)
        }
        Bug::ReplayProgressBeforeCalls => {
            Attack::Crash(CrashPoint::ReplayMidBatch, Hit::Middle, Deaths::Once)
        }
    }
}
