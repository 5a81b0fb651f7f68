//! The partition that the hub gives a subject is the one that Kafka's Java client gives
//! a record with that key: whoever writes to the same topics by it meets our order.

use std::process::Command;

use dragoman_core::{partition_for, subject_hash};
use dragoman_tests::kafka_libraries;
use rand::Rng as _;

/// Alphabets of one, two, three and four bytes a letter in UTF-8, and the letters that
/// programs like to stumble over.
const LETTERS: [&str; 5] = [
    "abcdefghijklmnopqrstuvwxyz0123456789",
    "äöüßéñжщяΩλ",
    "日本語한국어€",
    "🦉𝄞😀𓂀",
    " -_./:@#\"'\\%",
];

#[test]
fn partitions_are_those_of_the_java_client() {
    let keys: Vec<String> = (0..1_000).map(|_| random_key()).collect();
    for partitions in [1, 8, 37] {
        let ours: Vec<i32> = keys
            .iter()
            .map(|key| partition_for(subject_hash(key), partitions))
            .collect();
        assert_eq!(ours, partitions_by_java(&keys, partitions), "{keys:?}");
    }
}

fn random_key() -> String {
    let mut random = rand::rng();
    let letters: Vec<char> = LETTERS[random.random_range(0..LETTERS.len())]
        .chars()
        .chain(LETTERS[0].chars())
        .collect();
    (0..random.random_range(1..40))
        .map(|_| letters[random.random_range(0..letters.len())])
        .collect()
}

fn partitions_by_java(keys: &[String], partitions: i32) -> Vec<i32> {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/integration/Partitions.java");
    let input = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(input.path(), keys.join("\n")).unwrap();
    let output = Command::new("java")
        .args([
            "-XX:TieredStopAtLevel=1",
            "-cp",
            &kafka_libraries(),
            program,
        ])
        .arg(partitions.to_string())
        .stdin(input.reopen().unwrap())
        .output()
        .expect("there is java");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.parse().unwrap()).collect()
}
