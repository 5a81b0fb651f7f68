//! The projection that brings orders to the receiver.

use serde_json::{Value, json};

use super::server::Receiver;
use super::tokens::{CLIENT, SECRET};
use crate::ORDERS;

/// Its name.
pub(in crate::attack) const COURIER: &str = "courier";
/// The file with its program.
pub(in crate::attack) const PROGRAM_FILE: &str = "courier.vrl";
/// What is sent for an order.
pub(in crate::attack) const PROGRAM: &str = r#"{
    "method": "POST",
    "path": "/orders",
    "body": { "id": .id, "subject": .subject, "data": .data }
}
"#;

/// The projection, as a configuration has it. Its waits are short, so that a life is.
pub(in crate::attack) fn courier(receiver: &Receiver) -> Value {
    json!({
        "events": [ORDERS],
        "from": "beginning",
        "request": PROGRAM_FILE,
        "sink": {
            "kind": "http",
            "url": receiver.url(),
            "private_network": true,
            "timeout": "1s",
            "retry": { "first": "50ms", "max": "500ms" },
            "auth": {
                "scheme": "oauth2",
                "token_url": receiver.token_url(),
                "client_id": CLIENT,
                "client_secret": SECRET,
            },
        },
    })
}
