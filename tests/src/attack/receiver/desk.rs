//! Where calls come to: looked at, written down, and answered or not.

use std::sync::Mutex;
use std::time::Instant;

use serde_json::Value;

use super::conduct::{Conduct, Loss, Reply};
use super::message::{Answer, Request};
use super::notes::{Call, Did, Notes, Throttling};
use super::server::Presence;
use super::tokens::Tokens;

/// What is left to do with a call: say something, or lose it.
#[derive(Debug)]
pub(super) enum Ending {
    Say(Answer),
    Lose(Loss),
}

/// What connections and judges share.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) conduct: Mutex<Conduct>,
    pub(super) notes: Mutex<Notes>,
    pub(super) tokens: Mutex<Tokens>,
}

impl Desk {
    pub(super) fn of(conduct: Conduct) -> Self {
        Self {
            conduct: Mutex::new(conduct),
            notes: Mutex::default(),
            tokens: Mutex::default(),
        }
    }

    /// Takes a request for a token.
    pub(super) fn take_client(&self, request: &Request, presence: Presence) -> Ending {
        let mut tokens = self.tokens.lock().unwrap();
        tokens.asked += 1;
        match presence {
            Presence::Overloaded => Ending::Say(Answer::down()),
            Presence::Mute => Ending::Lose(Loss::Hang),
            Presence::Open | Presence::Gone => Ending::Say(tokens.give(request)),
        }
    }

    /// Takes a call.
    pub(super) fn take_call(&self, request: &Request, presence: Presence) -> Ending {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        let mut call = Call {
            at: Instant::now(),
            key: request.header("idempotency-key").to_owned(),
            id: text("id"),
            subject: text("subject"),
            did: Did::Nothing,
        };
        let good = self.tokens.lock().unwrap().is_good(request);
        // The notes stand in the order in which it acted.
        let mut notes = self.notes.lock().unwrap();
        let reply = if !good {
            call.did = Did::TurnAway;
            Reply::Answer(Answer::json(401, "{\"error\":\"invalid_token\"}"))
        } else if presence == Presence::Overloaded {
            Reply::Answer(Answer::down())
        } else if presence == Presence::Mute {
            Reply::Lose(Loss::Hang)
        } else {
            let attempt = notes.attempt(&call.id);
            self.conduct.lock().unwrap().reply(&call.id, attempt)
        };
        notes.troubles += usize::from(!matches!(reply, Reply::Act));
        let ending = match reply {
            Reply::Act => {
                call.did = notes.act(&call.key);
                Ending::Say(Answer::json(200, "{\"ok\":true}"))
            }
            Reply::ActAndLose(loss) => {
                call.did = notes.act(&call.key);
                Ending::Lose(loss)
            }
            Reply::Lose(loss) => Ending::Lose(loss),
            Reply::Answer(answer) => Ending::Say(answer),
            Reply::Throttle(answer, pause) => {
                let from = call.at;
                notes.throttlings.push(Throttling { from, pause });
                Ending::Say(answer)
            }
        };
        notes.calls.push(call);
        ending
    }
}
