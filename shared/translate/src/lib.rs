//! From bytes to events and from events to columns: strict decoding, JSON Schema, VRL programs. Pure.
