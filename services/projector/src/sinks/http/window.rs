//! Events on their way to a receiver: in order within a subject, all subjects at once.
//!
//! Events come in at one end, in the order of their reader, and leave at the other, in the
//! same order, once they are done or their subject is to be parked. In between each subject
//! has at most one event under way. What has left is recorded; so the owner record is one
//! number, and a subject that takes long holds up no other as long as there is room.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use dragoman_core::{Position, RecordedEvent};
use dragoman_faults::{Bug, planted};

use crate::bookkeeping::parking::Failure;

/// An event on its way.
#[derive(Debug)]
pub(crate) struct Entry {
    /// As the projection sees it.
    pub(crate) event: Arc<RecordedEvent>,
    pub(crate) topic: String,
    /// How often an operator edited it.
    pub(crate) edits: i32,
    pub(crate) state: State,
}

/// Where an event stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// Its turn has not come.
    Waiting,
    /// It is under way.
    Sending,
    /// It took effect.
    Done,
    /// An operator had decided to skip it.
    Skipped,
    /// It did not take effect, and its subject is to be parked.
    Failed(Failure),
    /// Its subject is parked, or about to be.
    Behind,
}

impl State {
    const fn is_settled(&self) -> bool {
        match self {
            Self::Waiting | Self::Sending => false,
            Self::Done | Self::Skipped | Self::Failed(_) | Self::Behind => true,
        }
    }
}

/// Who must keep the order among themselves: a topic and a subject, or everybody.
pub(crate) type Line = (String, String);

/// What is known of a line.
#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Position>,
    sending: bool,
    /// Nothing more of it is sent until what stands before is recorded.
    blocked: bool,
    /// How many of its events are in the window.
    entries: usize,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Window {
    entries: VecDeque<Entry>,
    lines: HashMap<Line, Queue>,
    /// Lines whose next event may be sent.
    ready: VecDeque<Line>,
    /// Whether all events are one line.
    total: bool,
    /// What the data of its events take.
    bytes: usize,
}

impl Window {
    /// An empty one; `total`: nothing may pass anything.
    pub(crate) fn new(total: bool) -> Self {
        Self {
            entries: VecDeque::new(),
            lines: HashMap::new(),
            ready: VecDeque::new(),
            total,
            bytes: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// How many bytes of data its events have.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Takes in an event above all those that it has. `state`: waiting, skipped or behind.
    pub(crate) fn add(&mut self, mut entry: Entry) {
        let line = line_of(self.total, &entry);
        let queue = self.lines.entry(line.clone()).or_default();
        queue.entries += 1;
        self.bytes += entry.event.event.data.len();
        match entry.state {
            State::Waiting if queue.blocked => entry.state = State::Behind,
            State::Waiting => {
                queue.waiting.push_back(entry.event.position);
                if !queue.sending && queue.waiting.len() == 1 {
                    self.ready.push_back(line);
                }
            }
            State::Behind => queue.blocked = true,
            State::Sending | State::Done | State::Skipped | State::Failed(_) => {}
        }
        self.entries.push_back(entry);
    }

    /// The next event to be sent, if any may be. It is under way from here on.
    pub(crate) fn send_next(&mut self) -> Option<&Entry> {
        let line = self.ready.pop_front()?;
        let queue = self.lines.get_mut(&line)?;
        let position = queue.waiting.pop_front()?;
        queue.sending = true;
        let entry = find(&mut self.entries, position)?;
        entry.state = State::Sending;
        Some(entry)
    }

    /// What came of an event that was under way.
    pub(crate) fn settle(&mut self, position: Position, outcome: Result<(), Failure>) {
        let Some(entry) = find(&mut self.entries, position) else {
            return;
        };
        let line = line_of(self.total, entry);
        let Some(queue) = self.lines.get_mut(&line) else {
            return;
        };
        queue.sending = false;
        match outcome {
            Ok(()) => {
                entry.state = State::Done;
                if !queue.waiting.is_empty() {
                    self.ready.push_back(line);
                }
            }
            Err(failure) => {
                entry.state = State::Failed(failure);
                queue.blocked = true;
                for position in std::mem::take(&mut queue.waiting) {
                    if let Some(entry) = find(&mut self.entries, position) {
                        entry.state = State::Behind;
                    }
                }
            }
        }
    }

    /// How many events at the front are settled, `limit` at the most.
    pub(crate) fn settled(&self, limit: usize) -> usize {
        self.entries
            .iter()
            .take(limit)
            .take_while(|entry| entry.state.is_settled())
            .count()
    }

    /// The events at the front.
    pub(crate) fn front(&self, number: usize) -> impl Iterator<Item = &Entry> {
        self.entries.iter().take(number)
    }

    /// Events at the front are recorded: they leave.
    pub(crate) fn leave(&mut self, number: usize) {
        for entry in self.entries.drain(..number.min(self.entries.len())) {
            self.bytes -= entry.event.event.data.len();
            let line = line_of(self.total, &entry);
            if let Some(queue) = self.lines.get_mut(&line) {
                queue.entries -= 1;
                if queue.entries == 0 {
                    self.lines.remove(&line);
                }
            }
        }
    }

    /// A line is not parked any more, though some of its events stand behind it: they are
    /// sent after all.
    pub(crate) fn release(&mut self, line: &Line) {
        let total = self.total;
        let of_line = |entry: &Entry| line_of(total, entry) == *line;
        let Some(queue) = self.lines.get_mut(line) else {
            return;
        };
        for entry in self.entries.iter_mut().filter(|entry| of_line(entry)) {
            match entry.state {
                State::Failed(_) => return,
                State::Behind => {
                    entry.state = State::Waiting;
                    queue.waiting.push_back(entry.event.position);
                }
                State::Waiting | State::Sending | State::Done | State::Skipped => {}
            }
        }
        queue.blocked = false;
        if !queue.sending && !queue.waiting.is_empty() {
            self.ready.push_back(line.clone());
        }
    }
}

/// Which line an event is of.
fn line_of(total: bool, entry: &Entry) -> Line {
    if total {
        return Line::default();
    }
    if planted(Bug::RetryOvertaken) {
        return (entry.topic.clone(), entry.event.position.to_string());
    }
    (entry.topic.clone(), entry.event.event.subject.clone())
}

/// Entries stand by position.
fn find(entries: &mut VecDeque<Entry>, position: Position) -> Option<&mut Entry> {
    let index = entries
        .binary_search_by_key(&position, |entry| entry.event.position)
        .ok()?;
    entries.get_mut(index)
}
