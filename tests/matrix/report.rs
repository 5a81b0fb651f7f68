//! `target/faults/report.json`, and the last words.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::arguments::Arguments;
use crate::plans::named;
use crate::run::Ended;

/// Where it goes, from the workspace's root.
pub(crate) const REPORT: &str = "target/faults/report.json";

/// Writes the report, and says how it ended.
pub(crate) fn write(arguments: &Arguments, ended: &[Ended]) -> ExitCode {
    let scenarios: Vec<Value> = ended.iter().map(scenario).collect();
    let planted: Vec<&Ended> = ended.iter().filter(|one| one.plan.bug.is_some()).collect();
    let caught = planted.iter().filter(|one| one.is_well()).count();
    let wrong: Vec<&Ended> = ended.iter().filter(|one| !one.is_well()).collect();
    let report = json!({
        "seed": arguments.seed,
        "quick": arguments.quick,
        "scenarios": scenarios,
        "violations": wrong.iter().map(|one| scenario(one)).collect::<Vec<_>>(),
        "planted": planted.len(),
        "caught": caught,
    });
    save(&report);
    eprintln!(
        "faults: {} lives, {} as they must end; {caught} of {} planted bugs caught; {REPORT}",
        ended.len(),
        ended.len() - wrong.len(),
        planted.len()
    );
    for one in &wrong {
        eprintln!("faults: wrong: {}", named(&one.plan));
    }
    if wrong.is_empty() {
        ExitCode::SUCCESS
    } else {
        eprintln!("faults: the same again: --seed {}", arguments.seed);
        ExitCode::FAILURE
    }
}

/// Writes it to where reports are.
pub(crate) fn save(report: &Value) {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(REPORT);
    let folder = file.parent().expect("a folder");
    std::fs::create_dir_all(folder).expect("a folder can be made");
    let text = serde_json::to_string_pretty(report).expect("JSON can be written");
    std::fs::write(&file, text).expect("the report can be written");
}

fn scenario(ended: &Ended) -> Value {
    let mut scenario = json!({
        "name": named(&ended.plan),
        "seed": ended.plan.seed,
        "seconds": ended.took.as_secs_f64(),
        "lives": ended.lives,
        "planted": ended.plan.bug.map(dragoman_faults::Bug::name),
        "as_it_must": ended.is_well(),
    });
    if let Some(storm) = ended.plan.storm() {
        scenario["storm"] = storm.to_string().into();
    }
    match &ended.how {
        Ok(survived) => {
            scenario["events"] = survived.events.into();
            scenario["deaths"] = survived.deaths.into();
            scenario["repeats"] = survived.repeats.into();
        }
        Err(broken) => {
            scenario["invariant"] = broken.invariant.into();
            scenario["flaw"] = broken.flaw.clone().into();
        }
    }
    scenario
}
