//! The relay against a real Postgres and a real Kafka, read by `kcat`. Needs
//! `DRAGOMAN_TEST_POSTGRES` and `DRAGOMAN_TEST_KAFKA`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::print_stdout, reason = "figures are for people")]

mod crashes;
mod halts;
mod outages;
mod publishing;
mod support;
