//! The order flow: a hub as a newcomer would set it up (`hub/`), and the world around
//! it, which keeps its own account of what it was acknowledged.
//!
//! ```text
//!   shop       ── HTTP, 27 connections ►┐             ┌─► Kafka ─► another team (kcat)
//!   source host── signed webhooks ─────►│ the hub     │
//!   warehouse  ── SQL, own transactions►┘ (processes) └─► tables stock, sales
//!        └───────── what was acknowledged ──► judge ◄── what each system has
//! ```

mod books;
mod code_host;
mod counters;
mod folder;
mod goods;
mod house;
mod judge;
mod options;
mod orders;
mod play;
mod record;
mod screen;
mod services;
mod shop;
mod status;
mod team;
mod warehouse;

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
