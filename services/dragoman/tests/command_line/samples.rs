//! A sample that does not give what it should.

use crate::support::{dragoman, shown};

#[test]
fn a_failed_sample_is_told_and_ends_with_3() {
    let folder = tempfile::tempdir().unwrap();
    let made = dragoman(folder.path()).arg("init").output().unwrap();
    assert!(made.status.success(), "{}", shown(&made));
    let sample = folder.path().join("samples/supplier/receipt.events.json");
    let text = std::fs::read_to_string(&sample).unwrap();
    std::fs::write(&sample, text.replace("12", "13")).unwrap();
    let output = dragoman(folder.path()).arg("check").output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    insta::assert_snapshot!("failed-sample", String::from_utf8_lossy(&output.stderr));
    let output = dragoman(folder.path())
        .args(["check", "--json"])
        .output()
        .unwrap();
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["failed_samples"].as_array().unwrap().len(), 1);
}
