//! What a statement is made of, as far as parameters and its end are concerned: the
//! lexical rules of Postgres for quotes and comments.

use super::StatementError;

/// A part of a statement.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'t> {
    /// Words, signs and numbers.
    Code(&'t str),
    /// A string or a quoted name, with its quotes.
    Quoted(&'t str),
    /// With its marks.
    Comment(&'t str),
    /// `:name`, without the colon.
    Parameter(&'t str),
    /// `$1`
    Number(&'t str),
    /// `;`
    End,
}

/// The parts of a text, in order.
///
/// # Errors
/// [`StatementError::Unclosed`].
pub(super) fn pieces(text: &str) -> Result<Vec<Piece<'_>>, StatementError> {
    let mut pieces = Vec::new();
    let mut scan = Scan { text, at: 0 };
    while let Some(piece) = scan.next()? {
        pieces.push(piece);
    }
    Ok(pieces)
}

struct Scan<'t> {
    text: &'t str,
    /// In bytes, where a character begins.
    at: usize,
}

impl<'t> Scan<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn take(&mut self, length: usize) -> &'t str {
        let rest = self.rest();
        let taken = rest.get(..length).unwrap_or(rest);
        self.at += taken.len();
        taken
    }

    fn next(&mut self) -> Result<Option<Piece<'t>>, StatementError> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            return Ok(None);
        };
        let length = match first {
            '\'' => return self.quoted(1, quote_end(rest, 1, '\'', false)),
            '"' => return self.quoted(1, quote_end(rest, 1, '"', false)),
            'e' | 'E' if rest[1..].starts_with('\'') => {
                return self.quoted(2, quote_end(rest, 2, '\'', true));
            }
            '$' => match dollar(rest) {
                Dollar::Quote(tag) => {
                    return self.quoted(tag, after(rest, tag, &rest[..tag]));
                }
                Dollar::Number(length) => return Ok(Some(Piece::Number(self.take(length)))),
                Dollar::Other => 1,
            },
            '-' if rest.starts_with("--") => {
                let end = rest.find('\n').map_or(rest.len(), |end| end + 1);
                return Ok(Some(Piece::Comment(self.take(end))));
            }
            '/' if rest.starts_with("/*") => {
                let end = comment_end(rest).ok_or(StatementError::Unclosed)?;
                return Ok(Some(Piece::Comment(self.take(end))));
            }
            ';' => {
                self.take(1);
                return Ok(Some(Piece::End));
            }
            ':' if rest.starts_with("::") => 2,
            ':' => {
                let name = word(&rest[1..]);
                if name > 0 {
                    self.take(1);
                    return Ok(Some(Piece::Parameter(self.take(name))));
                }
                1
            }
            // A whole word, so that what is in it is no beginning of anything.
            _ => word(rest).max(first.len_utf8()),
        };
        Ok(Some(Piece::Code(self.take(length))))
    }

    fn quoted(
        &mut self,
        opening: usize,
        end: Option<usize>,
    ) -> Result<Option<Piece<'t>>, StatementError> {
        let end = end.filter(|end| *end > opening);
        let end = end.ok_or(StatementError::Unclosed)?;
        Ok(Some(Piece::Quoted(self.take(end))))
    }
}

/// The length of the name or keyword at the beginning of a text; 0: there is none.
fn word(text: &str) -> usize {
    let mut letters = text.char_indices();
    match letters.next() {
        Some((_, first)) if first.is_alphabetic() || first == '_' => {}
        _ => return 0,
    }
    letters
        .find(|(_, letter)| !(letter.is_alphanumeric() || matches!(letter, '_' | '$')))
        .map_or(text.len(), |(end, _)| end)
}

/// Where a quote ends that is open from `from` on, behind its mark; a doubled mark is
/// part of what is quoted, and so is whatever follows a backslash, where that counts.
fn quote_end(text: &str, from: usize, mark: char, backslash: bool) -> Option<usize> {
    let mut letters = text
        .char_indices()
        .skip_while(|(at, _)| *at < from)
        .peekable();
    while let Some((at, letter)) = letters.next() {
        if backslash && letter == '\\' {
            letters.next();
        } else if letter == mark && letters.next_if(|(_, next)| *next == mark).is_none() {
            return Some(at + mark.len_utf8());
        }
    }
    None
}

/// Behind the next `what` from `from` on.
fn after(text: &str, from: usize, what: &str) -> Option<usize> {
    let found = text.get(from..)?.find(what)?;
    Some(from + found + what.len())
}

enum Dollar {
    /// The length of the opening mark.
    Quote(usize),
    /// The length of a numbered parameter.
    Number(usize),
    Other,
}

fn dollar(text: &str) -> Dollar {
    let behind = &text[1..];
    let digits = behind
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(behind.len());
    if digits > 0 {
        return Dollar::Number(1 + digits);
    }
    let tag = behind
        .find(|letter: char| !(letter.is_alphanumeric() || letter == '_'))
        .unwrap_or(behind.len());
    if behind[tag..].starts_with('$') {
        Dollar::Quote(tag + 2)
    } else {
        Dollar::Other
    }
}

/// Where the comment at the beginning of a text ends; comments nest.
fn comment_end(text: &str) -> Option<usize> {
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        let rest = text.as_bytes().get(at..)?;
        if rest.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return Some(at);
            }
        } else {
            at += 1;
        }
    }
    None
}
