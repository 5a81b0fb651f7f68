//! The account: what each system should have, and what it has.

use std::fmt;

use crate::table;

/// One line of the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    system: String,
    should: String,
    has: String,
    wrong: Option<String>,
}

/// What each system should have, and what it has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account(Vec<Line>);

impl Line {
    /// Two numbers of the same things.
    #[must_use]
    pub fn count(system: impl Into<String>, things: &str, should: u64, has: u64) -> Self {
        let wrong = (should != has).then(|| format!("{} {things} off", has.abs_diff(should)));
        Self::judged(
            system,
            format!("{} {things}", thousands(should)),
            format!("{} {things}", thousands(has)),
            wrong,
        )
    }

    /// Two descriptions, and what is wrong, if anything: descriptions may differ in what
    /// does not matter, and read the same where what they stand for is not.
    #[must_use]
    pub fn judged(
        system: impl Into<String>,
        should: impl Into<String>,
        has: impl Into<String>,
        wrong: Option<String>,
    ) -> Self {
        Self {
            system: system.into(),
            should: should.into(),
            has: has.into(),
            wrong,
        }
    }
}

impl Account {
    /// Adds a line.
    pub fn add(&mut self, line: Line) {
        self.0.push(line);
    }

    /// Whether every system has what it should have.
    #[must_use]
    pub fn balances(&self) -> bool {
        self.0.iter().all(|line| line.wrong.is_none())
    }
}

impl fmt::Display for Account {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.0.iter().map(|line| {
            let verdict = line.wrong.as_deref().unwrap_or("✓");
            [line.system.as_str(), &line.should, &line.has, verdict].map(str::to_owned)
        });
        formatter.write_str(&table(["system", "should have", "has", ""], rows))
    }
}

/// A number with its thousands set apart.
#[must_use]
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Account, Line, thousands};

    #[test]
    fn numbers_are_set_apart_by_thousands() {
        let cases = [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
        ];
        for (number, text) in cases {
            assert_eq!(thousands(number), text);
        }
    }

    #[test]
    fn an_account_with_one_line_off_does_not_balance() {
        let mut account = Account::default();
        account.add(Line::count("log", "events", 2, 2));
        assert!(account.balances());
        account.add(Line::count("topic", "events", 2, 1));
        assert!(!account.balances());
        assert!(account.to_string().contains("1 events off"));
    }

    #[test]
    fn what_reads_the_same_can_still_be_wrong() {
        let mut account = Account::default();
        account.add(Line::judged(
            "table",
            "3 rows",
            "3 rows",
            Some("teapot differs".to_owned()),
        ));
        assert!(!account.balances());
    }
}
