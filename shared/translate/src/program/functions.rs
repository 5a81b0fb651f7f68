//! The functions that programs have: those of VRL that are deterministic, reach
//! nothing outside, and bear any payload. `parse_json` is our own: strict and exact.

use std::sync::LazyLock;

use vrl::compiler::Function;
use vrl::compiler::prelude::kind;

use super::parse_json::ParseJson;

const CLOCK: &str = "it reads the clock, which no program can: use `.received` or `.time`";
const RANDOM: &str = "it is random, and a program must yield the same each time it runs";
const OUTSIDE: &str = "it reaches outside, which no program can";
const DECODE: &str = "bodies are decoded before the mapping, by the adapter's `decode`";
const DEEP: &str = "a payload could make it nest without limit";

const WHOLE: &str = "it copies all that comes in for each element: use map_values(…) on the array";

/// What is left out of VRL's functions, and why.
const LEFT_OUT: &[(&str, &str)] = &[
    ("now", CLOCK),
    ("parse_klog", CLOCK),
    ("parse_linux_authorization", CLOCK),
    ("parse_syslog", CLOCK),
    ("uuid_v7", CLOCK),
    ("uuid_v4", RANDOM),
    ("random_bool", RANDOM),
    ("random_bytes", RANDOM),
    ("random_float", RANDOM),
    ("random_int", RANDOM),
    ("log", OUTSIDE),
    ("dns_lookup", OUTSIDE),
    ("reverse_dns", OUTSIDE),
    ("http_request", OUTSIDE),
    ("get_env_var", OUTSIDE),
    ("get_hostname", OUTSIDE),
    ("get_timezone_name", OUTSIDE),
    ("parse_groks", OUTSIDE),
    ("parse_proto", OUTSIDE),
    ("encode_proto", OUTSIDE),
    ("validate_json_schema", OUTSIDE),
    ("parse_xml", DECODE),
    ("parse_yaml", DECODE),
    ("parse_cbor", DECODE),
    ("decode_base16", DECODE),
    ("decode_base64", DECODE),
    ("decode_charset", DECODE),
    ("decode_gzip", DECODE),
    ("decode_lz4", DECODE),
    ("decode_mime_q", DECODE),
    ("decode_percent", DECODE),
    ("decode_punycode", DECODE),
    ("decode_snappy", DECODE),
    ("decode_zlib", DECODE),
    ("decode_zstd", DECODE),
    ("parse_ruby_hash", DEEP),
    ("set", DEEP),
    ("unflatten", DEEP),
    ("unnest", WHOLE),
];

static ALL: LazyLock<Vec<Box<dyn Function>>> = LazyLock::new(|| {
    vrl::stdlib::all()
        .into_iter()
        .filter(|function| why_left_out(function.identifier()).is_none())
        .map(|function| match function.identifier() {
            "parse_json" => Box::new(ParseJson) as Box<dyn Function>,
            _ => function,
        })
        .collect()
});

/// All functions that a program may call.
pub(super) fn all() -> &'static [Box<dyn Function>] {
    &ALL
}

/// Whether the value of a function may have something inside it.
pub(super) fn can_nest(name: &str) -> bool {
    let named = all().iter().find(|function| function.identifier() == name);
    named.is_some_and(|function| function.return_kind() & (kind::ARRAY | kind::OBJECT) != 0)
}

/// Why there is no such function here, if VRL has it.
pub(super) fn why_left_out(name: &str) -> Option<&'static str> {
    LEFT_OUT
        .iter()
        .find(|(left_out, _)| *left_out == name)
        .map(|(_, why)| *why)
}

#[cfg(test)]
mod tests {
    use super::{LEFT_OUT, all};

    #[test]
    fn what_is_left_out_is_not_there() {
        let names: Vec<_> = all().iter().map(|function| function.identifier()).collect();
        for (left_out, _) in LEFT_OUT {
            assert!(!names.contains(left_out), "{left_out}");
        }
        // A new release of VRL must not bring in a function that nobody has looked at.
        insta::assert_snapshot!(names.join(" "));
    }
}
