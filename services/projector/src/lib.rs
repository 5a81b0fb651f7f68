//! Brings downstream tables into line with the log: apply, park, rebuild.
