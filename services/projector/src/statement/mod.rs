//! One SQL statement with named parameters, for events.

mod error;
mod parameter;
mod scan;

use std::fmt::Write as _;

pub use error::StatementError;
pub use parameter::StatementParameter;

use scan::Piece;

/// What may begin a statement: whatever reads or writes rows. Nothing that ends the
/// transaction of the step, or leaves the session other than it was.
const BEGINNINGS: [&str; 7] = [
    "select", "insert", "update", "delete", "merge", "with", "call",
];

/// One SQL statement that an event is given to by named parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    sql: String,
    parameters: Vec<StatementParameter>,
}

impl Statement {
    /// Reads a statement as a person writes it: `select shop.reserve(:subject, :data)`.
    /// What stands in quotes and comments is left as it is, and so are `::casts`.
    ///
    /// # Errors
    /// See [`StatementError`].
    pub fn parse(text: &str) -> Result<Self, StatementError> {
        let mut sql = String::with_capacity(text.len() + 16);
        let mut parameters: Vec<StatementParameter> = Vec::new();
        let mut first = None;
        let mut ended = false;
        for piece in scan::pieces(text)? {
            match piece {
                Piece::Comment(comment) => sql.push_str(comment),
                Piece::Code(part) if part.trim().is_empty() => sql.push_str(part),
                _ if ended => return Err(StatementError::Several),
                Piece::End => ended = true,
                Piece::Code(part) | Piece::Quoted(part) => {
                    first.get_or_insert(part);
                    sql.push_str(part);
                }
                Piece::Parameter(name) => {
                    first.get_or_insert(name);
                    let parameter = StatementParameter::named(name)?;
                    let known = parameters.iter().position(|known| *known == parameter);
                    let index = known.unwrap_or_else(|| {
                        parameters.push(parameter);
                        parameters.len() - 1
                    });
                    // In parentheses: what follows is not to become part of a cast.
                    let _infallible = match parameter.cast() {
                        Some(cast) => write!(sql, "(${}::{cast})", index + 1),
                        None => write!(sql, "${}", index + 1),
                    };
                }
                Piece::Number(number) => {
                    return Err(StatementError::Numbered {
                        number: number.to_owned(),
                    });
                }
            }
        }
        begins_well(first.ok_or(StatementError::Nothing)?)?;
        Ok(Self { sql, parameters })
    }

    /// The statement as Postgres takes it, with parameters `$1`, `$2` and so on.
    #[must_use]
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// What is bound to them, in their order.
    #[must_use]
    pub fn parameters(&self) -> &[StatementParameter] {
        &self.parameters
    }
}

fn begins_well(first: &str) -> Result<(), StatementError> {
    if BEGINNINGS.contains(&first.to_ascii_lowercase().as_str()) {
        return Ok(());
    }
    Err(StatementError::OtherKind {
        first: first.to_owned(),
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Statement, StatementError, StatementParameter};

    fn sql(text: &str) -> String {
        Statement::parse(text).unwrap().sql().to_owned()
    }

    #[test]
    fn parameters_become_numbers_in_the_order_of_their_first_use() {
        let statement =
            Statement::parse("select shop.reserve(:subject, :data, :subject, :position);").unwrap();
        assert_eq!(
            statement.sql(),
            "select shop.reserve($1, ($2::jsonb), $1, $3)"
        );
        assert_eq!(
            statement.parameters(),
            [
                StatementParameter::Subject,
                StatementParameter::Data,
                StatementParameter::Position
            ]
        );
    }

    #[test]
    fn what_is_quoted_or_a_comment_or_a_cast_is_left_alone() {
        for text in [
            "select ':id', 'it''s :id', E'a\\':id', \"a:id\", \"a\"\":id\"",
            "select $$ :id $$, $tag$ $$ :id $ $tag$, a$b",
            "select 1 -- :id\n, 2 /* :id /* :id */ :id */",
            "select '1'::text, now()::date, x[1:2], f(a := 1)",
            "call refresh()",
        ] {
            let statement = Statement::parse(text).unwrap();
            assert_eq!(statement.sql(), text);
            assert!(statement.parameters().is_empty(), "{text}");
        }
        assert_eq!(sql("select :id::uuid"), "select $1::uuid");
        assert_eq!(
            sql("select :data->>'total'"),
            "select ($1::jsonb)->>'total'"
        );
        assert_eq!(
            sql("with x as (select :time) select 'e':id"),
            "with x as (select $1) select 'e'$2"
        );
    }

    #[test]
    fn what_is_no_single_statement_says_so() {
        let wrong = |text| Statement::parse(text).unwrap_err();
        let unknown = wrong("select :sbject");
        assert!(matches!(&unknown, StatementError::Unknown { name } if name == "sbject"));
        assert!(unknown.remedy().contains("did you mean `subject`"));
        for text in ["select 1; select 2", "select 1; -- more\n commit"] {
            assert_eq!(wrong(text), StatementError::Several);
        }
        assert!(Statement::parse("select ';' ; -- nothing more\n").is_ok());
        for text in ["", " ; ", "-- select 1"] {
            assert_eq!(wrong(text), StatementError::Nothing, "{text:?}");
        }
        for text in ["commit", "Set search_path to x", "do $$ begin end $$"] {
            assert!(matches!(wrong(text), StatementError::OtherKind { .. }));
        }
        for text in ["select 'a", "select \"a", "select $x$ a $y$", "select /* a"] {
            assert_eq!(wrong(text), StatementError::Unclosed, "{text:?}");
        }
        assert!(matches!(
            wrong("select $1"),
            StatementError::Numbered { .. }
        ));
    }
}
