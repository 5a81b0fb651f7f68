//! Deliveries, made of the bodies of the corpus.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use stage::StageError;

/// What the mapping of `hub/` keeps, stated here once more, because the one who checks
/// must not ask the one who is checked.
const WANTED: [&str; 6] = [
    "push",
    "pull_request",
    "issues",
    "release",
    "workflow_run",
    "dependabot_alert",
];

/// A body with the headers that GitHub would give it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delivery {
    /// `X-GitHub-Delivery`.
    pub(crate) id: String,
    /// `X-GitHub-Event`.
    pub(crate) event: String,
    /// As the corpus has it, line breaks and all.
    pub(crate) body: Bytes,
    /// The name of its repository, when it has one.
    pub(crate) repository: Option<String>,
}

/// One kind of event in the corpus.
#[derive(Deserialize)]
struct Kind {
    name: String,
    examples: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Body {
    repository: Option<Repository>,
}

#[derive(Deserialize)]
struct Repository {
    full_name: String,
}

impl Delivery {
    /// Whether the log must hold it.
    pub(crate) fn is_wanted(&self) -> bool {
        WANTED.contains(&self.event.as_str())
    }

    /// The same with another id and with one bit of one byte turned, a different place
    /// in each delivery.
    pub(crate) fn altered(&self, number: usize) -> Self {
        let mut body = self.body.to_vec();
        let place = number.wrapping_mul(7_919) % body.len().max(1);
        if let Some(byte) = body.get_mut(place) {
            *byte ^= 1;
        }
        Self {
            id: format!("altered-{}", self.id),
            event: self.event.clone(),
            body: Bytes::from(body),
            repository: self.repository.clone(),
        }
    }
}

/// Reads the corpus: the folder of `@octokit/webhooks-examples`.
///
/// # Errors
/// When it is not there, or not what it was.
pub(crate) fn read_corpus(folder: &Path) -> Result<Vec<Delivery>, StageError> {
    let file = folder.join("api.github.com/index.json");
    let text = fs::read_to_string(&file)
        .map_err(StageError::system(format!("reading {}", file.display())))?;
    let unreadable = |error: serde_json::Error| {
        StageError::Unexpected(format!("{} is not the corpus: {error}", file.display()))
    };
    let kinds: Vec<Kind> = serde_json::from_str(&text).map_err(unreadable)?;
    let mut deliveries = Vec::new();
    for kind in kinds {
        for example in kind.examples {
            let body: Body = serde_json::from_str(example.get()).map_err(unreadable)?;
            deliveries.push(Delivery {
                id: format!("00000000-0000-4000-8000-{:012x}", deliveries.len()),
                event: kind.name.clone(),
                body: Bytes::from(example.get().to_owned()),
                repository: body.repository.map(|repository| repository.full_name),
            });
        }
    }
    Ok(deliveries)
}
