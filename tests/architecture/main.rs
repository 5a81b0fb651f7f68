//! The rules of `docs/ARCHITECTURE.md` that a compiler does not keep: which crate may
//! import which, who may name what, and what the sources may not hold.
//!
//! Each rule is a function over what was read, so that it can be shown to fail on a
//! workspace that breaks it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod arrows;
mod names;
mod sources;
mod tables;
mod workspace;

/// Fails with everything that is wrong, a line each.
#[track_caller]
fn assert_none(violations: &[String]) {
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}
