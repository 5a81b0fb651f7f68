//! What a command prints. Results go to stdout, everything else to stderr.

use std::io::{self, IsTerminal, Write};

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::failure::Failure;

/// Prints one line of a result.
///
/// # Errors
/// When nobody reads any more (`dragoman events list | head`) the command ends.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}")
        .and_then(|()| stdout.flush())
        .map_err(|error| Failure::failed(format!("the output cannot be written: {error}"), ""))
}

/// Prints a line for people on stderr. That it cannot be written is nobody's to know.
pub(crate) fn error_line(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Prints one JSON document on one line.
///
/// # Errors
/// As [`line()`].
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value).map_err(|error| Failure::from_error(&error))?;
    line(&text)
}

/// JSON text in a document of ours, digit for digit, and in one line: JSON has line breaks
/// nowhere but between values.
pub(crate) fn as_it_is(json: &str) -> Result<Box<RawValue>, Failure> {
    RawValue::from_string(json.replace(['\n', '\r'], " "))
        .map_err(|error| Failure::from_error(&error))
}

/// A table with a head, fitted to the terminal.
pub(crate) fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_HORIZONTAL_ONLY)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(head.to_vec());
    for row in rows {
        table.add_row(row);
    }
    table
}

/// Whether a person is watching what goes to stderr.
pub(crate) fn is_watched() -> bool {
    io::stderr().is_terminal()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    #[test]
    fn json_is_one_line_with_every_digit() {
        let data = "{\r\n  \"text\": \"a\\nb\",\n  \"price\": 1.50\n}";
        let line = super::as_it_is(data).unwrap();
        assert_eq!(line.get(), "{    \"text\": \"a\\nb\",   \"price\": 1.50 }");
    }
}
