//! What the examples stand on: databases of their own, the hub as processes of its real
//! binary, an HTTP client, HTTP servers that can be taken away, signatures, and the account
//! that is shown at the end.
//!
//! Nothing here imports a crate of the hub: an example is the world around it, and
//! meets it as the world does, by HTTP, SQL, Kafka and the command line.

mod account;
mod client;
mod databases;
mod error;
mod hub;
mod output;
mod patience;
mod ports;
mod service;
mod signature;
mod site;
mod stop;
mod table;

pub use account::{Account, Line, thousands};
pub use client::{Client, Reply};
pub use databases::{Databases, connect};
pub use error::{StageError, chain};
pub use hub::{Hub, Spoken};
pub use output::line;
pub use patience::{Deadline, eventually};
pub use ports::free_address;
pub use service::Service;
pub use signature::{hmac_sha256, random_secret, stripe_signature};
pub use site::{Answer, Received, Receiver, Site};
pub use stop::interrupted;
pub use table::table;
