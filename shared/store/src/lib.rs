//! The hub's own tables: log, ledger, catalogue, keys, quarantine, marks, leases.
