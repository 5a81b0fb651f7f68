//! Lines of a configuration without what may be a secret in them.

/// Ends of the names of keys whose values are not shown.
const SOUNDS_SECRET: [&str; 5] = ["password", "secret", "token", "postgres", "url"];

/// A line of a file, from 0, with values under keys that sound like secrets dotted
/// out, unless they only say where the secret is. Every column stays where it was.
pub(super) fn shown_line(text: &str, number: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let line = lines.get(number).copied().unwrap_or_default();
    if belongs_to_secret(lines.get(..number).unwrap_or_default(), line) {
        let start = line.find(|letter| !matches!(letter, ' ' | '-'));
        return dotted(line, start.unwrap_or(line.len()), line.len());
    }
    let mut shown = line.to_owned();
    for (start, end) in secret_values(line) {
        shown = dotted(&shown, start, end);
    }
    shown
}

/// Whether a line is part of a value that began further up: an entry of a list, a line
/// of text.
fn belongs_to_secret(above: &[&str], line: &str) -> bool {
    let is_entry = line.trim_start().starts_with("- ");
    if !is_entry && key_ends(line).next().is_some() {
        return false;
    }
    let indent = indent_of(line);
    above
        .iter()
        .rev()
        .filter(|above| !above.trim().is_empty())
        // The entries of a list may stand right below their key.
        .find(|above| {
            let entry_too = above.trim_start().starts_with("- ");
            indent_of(above) < indent || (is_entry && !entry_too && indent_of(above) == indent)
        })
        .is_some_and(|above| {
            let mut keys = key_ends(above);
            keys.any(|colon| sounds_secret(above, colon))
        })
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Where each key of a line ends: the colons that make the text before them a key.
fn key_ends(line: &str) -> impl Iterator<Item = usize> {
    line.match_indices(':').map(|(at, _)| at).filter(|at| {
        let before = line.get(..*at).unwrap_or_default();
        let after = line.get(at + 1..).unwrap_or_default();
        after.is_empty() || after.starts_with([' ', '\t']) || before.ends_with(['"', '\''])
    })
}

fn sounds_secret(line: &str, colon: usize) -> bool {
    let key = line
        .get(..colon)
        .unwrap_or_default()
        .trim_end_matches(['"', '\'', ' '])
        .to_lowercase();
    let one = key.strip_suffix('s').unwrap_or(&key);
    SOUNDS_SECRET
        .iter()
        .any(|word| key.ends_with(word) || one.ends_with(word))
}

/// From where to where secret values stand in a line, in bytes.
fn secret_values(line: &str) -> Vec<(usize, usize)> {
    let mut values = Vec::new();
    let mut done = 0;
    for colon in key_ends(line) {
        if colon < done || !sounds_secret(line, colon) {
            continue;
        }
        let rest = line.get(colon + 1..).unwrap_or_default();
        let start = colon + 1 + indent_of(rest);
        let value = line.get(start..).unwrap_or_default();
        let in_braces = line.get(..colon).unwrap_or_default().contains('{');
        let length = length_of(value, in_braces);
        if !is_reference(value.get(..length).unwrap_or_default()) {
            values.push((start, start + length));
        }
        done = start + length;
    }
    values
}

/// How much of the text is the value that it begins with, in bytes; too much rather
/// than too little.
fn length_of(text: &str, in_braces: bool) -> usize {
    let closing = match text.chars().next() {
        Some(quote @ ('"' | '\'')) => quote,
        Some('[') => ']',
        Some('{') => return 1,
        _ if in_braces => return text.find([',', '}']).unwrap_or(text.len()),
        _ => return text.len(),
    };
    text.char_indices()
        .skip(1)
        .find(|(at, letter)| {
            *letter == closing && !text.get(..*at).unwrap_or_default().ends_with('\\')
        })
        .map_or(text.len(), |(at, _)| at + 1)
}

/// Whether each part of a value only says where the secret is: `${NAME}`, `file:PATH`.
fn is_reference(value: &str) -> bool {
    value
        .trim_matches(['[', ']', ' '])
        .split(',')
        .map(|part| part.trim_matches([' ', '"', '\'']))
        .all(|part| {
            part.is_empty()
                || part.starts_with("file:")
                || (part.starts_with("${") && part.find('}') == Some(part.len() - 1))
        })
}

/// The line with a dot for each letter between two places.
fn dotted(line: &str, start: usize, end: usize) -> String {
    line.char_indices()
        .map(|(at, letter)| {
            if (start..end).contains(&at) && letter != ' ' {
                '•'
            } else {
                letter
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::shown_line;

    #[test]
    fn what_may_be_a_secret_is_dotted_out_and_columns_stay() {
        for line in [
            "security: { protocol: sasl, password: hunter2 }",
            "secrets: [hunter2]",
            "secrets: [file:a, hunter2]",
            "{ scheme: github, secrets: [one, hunter2], decode: json }",
            "\"password\": \"hunter2\"",
            "\"password\":\"hunter2\"",
            "password: x, hunter2",
            "postgres: postgres://hub:hunter2@db/hub",
            "postgres: postgres://hub:hunter2@${HOST}/hub",
            "postgres: ${USER}hunter2",
            "sink: { kind: postgres, url: \"postgres://a:hunter2@db/x\", table: t }",
            "sink: { url: 'postgres://a:hunter2@db/x' }",
            "token: \"a\\\"hunter2\"",
        ] {
            let shown = shown_line(line, 0);
            assert!(!shown.contains("hunter2"), "{shown}");
            assert_eq!(shown.chars().count(), line.chars().count());
        }
        let text = "verify:\n  secrets:\n    - file:a\n    - hunter2\n  secret:\n  - hunter2\n  password: >\n    hunter2\n";
        for (number, line) in text.lines().enumerate() {
            let shown = shown_line(text, number);
            assert!(!shown.contains("hunter2"), "{shown}");
            assert_eq!(shown.chars().count(), line.chars().count());
        }
    }

    #[test]
    fn what_is_no_secret_is_shown() {
        for harmless in [
            "postgres: ${DATABASE_URL}",
            "secrets: [file:secrets/payments, \"${SECRET}\"]",
            "listen: 127.0.0.1:8080",
            "sink: { kind: postgres, url: \"${ANALYTICS_URL}\", table: sales }",
            "  table: sales",
            "add: 'if .type == \"a: b\" { 1 }'",
        ] {
            assert_eq!(shown_line(harmless, 0), harmless);
        }
        let text = "secrets: [file:a]\nevents:\n  - order.placed\n";
        assert_eq!(shown_line(text, 2), "  - order.placed");
    }
}
