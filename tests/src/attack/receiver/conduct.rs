//! What a receiver does with a call: by its mood, and by draws that its seed and the event
//! decide, so that the same event meets the same again.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::{Duration, Instant};

use chrono::Utc;

use super::message::Answer;
use super::mood::Mood;

/// Of so many replies, or requests, some get lost.
const OUT_OF: u64 = 100;
/// Of so many events one fails three times.
const ONE_FAILS_OF: u64 = 20;
const FAILURES: u32 = 3;
/// Of so many events one is refused for good.
const ONE_REFUSED_OF: u64 = 60;
/// The rest between two pauses that it asks for.
const CALM: Duration = Duration::from_millis(700);

/// What becomes of a call.
#[derive(Debug, Clone)]
pub(super) enum Reply {
    /// Acts, unless it did under this key, and says so.
    Act,
    /// Acts, unless it did under this key, and the reply gets lost.
    ActAndLose(Loss),
    /// Does nothing, and says nothing.
    Lose(Loss),
    /// Does nothing, and answers.
    Answer(Answer),
    /// Asks for a pause.
    Throttle(Answer, Duration),
}

/// How something gets lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loss {
    Cut,
    /// In the middle of the answer.
    BreakOff,
    Hang,
}

/// How it behaves from now on.
#[derive(Debug)]
pub(super) struct Conduct {
    mood: Mood,
    seed: u64,
    /// Until then it asks for no pause.
    calm_until: Option<Instant>,
    throttlings: u64,
}

impl Conduct {
    pub(super) const fn of(mood: Mood, seed: u64) -> Self {
        Self {
            mood,
            seed,
            calm_until: None,
            throttlings: 0,
        }
    }

    /// Nothing goes wrong any more. What is refused for good stays so.
    pub(super) fn heal(&mut self) {
        if self.mood != Mood::Refuses {
            self.mood = Mood::Well;
        }
    }

    /// Refuses nothing any more.
    pub(super) fn take_everything(&mut self) {
        self.mood = Mood::Well;
    }

    /// Whether it refuses an event, however often it comes.
    pub(super) fn refuses(&self, id: &str) -> bool {
        self.mood == Mood::Refuses && self.draw(id, 0).is_multiple_of(ONE_REFUSED_OF)
    }

    /// What becomes of an event that comes for that time.
    pub(super) fn reply(&mut self, id: &str, attempt: u32) -> Reply {
        match self.mood {
            Mood::Well | Mood::IsDown | Mood::IsDownForLong | Mood::GivesNoTokens => Reply::Act,
            Mood::LosesReplies => match self.draw(id, attempt) % OUT_OF {
                0..3 => Reply::ActAndLose(Loss::Cut),
                3..6 => Reply::ActAndLose(Loss::BreakOff),
                6 => Reply::ActAndLose(Loss::Hang),
                _ => Reply::Act,
            },
            Mood::LosesRequests => match self.draw(id, attempt) % OUT_OF {
                0..6 => Reply::Lose(Loss::Cut),
                6 => Reply::Lose(Loss::Hang),
                _ => Reply::Act,
            },
            Mood::Throttles => self.throttle(attempt),
            Mood::Fails if attempt <= FAILURES && self.fails(id) => Reply::Answer(failure(attempt)),
            Mood::Refuses if self.refuses(id) => {
                Reply::Answer(Answer::json(422, "{\"error\":\"nobody wants this\"}"))
            }
            Mood::Fails | Mood::Refuses => Reply::Act,
        }
    }

    fn fails(&self, id: &str) -> bool {
        self.draw(id, 0).is_multiple_of(ONE_FAILS_OF)
    }

    /// Only of an event that comes for the first time: the pause is for everybody then.
    fn throttle(&mut self, attempt: u32) -> Reply {
        let now = Instant::now();
        let calm_until = *self.calm_until.get_or_insert(now + CALM);
        if attempt > 1 || now < calm_until {
            return Reply::Act;
        }
        let seconds = 1 + i64::from((self.throttlings + self.seed).is_multiple_of(3));
        let pause = Duration::from_secs(seconds.unsigned_abs());
        self.throttlings += 1;
        self.calm_until = Some(now + pause + CALM);
        let mut answer = Answer::json(429, "{\"error\":\"slow down\"}");
        if (self.throttlings + self.seed).is_multiple_of(2) {
            answer.headers.push(("retry-after", seconds.to_string()));
        } else {
            // A date counts from that of the answer: this one has a clock of its own.
            let date = Utc::now() - chrono::Duration::hours(3);
            let until = date + chrono::Duration::seconds(seconds);
            answer.headers.push(("date", http_date(date)));
            answer.headers.push(("retry-after", http_date(until)));
        }
        Reply::Throttle(answer, pause)
    }

    fn draw(&self, id: &str, attempt: u32) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.seed, id, attempt).hash(&mut hasher);
        hasher.finish()
    }
}

fn failure(attempt: u32) -> Answer {
    if attempt.is_multiple_of(2) {
        return Answer {
            status: 502,
            headers: vec![("content-type", "text/html".to_owned())],
            body: "<html><body><h1>Bad Gateway</h1>\0<p>nginx</p></body></html>".to_owned(),
        };
    }
    Answer::json(500, "{\"error\":\"of ours\"}")
}

fn http_date(date: chrono::DateTime<Utc>) -> String {
    date.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
