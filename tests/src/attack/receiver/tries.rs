//! How often the courier has tried to call, as its metrics say: of a try that meets nobody
//! a receiver knows nothing.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};

use super::COURIER;
use crate::attack::stage::Stage;

/// Counts the calls of a projection, whatever came of them.
const COUNT: &str = "dragoman_projection_call_seconds_count{";

impl Stage {
    /// How often it has tried since its process was started.
    pub(super) fn tries(&self) -> usize {
        let courier = format!("projection=\"{COURIER}\"");
        let metrics = metrics(self.project.admin_of_projection);
        let metrics = metrics.expect("the courier shows its metrics");
        let counts = metrics
            .lines()
            .filter(|line| line.starts_with(COUNT) && line.contains(&courier))
            .filter_map(|line| line.rsplit_once(' ')?.1.parse::<usize>().ok());
        counts.sum()
    }
}

fn metrics(port: u16) -> std::io::Result<String> {
    let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    connection.write_all(b"GET /metrics HTTP/1.0\r\nhost: localhost\r\n\r\n")?;
    let mut text = String::new();
    connection.read_to_string(&mut text)?;
    Ok(text)
}
