//! `make faults SOAK=N`: N events under a storm.

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::time::Instant;

use dragoman_tests::attack::{SoakPlan, Soaked, invariant, soak};
use serde_json::{Value, json};

use crate::arguments::Arguments;
use crate::report::{REPORT, save};
use crate::run::{silence_expected_failures, text};

/// Soaks, and says what came of it. On this thread, with which every process ends.
pub(crate) fn run(arguments: &Arguments, events: u64) -> ExitCode {
    let plan = SoakPlan {
        events,
        seed: arguments.seed,
        planted: arguments.planted.clone(),
    };
    eprintln!("soak: {events} events, seed {}", plan.seed);
    silence_expected_failures();
    let started = Instant::now();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime can be made");
    let ended = std::panic::catch_unwind(AssertUnwindSafe(|| runtime.block_on(soak(&plan))));
    let seconds = started.elapsed().as_secs_f64();
    let mut scenario = match &ended {
        Ok(soaked) => scenario(soaked),
        Err(panic) => json!({ "invariant": invariant(), "flaw": text(&**panic) }),
    };
    let is_well = matches!(&ended, Ok(soaked) if soaked.wrongs.is_none());
    scenario["name"] = format!("soak of {events}").into();
    scenario["seed"] = plan.seed.into();
    scenario["seconds"] = seconds.into();
    scenario["planted"] = plan.planted.clone().into();
    scenario["as_it_must"] = (is_well == plan.planted.is_none()).into();
    let violations: Vec<&Value> = (!is_well).then_some(&scenario).into_iter().collect();
    save(&json!({
        "seed": plan.seed,
        "scenarios": [&scenario],
        "violations": violations,
    }));
    match &ended {
        Ok(soaked) => say(soaked, seconds),
        Err(panic) => eprintln!("soak: BROKEN: {}: {}", invariant(), text(&**panic)),
    }
    eprintln!("soak: {REPORT}; the same again: --seed {}", plan.seed);
    if is_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn scenario(soaked: &Soaked) -> Value {
    let wrongs = &soaked.wrongs;
    json!({
        "events": soaked.events,
        "told": {
            "ok": soaked.acknowledged,
            "refused": soaked.refused,
            "unknown": soaked.unknown,
        },
        "deaths": soaked.deaths,
        "strokes": soaked.strokes,
        "repeats": soaked.repeats,
        "lost": wrongs.lost,
        "repeated_in_effect": wrongs.repeated_in_effect,
        "reordered": wrongs.reordered,
        "uncalled": wrongs.uncalled,
        "faulty_records": wrongs.faulty_records,
        "flaws": wrongs.flaws,
        "seconds_sending": soaked.sending.as_secs_f64(),
        "seconds_draining": soaked.draining.as_secs_f64(),
        "seconds_judging": soaked.judging.as_secs_f64(),
        "most_memory_bytes": soaked.memory,
    })
}

fn say(soaked: &Soaked, seconds: f64) {
    let Soaked { wrongs, .. } = soaked;
    let sending = soaked.sending.as_secs_f64();
    eprintln!(
        "soak: {} events in {seconds:.0} s: sent in {sending:.0} s ({:.0}/s), drained in {:.0} s, judged in {:.0} s",
        soaked.events,
        soaked.acknowledged as f64 / sending,
        soaked.draining.as_secs_f64(),
        soaked.judging.as_secs_f64(),
    );
    eprintln!(
        "soak: told ok {}, refused {}, unknown {}; {} deaths; {} repeats in Kafka; {:?}",
        soaked.acknowledged,
        soaked.refused,
        soaked.unknown,
        soaked.deaths,
        soaked.repeats,
        soaked.strokes
    );
    for (role, most) in &soaked.memory {
        eprintln!("soak: {role} had {} MiB at the most", most >> 20);
    }
    for flaw in &wrongs.flaws {
        eprintln!("soak: wrong: {flaw}");
    }
    eprintln!(
        "soak: {} lost, {} repeated in effect, {} reordered, {} uncalled, {} faulty records",
        wrongs.lost,
        wrongs.repeated_in_effect,
        wrongs.reordered,
        wrongs.uncalled,
        wrongs.faulty_records
    );
}
