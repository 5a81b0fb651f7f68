//! Ports that nobody else listens on.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Mutex;

/// Those that were given away: whoever got one may not listen on it yet.
static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// A port of the loopback interface on which nothing listens. Below the range from
/// which the kernel gives ports to outgoing connections, so that it stays free while its
/// server is down.
#[must_use]
pub fn free_port() -> u16 {
    let mut given = GIVEN.lock().unwrap();
    loop {
        let port = rand::random_range(20_000..32_000);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() && given.insert(port) {
            return port;
        }
    }
}
