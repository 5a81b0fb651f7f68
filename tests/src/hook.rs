//! The webhook of a project: how it is configured, and what its senders send.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::history;

/// Where deliveries go.
pub(crate) const PATH: &str = "/hooks/counter";
/// Its name in the configuration.
pub(crate) const NAME: &str = "counter";
/// The source of its events.
pub(crate) const SOURCE: &str = "/hooks/counter";
/// The header with the signature.
pub(crate) const SIGNATURE: &str = "x-signature";
/// The file with its mapping.
pub(crate) const MAPPING_FILE: &str = "counter.vrl";
/// What makes an event of a delivery: data that break their schema must be able to.
pub(crate) const MAPPING: &str = r#"{
    "id": string!(.body.what),
    "type": string!(.body.kind),
    "subject": string!(.body.about),
    "data": .body.counted
}
"#;
const SECRET: &str = "known to both";

/// The adapter, as a configuration has it.
pub(crate) fn options() -> Value {
    json!({
        "kind": "webhook",
        "verify": { "scheme": "hmac", "header": SIGNATURE, "secrets": [SECRET] },
        "map": MAPPING_FILE,
    })
}

/// A delivery that becomes one event.
pub(crate) fn delivery(number: u64, data: &str) -> String {
    format!(
        "{{\"what\":\"{}\",\"kind\":\"{}\",\"about\":\"{}\",\"counted\":{data}}}",
        history::id(number),
        history::event_type(number),
        history::subject(number),
    )
}

/// What a delivery is signed with.
pub(crate) fn signature(body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("any key will do");
    mac.update(body.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}
