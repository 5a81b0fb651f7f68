//! `${NAME}`, `${NAME:-default}`, `file:PATH`.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::scope;

/// A reference that leads nowhere. No variant carries a value: what was found may
/// be a secret.
#[derive(Debug, Error)]
pub enum ReferenceError {
    /// The variable is not set, and no default was given.
    #[error(
        "the environment variable {name} is not set; set it, or give a default: ${{{name}:-default}}"
    )]
    Unset {
        /// Name of the variable.
        name: String,
    },
    /// A `${` without its `}`, or with a name that no variable can have.
    #[error(
        "the `${{` here begins a reference that cannot be read; write ${{NAME}} or ${{NAME:-default}}, with letters, digits and _ in the name; for a plain `${{` write `$${{`"
    )]
    Malformed,
    /// The file cannot be read.
    #[error("the file {} cannot be read ({reason}); create it, or correct the path, which starts at the folder of the configuration file", path.display())]
    Unreadable {
        /// Where it was looked for.
        path: PathBuf,
        /// What the system said. Part of the message and no `source`, because serde
        /// carries nothing but the message to whoever reads the file.
        reason: io::Error,
    },
    /// The file is not UTF-8 text.
    #[error("the file {} is not UTF-8 text", path.display())]
    NotText {
        /// Where it is.
        path: PathBuf,
    },
}

/// The value behind a text: `file:PATH` is the content of that file without the
/// line break at its end; elsewhere each `${…}` is replaced, and `$${` stands for
/// a plain `${`. Replaced values are not looked at again.
///
/// # Errors
/// [`ReferenceError`] names the variable or the file.
pub fn resolve(text: &str) -> Result<String, ReferenceError> {
    match text.strip_prefix("file:") {
        Some(path) => read_text(&locate(&expand(path)?)),
        None => expand(text),
    }
}

/// Where a path leads: as it is when absolute, else from the folder of the scope.
pub(crate) fn locate(path: &str) -> PathBuf {
    scope::current().base.join(Path::new(path))
}

/// Replaces each `${…}` of a text.
pub(crate) fn expand(text: &str) -> Result<String, ReferenceError> {
    let environment = scope::current().environment;
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        if let Some(literal) = before.strip_suffix('$') {
            result.push_str(literal);
            result.push_str("${");
            rest = &from[2..];
            continue;
        }
        result.push_str(before);
        let (reference, after) = from[2..].split_once('}').ok_or(ReferenceError::Malformed)?;
        let (name, default) = match reference.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (reference, None),
        };
        if !is_name(name) {
            return Err(ReferenceError::Malformed);
        }
        // As in a shell: `:-` stands in for an empty value too.
        let value = match (environment.get(name), default) {
            (Some(value), None) => value,
            (Some(value), Some(_)) if !value.is_empty() => value,
            (_, Some(default)) => default.to_owned(),
            (None, None) => {
                return Err(ReferenceError::Unset {
                    name: name.to_owned(),
                });
            }
        };
        result.push_str(&value);
        rest = after;
    }
    result.push_str(rest);
    Ok(result)
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

fn read_text(path: &Path) -> Result<String, ReferenceError> {
    let bytes = std::fs::read(path).map_err(|reason| ReferenceError::Unreadable {
        path: path.to_owned(),
        reason,
    })?;
    let mut text = String::from_utf8(bytes).map_err(|_| ReferenceError::NotText {
        path: path.to_owned(),
    })?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{ReferenceError, resolve};
    use crate::{Environment, scope_with};
    use std::path::Path;

    fn with(values: &[(&str, &str)], text: &str) -> Result<String, ReferenceError> {
        let values = values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        scope_with(Path::new(""), Environment::Fixed(values), || resolve(text))
    }

    #[test]
    fn variables_are_replaced_once_and_defaults_stand_in() {
        assert_eq!(with(&[("A", "1")], "x${A}y${A}").unwrap(), "x1y1");
        assert_eq!(with(&[("A", "${B}")], "${A}").unwrap(), "${B}");
        assert_eq!(with(&[], "${A:-postgres://h/d}").unwrap(), "postgres://h/d");
        assert_eq!(with(&[("A", "")], "${A:-d}").unwrap(), "d");
        assert_eq!(with(&[], "$${A} costs $5").unwrap(), "${A} costs $5");
    }

    #[test]
    fn an_unset_variable_is_named_and_a_broken_reference_explained() {
        let unset = with(&[], "${NOPE}").unwrap_err();
        assert!(matches!(unset, ReferenceError::Unset { ref name } if name == "NOPE"));
        assert!(unset.to_string().contains("${NOPE:-default}"));
        for broken in ["${", "${}", "${A", "${A-B}", "${1A}"] {
            assert!(
                matches!(with(&[], broken), Err(ReferenceError::Malformed)),
                "{broken}"
            );
        }
    }

    #[test]
    fn a_file_gives_its_content_without_the_last_line_break() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), "hush\n").unwrap();
        std::fs::write(folder.path().join("binary"), [0xff, 0xfe]).unwrap();
        let read = |text: &str| {
            scope_with(folder.path(), Environment::Fixed([].into()), || {
                resolve(text)
            })
        };
        assert_eq!(read("file:secret").unwrap(), "hush");
        assert_eq!(read("file:${NAME:-secret}").unwrap(), "hush");
        assert!(matches!(
            read("file:absent"),
            Err(ReferenceError::Unreadable { .. })
        ));
        assert!(matches!(
            read("file:binary"),
            Err(ReferenceError::NotText { .. })
        ));
    }
}
