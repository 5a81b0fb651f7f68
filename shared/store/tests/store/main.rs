//! The hub's tables against a real Postgres. Needs `DRAGOMAN_TEST_POSTGRES`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod append;
mod hub;
mod portions;
mod rebase;
mod sealing;
mod whatever_commits;
