//! What the command line says.

/// What to run, and how.
#[derive(Debug, Clone)]
pub(crate) struct Arguments {
    pub(crate) quick: bool,
    pub(crate) seed: u64,
    pub(crate) at_a_time: usize,
    pub(crate) texts: Vec<String>,
    /// So many events are to be sent under a storm, and nothing else is done.
    pub(crate) soak: Option<u64>,
    /// With this mistake in it.
    pub(crate) planted: Option<String>,
}

impl Arguments {
    pub(crate) fn read(mut arguments: impl Iterator<Item = String>) -> Self {
        let mut read = Self {
            quick: false,
            seed: rand::random_range(1..1_000_000),
            at_a_time: 6,
            texts: Vec::new(),
            soak: None,
            planted: None,
        };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--quick" => read.quick = true,
                "--seed" => read.seed = number(arguments.next()),
                "--soak" => read.soak = Some(number(arguments.next())),
                "--planted" => read.planted = arguments.next(),
                "--at-a-time" => {
                    read.at_a_time = usize::try_from(number(arguments.next())).unwrap_or(1);
                }
                text => read.texts.push(text.to_owned()),
            }
        }
        read
    }

    pub(crate) fn want(&self, name: &str) -> bool {
        self.texts.is_empty() || self.texts.iter().any(|text| name.contains(text))
    }
}

fn number(text: Option<String>) -> u64 {
    let number = text.as_deref().and_then(|text| text.parse().ok());
    number.unwrap_or_else(|| panic!("a number is missing"))
}
