//! What goes into a statement: each key with each content once. Duplicates inside a
//! batch are found here, before the database sees them.

use std::collections::HashMap;

use dragoman_core::Event;

use super::{AppendConflict, AppendRequest};
use crate::content_hash;

/// An event to store, and who else sent the very same.
#[derive(Debug, Clone)]
pub(super) struct Row<'a> {
    pub(super) adapter: &'a str,
    pub(super) event: &'a Event,
    pub(super) content_hash: [u8; 32],
    /// Who sent it: numbers of requests when those have one event each, else numbers
    /// of events of the one request. The first of them is the one that is stored.
    pub(super) members: Vec<usize>,
}

impl<'a> Row<'a> {
    fn new(adapter: &'a str, event: &'a Event, member: usize) -> Self {
        Self {
            adapter,
            event,
            content_hash: content_hash(event),
            members: vec![member],
        }
    }

    /// The dedupe key. Its order is the one in which every statement takes keys.
    pub(super) fn key(&self) -> (&'a str, &'a str) {
        (&self.event.source, &self.event.id)
    }
}

/// The rows of the requests that have one event, in their order. Several rows may
/// have one key, with different contents.
pub(super) fn of_single_events(requests: &[AppendRequest]) -> Vec<Row<'_>> {
    let mut rows: Vec<Row<'_>> = Vec::with_capacity(requests.len());
    let mut places = HashMap::with_capacity(requests.len());
    for (number, request) in requests.iter().enumerate() {
        let [event] = request.events.as_slice() else {
            continue;
        };
        let row = Row::new(&request.adapter, event, number);
        let place = *places
            .entry((row.key(), row.content_hash))
            .or_insert(rows.len());
        match rows.get_mut(place) {
            Some(same) => same.members.push(number),
            None => rows.push(row),
        }
    }
    rows
}

/// The rows of one request, each with a key of its own.
///
/// # Errors
/// The events whose keys stand for other content earlier in the same request.
pub(super) fn of_one_request(request: &AppendRequest) -> Result<Vec<Row<'_>>, Vec<AppendConflict>> {
    let mut rows: Vec<Row<'_>> = Vec::with_capacity(request.events.len());
    let mut places = HashMap::with_capacity(request.events.len());
    let mut conflicts = Vec::new();
    for (number, event) in request.events.iter().enumerate() {
        let row = Row::new(&request.adapter, event, number);
        let place = *places.entry(row.key()).or_insert(rows.len());
        match rows.get_mut(place) {
            None => rows.push(row),
            Some(first) if first.content_hash == row.content_hash => first.members.push(number),
            Some(_) => conflicts.push(AppendConflict {
                event: number,
                stored_at: None,
            }),
        }
    }
    if conflicts.is_empty() {
        Ok(rows)
    } else {
        Err(conflicts)
    }
}
