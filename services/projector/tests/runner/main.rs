//! Projections at work against a real Postgres and a real Kafka. Needs
//! `DRAGOMAN_TEST_POSTGRES`, `DRAGOMAN_TEST_KAFKA` and `DRAGOMAN_TEST_KAFKA_LIBS`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod answers;
mod decided;
mod folding;
mod gaps;
mod kafka;
mod ledger;
mod moving;
mod operators;
mod outages;
mod parked;
mod poison;
mod rebuilding;
mod sending;
mod support;
