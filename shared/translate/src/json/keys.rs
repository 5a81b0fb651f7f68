//! Duplicate keys.

use std::collections::HashSet;

use super::node::Node;
use super::string::unescape;

/// Up to so many keys are compared with each other; more go through a hash.
const FEW: usize = 8;

/// The first key of the object at `object` that was there before, escapes resolved.
pub(super) fn duplicate(text: &str, nodes: &[Node], object: usize) -> Option<usize> {
    let container = nodes[object];
    if container.count < 2 {
        return None;
    }
    let keys = Keys {
        nodes,
        at: object + 1,
    };
    if container.count as usize <= FEW {
        keys.enumerate().find_map(|(index, key)| {
            let earlier = Keys {
                nodes,
                at: object + 1,
            };
            earlier
                .take(index)
                .any(|other| same(text, nodes[other], nodes[key]))
                .then_some(key)
        })
    } else {
        let mut seen = HashSet::with_capacity(container.count as usize);
        let mut keys = keys;
        keys.find(|&key| !seen.insert(resolved(text, nodes[key])))
    }
}

fn same(text: &str, one: Node, other: Node) -> bool {
    if one.escaped || other.escaped {
        resolved(text, one) == resolved(text, other)
    } else {
        raw(text, one) == raw(text, other)
    }
}

fn resolved(text: &str, key: Node) -> std::borrow::Cow<'_, str> {
    unescape(raw(text, key), key.escaped)
}

fn raw(text: &str, key: Node) -> &str {
    &text[key.start as usize..key.end as usize]
}

/// The keys of a closed object, from `at` to the end of the tape.
struct Keys<'n> {
    nodes: &'n [Node],
    at: usize,
}

impl Iterator for Keys<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let key = self.at;
        let value = self.nodes.get(key + 1)?;
        self.at = value.next as usize;
        Some(key)
    }
}
