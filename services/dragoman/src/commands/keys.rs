//! `dragoman keys`: who may write which events.

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand};
use dragoman_core::TypePattern;
use dragoman_settings::Period;
use dragoman_store::{KeyRecord, NewKey};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::globals::Globals;
use crate::hub::Hub;
use crate::output;

/// Make and end API keys, and let database roles publish by SQL
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  dragoman keys create shop --source /shop --type 'order.*' --expires 90d"
)]
pub(crate) struct Keys {
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    Create(Create),
    List(List),
    Rotate(Rotate),
    Revoke(Revoke),
}

/// Make a key and show it, once; or, with --role, let a database role publish by SQL
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  dragoman keys create shop --source /shop --type 'order.*' --expires 90d\n  dragoman keys create warehouse --role warehouse --source /warehouse"
)]
struct Create {
    /// How people call it
    name: String,
    /// A CloudEvents source that it may write; several times for several
    #[arg(long = "source", required = true, value_name = "SOURCE")]
    sources: Vec<String>,
    /// An event type that it may write, or a family (order.*); left out: all
    #[arg(long = "type", value_name = "PATTERN", default_value = "*")]
    types: Vec<TypePattern>,
    /// When it ends, counted from now, as in 90d
    #[arg(long, value_name = "PERIOD")]
    expires: Option<Period>,
    /// A database role that may call dragoman.publish(), instead of an API key
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// List keys and grants, without the keys themselves
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dragoman keys list --json")]
struct List {
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Make a second key with the same scopes; the old one serves on for a while
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dragoman keys rotate shop --grace 7d")]
struct Rotate {
    /// The name of the key
    name: String,
    /// How long the old key serves on
    #[arg(long, value_name = "PERIOD", default_value = "24h")]
    grace: Period,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// End every key and grant of a name at once
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  dragoman keys revoke shop")]
struct Revoke {
    /// The name of the key
    name: String,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Keys {
    pub(crate) async fn run(self, globals: &Globals) -> Result<(), Failure> {
        let hub = Hub::open(globals).await?;
        match self.command {
            KeysCommand::Create(command) => command.run(&hub).await,
            KeysCommand::List(command) => command.run(&hub).await,
            KeysCommand::Rotate(command) => command.run(&hub).await,
            KeysCommand::Revoke(command) => command.run(&hub).await,
        }
    }
}

impl Create {
    async fn run(self, hub: &Hub) -> Result<(), Failure> {
        let new = NewKey {
            name: self.name,
            sources: self.sources,
            types: self.types,
            expires_at: self.expires.map(from_now).transpose()?,
        };
        match &self.role {
            Some(role) => grant(hub, &new, role, self.json).await,
            None => create(hub, &new, self.json).await,
        }
    }
}

async fn create(hub: &Hub, new: &NewKey, json: bool) -> Result<(), Failure> {
    let created = hub
        .store
        .create_key(new)
        .await
        .map_err(|error| Failure::from_error(&error))?;
    show_once(
        &created.name,
        &created.key,
        &created.sources,
        &created.types,
        created.expires_at,
        json,
    )
}

async fn grant(hub: &Hub, new: &NewKey, role: &str, json: bool) -> Result<(), Failure> {
    let granted = hub
        .store
        .grant_publisher(new, role)
        .await
        .map_err(|error| Failure::from_error(&error))?;
    if json {
        return output::json(&json!({
            "name": new.name, "role": granted.role, "sources": granted.sources,
            "types": patterns(&new.types), "expires": new.expires_at,
        }));
    }
    output::line(&format!(
        "role {} may publish as {}: select dragoman.publish('TYPE', 'SUBJECT', '{{}}')",
        granted.role,
        granted.sources.join(", ")
    ))
}

/// The key goes to stdout, alone, so that a script can take it; the words to stderr.
fn show_once(
    name: &str,
    key: &str,
    sources: &[String],
    types: &[String],
    expires: Option<DateTime<Utc>>,
    json: bool,
) -> Result<(), Failure> {
    if json {
        return output::json(&json!({
            "name": name, "key": key, "sources": sources, "types": types, "expires": expires,
        }));
    }
    output::error_line(&format!(
        "key {name} may write {} as {}, {}. It is shown this once:",
        types.join(", "),
        sources.join(", "),
        expires.map_or_else(
            || "without end".to_owned(),
            |at| format!("until {}", at.to_rfc3339())
        ),
    ));
    output::line(key)
}

impl List {
    async fn run(self, hub: &Hub) -> Result<(), Failure> {
        let keys = hub
            .store
            .list_keys()
            .await
            .map_err(|error| Failure::from_error(&error))?;
        if self.json {
            return output::json(&keys.iter().map(as_json).collect::<Vec<_>>());
        }
        let rows = keys.iter().map(|key| {
            vec![
                key.name.clone(),
                key.role.clone().unwrap_or_else(|| "API key".to_owned()),
                key.sources.join(", "),
                key.types.join(", "),
                state_of(key),
            ]
        });
        output::line(
            &output::table(&["name", "door", "sources", "types", "state"], rows).to_string(),
        )
    }
}

impl Rotate {
    async fn run(self, hub: &Hub) -> Result<(), Failure> {
        let created = hub
            .store
            .rotate_key(&self.name, from_now(self.grace)?)
            .await
            .map_err(|error| Failure::from_error(&error))?;
        show_once(
            &created.name,
            &created.key,
            &created.sources,
            &created.types,
            created.expires_at,
            self.json,
        )
    }
}

impl Revoke {
    async fn run(self, hub: &Hub) -> Result<(), Failure> {
        let ended = hub
            .store
            .revoke_key(&self.name)
            .await
            .map_err(|error| Failure::from_error(&error))?;
        if self.json {
            return output::json(&json!({ "name": self.name, "revoked": ended }));
        }
        output::line(&format!("ended {ended} of {}", self.name))
    }
}

fn from_now(period: Period) -> Result<DateTime<Utc>, Failure> {
    chrono::Duration::from_std(period.duration())
        .ok()
        .and_then(|duration| Utc::now().checked_add_signed(duration))
        .ok_or_else(|| {
            Failure::usage(
                format!("{period} from now is beyond the calendar"),
                "write a shorter one, as in 90d",
            )
        })
}

fn patterns(types: &[TypePattern]) -> Vec<&str> {
    types.iter().map(TypePattern::as_str).collect()
}

fn as_json(key: &KeyRecord) -> Value {
    json!({
        "name": key.name, "role": key.role, "sources": key.sources, "types": key.types,
        "created": key.created_at, "expires": key.expires_at, "revoked": key.revoked_at,
    })
}

fn state_of(key: &KeyRecord) -> String {
    match (key.revoked_at, key.expires_at) {
        (Some(at), _) => format!("revoked {}", at.format("%Y-%m-%d %H:%M")),
        (None, Some(at)) if at <= Utc::now() => format!("ended {}", at.format("%Y-%m-%d %H:%M")),
        (None, Some(at)) => format!("until {}", at.format("%Y-%m-%d %H:%M")),
        (None, None) => "live".to_owned(),
    }
}
