//! Tables, for people.

use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};

/// A table with a head, as wide as it needs to be, or as the terminal is.
#[must_use]
pub fn table<const COLUMNS: usize>(
    head: [&str; COLUMNS],
    rows: impl IntoIterator<Item = [String; COLUMNS]>,
) -> String {
    let line = LineStyle::none().fill('─').junction('─');
    let style = TableStyle::new()
        .top_border(line)
        .header_separator(line)
        .bottom_border(line);
    let mut table = Table::new();
    table
        .load_style(style)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(head);
    for row in rows {
        table.add_row(row);
    }
    table.to_string()
}
