//! The order flow: a hub as a newcomer would set it up (`hub/`), and the world around
//! it. Every system counts by itself what it did, and the hub's account is held against it.
//!
//! ```text
//!   shop      ── HTTP, 27 connections ─►┐             ┌─► payment gateway ─┐ signed webhooks,
//!   warehouse ── SQL, own transactions ►│             ├─► ERP ─────────────┤ XML advices
//!        ┌── webhooks, advices ────────►│ the hub     ├─► CRM, notification│
//!        │                              │ (processes) ├─► stock, sales,    │
//!        │                              │             │   order_state      │
//!        │                              └─────────────┴─► fulfilment team  │
//!        └─────────────────────────────────────────────────────────────────┘
//! ```

mod books;
mod cast;
mod counters;
mod deeds;
mod doors;
mod folder;
mod goods;
mod house;
mod judge;
mod mend;
mod options;
mod order_states;
mod orders;
mod outside;
mod parked;
mod plan;
mod play;
mod rebuild;
mod record;
mod screen;
mod secrets;
mod services;
mod shop;
mod standing;
mod status;
mod stranger;
mod team;
mod trouble;
mod troubles;
mod wanted;
mod warehouse;
mod watch;

use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use stage::{StageError, chain, interrupted};

use crate::house::House;
use crate::options::Options;
use crate::screen::Screen;

/// What a shell says of a program that Ctrl-C has ended.
const INTERRUPTED: u8 = 130;

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let folder = match tempfile::Builder::new().prefix("order-flow.").tempdir() {
        Ok(folder) => folder,
        Err(error) => {
            stage::line(&format!("no folder for configuration and logs: {error}"));
            return ExitCode::FAILURE;
        }
    };
    match run(&options, folder.path()).await {
        Ok(Some(true)) => {
            stage::line("Everything balances.");
            ExitCode::SUCCESS
        }
        Ok(Some(false)) => keep(folder, "Something does not balance."),
        Ok(None) => {
            stage::line("Stopped.");
            ExitCode::from(INTERRUPTED)
        }
        Err(error) => keep(folder, &format!("error: {}", chain(&error))),
    }
}

/// Plays, unless it is told to stop: then `None`. Whatever happens, nothing stays.
async fn run(options: &Options, folder: &Path) -> Result<Option<bool>, StageError> {
    let mut screen = Screen::new();
    let house = House::open(options, folder).await?;
    let result = tokio::select! {
        result = play::play(&house, options, &mut screen) => result.map(Some),
        stop = interrupted() => stop.map(|()| None),
    };
    screen.close();
    let closed = house.close().await;
    let verdict = result?;
    closed.map(|()| verdict)
}

/// Says what happened and leaves the logs for whoever wants to know why.
fn keep(folder: tempfile::TempDir, what: &str) -> ExitCode {
    stage::line(what);
    stage::line(&format!("The logs are in {}.", folder.keep().display()));
    ExitCode::FAILURE
}
