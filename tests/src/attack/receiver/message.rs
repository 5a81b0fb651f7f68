//! Requests and answers as they stand on the wire (HTTP/1.1), read and written here so
//! that an answer can break off wherever it is to.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Error, ErrorKind, Result};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// A connection with somebody who calls.
pub(super) type Connection = BufReader<TcpStream>;

/// What was asked.
#[derive(Debug)]
pub(super) struct Request {
    headers: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
}

impl Request {
    /// The value of a header, by its name in small letters.
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// What is answered.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn json(status: u16, body: &str) -> Self {
        Self {
            status,
            headers: vec![("content-type", "application/json".to_owned())],
            body: body.to_owned(),
        }
    }

    /// Of a server that is there and does nothing.
    pub(super) fn down() -> Self {
        Self::json(503, "{\"error\":\"down\"}")
    }

    fn text(&self) -> String {
        let mut text = format!("HTTP/1.1 {} Said\r\n", self.status);
        for (name, value) in &self.headers {
            let _written = write!(text, "{name}: {value}\r\n");
        }
        let _written = write!(text, "content-length: {}\r\n\r\n", self.body.len());
        text + &self.body
    }
}

/// The next request; `None` when nothing comes any more.
pub(super) async fn read(connection: &mut Connection) -> Result<Option<Request>> {
    if line(connection).await?.is_empty() {
        return Ok(None);
    }
    let mut headers = BTreeMap::new();
    loop {
        let line = line(connection).await?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").map_or("0", String::as_str);
    let length = length
        .parse()
        .map_err(|_| Error::from(ErrorKind::InvalidData))?;
    let mut body = vec![0; length];
    connection.read_exact(&mut body).await?;
    Ok(Some(Request { headers, body }))
}

async fn line(connection: &mut Connection) -> Result<String> {
    let mut line = String::new();
    connection.read_line(&mut line).await?;
    Ok(line)
}

pub(super) async fn write(connection: &mut Connection, answer: &Answer) -> Result<()> {
    connection.write_all(answer.text().as_bytes()).await?;
    connection.flush().await
}

/// Writes the answer but for its last bytes.
pub(super) async fn write_some(connection: &mut Connection, answer: &Answer) -> Result<()> {
    let text = answer.text();
    let some = text.as_bytes().split_at(text.len() - 3).0;
    connection.write_all(some).await?;
    connection.flush().await
}
