//! An error for a log line.

use std::error::Error;

/// An error with all its causes, on one line. Errors of the hub do not repeat their
/// cause in their own words, so each is said once.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        text.push_str(": ");
        text.push_str(&source.to_string());
        cause = source.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::chain;
    use std::fmt;

    #[derive(Debug)]
    struct Outer(std::num::ParseIntError);

    impl fmt::Display for Outer {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("the number cannot be read")
        }
    }

    impl std::error::Error for Outer {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn every_cause_is_said_once() {
        let cause = "x".parse::<i32>().err();
        let text = cause.map(|cause| chain(&Outer(cause)));
        assert_eq!(
            text.as_deref(),
            Some("the number cannot be read: invalid digit found in string")
        );
    }
}
