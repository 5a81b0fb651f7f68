//! Where relative paths start and which environment counts, while a file is read.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where the values of `${NAME}` come from.
#[derive(Debug, Clone, Default)]
pub enum Environment {
    /// The environment of this process.
    #[default]
    Process,
    /// These values and no others: what tests use, since the environment of a
    /// process is shared by all of its threads.
    Fixed(BTreeMap<String, String>),
}

impl Environment {
    /// The value of a variable; `None` when it is unset or not UTF-8.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        match self {
            Self::Process => std::env::var(name).ok(),
            Self::Fixed(values) => values.get(name).cloned(),
        }
    }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Scope {
    /// The folder that relative paths start from; empty: the current one.
    pub(crate) base: PathBuf,
    pub(crate) environment: Environment,
}

thread_local! {
    static SCOPES: RefCell<Vec<Scope>> = const { RefCell::new(Vec::new()) };
}

/// Runs `read` with relative paths starting at `base` (the folder of the file that
/// is read) and the environment of the process. Scopes nest; the innermost counts.
/// It holds for this thread, so `read` must do its work on it.
pub fn scope<R>(base: &Path, read: impl FnOnce() -> R) -> R {
    scope_with(base, Environment::Process, read)
}

/// Like [`scope`], with an environment of its own.
pub fn scope_with<R>(base: &Path, environment: Environment, read: impl FnOnce() -> R) -> R {
    SCOPES.with_borrow_mut(|scopes| {
        scopes.push(Scope {
            base: base.to_owned(),
            environment,
        });
    });
    // A guard, so that a panic in a test's closure does not leave its scope behind.
    let _leave = Leave;
    read()
}

pub(crate) fn current() -> Scope {
    SCOPES.with_borrow(|scopes| scopes.last().cloned().unwrap_or_default())
}

struct Leave;

impl Drop for Leave {
    fn drop(&mut self) {
        SCOPES.with_borrow_mut(|scopes| {
            scopes.pop();
        });
    }
}
