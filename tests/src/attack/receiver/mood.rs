//! How a receiver behaves.

/// How a receiver behaves while the attack lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// It does what it is asked to, and says so.
    Well,
    /// It acts, and its reply gets lost: the connection is cut, breaks off, or hangs.
    LosesReplies,
    /// Requests get lost: the connection is cut or hangs, and nothing is done.
    LosesRequests,
    /// Now and then it asks for a pause: 429 with `Retry-After`, as seconds or as a date.
    Throttles,
    /// Some events fail three times each before it acts on them, others never.
    Fails,
    /// For some seconds it does not listen, and for some it answers nothing but 503.
    IsDown,
    /// The same for half a minute, and it takes calls without ever answering, too.
    IsDownForLong,
    /// For ten seconds nobody gives tokens for it.
    GivesNoTokens,
    /// A few events it refuses for good.
    Refuses,
}

impl Mood {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Well,
        Self::LosesReplies,
        Self::LosesRequests,
        Self::Throttles,
        Self::Fails,
        Self::IsDown,
        Self::IsDownForLong,
        Self::GivesNoTokens,
        Self::Refuses,
    ];
}
