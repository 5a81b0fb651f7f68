//! The events of a soak: everything about one follows from who sent it and its number.

use crate::history;

/// How many subjects a sender has.
const SUBJECTS: u64 = 500;

/// Which event it is: the `number`-th, from 1, of a sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) sender: usize,
    pub(super) number: u64,
}

impl Tag {
    /// Reads an id.
    pub(super) fn read(id: &str) -> Option<Self> {
        let (sender, number) = id.strip_prefix("soak-")?.split_once('-')?;
        Some(Self {
            sender: sender.parse().ok()?,
            number: number.parse().ok().filter(|number| *number > 0)?,
        })
    }

    pub(super) fn id(self) -> String {
        format!("soak-{}-{}", self.sender, self.number)
    }

    /// Every fourth is about stock.
    pub(super) fn event_type(self) -> &'static str {
        history::event_type(self.number)
    }

    /// No other sender has it. Some are not ASCII.
    pub(super) fn subject(self) -> String {
        let Self { sender, number } = self;
        let which = number / 4 % SUBJECTS;
        if which.is_multiple_of(50) {
            format!("Größe-{sender}-{which}-日本")
        } else {
            format!("subject-{sender}-{which}")
        }
    }

    /// As `jsonb` prints it: some is published by SQL, where that is how it is kept.
    pub(super) fn data(self) -> String {
        let cents = self.number * 7 % 10_000;
        format!(
            "{{\"sku\": \"sku-{}\", \"amount\": {}.{:02}, \"number\": {}}}",
            self.number % 11,
            cents / 100,
            cents % 100,
            self.number
        )
    }

    /// Data that break their schema.
    pub(super) fn broken_data(self) -> String {
        format!("{{\"number\": {}}}", self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::Tag;

    #[test]
    fn an_id_says_which_event_it_is() {
        let tag = Tag {
            sender: 11,
            number: 1_250_000,
        };
        assert_eq!(Tag::read(&tag.id()), Some(tag));
        for other in ["event-5", "soak-1-0", "soak-1", "soak--1"] {
            assert_eq!(Tag::read(other), None, "{other}");
        }
    }
}
