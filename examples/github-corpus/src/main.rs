//! Real webhook bodies of GitHub, through a hub that is set up for GitHub (`hub/`): each
//! sent once, sent again, and sent with one byte altered. Then the log must hold exactly
//! the wanted ones, digit for digit.

mod delivery;
mod log;
mod sender;
mod trial;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use stage::{Account, Databases, StageError, chain, interrupted, random_secret};

use crate::delivery::read_corpus;

/// What a shell says of a program that Ctrl-C has ended.
const INTERRUPTED: u8 = 130;

/// Sends real webhook bodies of GitHub through a hub and compares the log with them
///
/// Exit code 0: the log holds exactly what it should. 1: it does not, or it could not be tried.
#[derive(Debug, Parser)]
#[command(
    name = "corpus",
    max_term_width = 100,
    after_help = "It is started by `make corpus`, which fetches the bodies."
)]
struct Options {
    /// The hub's binary
    #[arg(long, value_name = "FILE", env = "DRAGOMAN_BIN")]
    dragoman: PathBuf,
    /// A superuser of a Postgres cluster in which a database may be made
    #[arg(
        long,
        value_name = "URL",
        env = "DRAGOMAN_TEST_POSTGRES",
        hide_env_values = true
    )]
    postgres: String,
    /// The folder of the npm package @octokit/webhooks-examples
    #[arg(long, value_name = "FOLDER", env = "DRAGOMAN_CORPUS")]
    corpus: PathBuf,
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let folder = match tempfile::Builder::new().prefix("corpus.").tempdir() {
        Ok(folder) => folder,
        Err(error) => {
            stage::line(&format!("no folder for logs: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let code = match run(&options, folder.path()).await {
        Ok(Some(account)) => {
            stage::line(&account.to_string());
            if account.balances() {
                return ExitCode::SUCCESS;
            }
            ExitCode::FAILURE
        }
        Ok(None) => return ExitCode::from(INTERRUPTED),
        Err(error) => {
            stage::line(&format!("error: {}", chain(&error)));
            ExitCode::FAILURE
        }
    };
    stage::line(&format!("The logs are in {}.", folder.keep().display()));
    code
}

/// Tries it, unless it is told to stop: then `None`. The database goes whatever happens.
async fn run(options: &Options, logs: &Path) -> Result<Option<Account>, StageError> {
    let deliveries = read_corpus(&options.corpus)?;
    let suffix: String = random_secret()?.chars().take(8).collect();
    let mut databases = Databases::new(&options.postgres, &suffix)?;
    let database = databases.create("github_corpus").await?;
    let result = tokio::select! {
        result = trial::run(&options.dragoman, &database, logs, &deliveries) => result.map(Some),
        stop = interrupted() => stop.map(|()| None),
    };
    let dropped = databases.drop_all().await;
    let account = result?;
    dropped.map(|()| account)
}
