//! Strict JSON: what is read, what is refused, and where.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fmt::Write as _;

use dragoman_translate::{Document, JsonErrorKind, JsonKind, MAX_DEPTH};

#[test]
fn a_document_keeps_the_text_of_each_value() {
    let text =
        " {\"a\" : [1.10, -0, 1E+2], \"\\u0062\": {\"c\": \"\\ud83d\\ude00\\n\"}, \"\": null } ";
    let document = Document::parse(text.as_bytes()).unwrap();
    let root = document.root();
    assert_eq!(document.text(), text);
    assert_eq!(root.raw(), text.trim());
    assert_eq!(root.kind(), JsonKind::Object);
    let numbers: Vec<_> = root
        .get("a")
        .unwrap()
        .elements()
        .map(|number| number.as_number().unwrap())
        .collect();
    assert_eq!(numbers, ["1.10", "-0", "1E+2"]);
    let emoji = root.get("b").unwrap().get("c").unwrap();
    assert_eq!(emoji.as_text().unwrap(), "😀\n");
    assert_eq!(emoji.raw(), r#""\ud83d\ude00\n""#);
    assert!(root.get("").unwrap().is_null());
    assert!(root.get("c").is_none());
    let keys: Vec<_> = root.members().map(|(key, _)| key.into_owned()).collect();
    assert_eq!(keys, ["a", "b", ""]);
    assert_eq!(root.count(), 3);
    assert_eq!(root.get("a").unwrap().members().count(), 0);
}

#[test]
fn scalars_are_documents() {
    for text in ["null", "true", "false", "0", "\"\"", "[]", "{}", "\t1 \r\n"] {
        let document = Document::parse(text.as_bytes()).unwrap();
        assert_eq!(document.root().raw(), text.trim());
    }
}

#[test]
fn what_is_not_strict_json_is_refused_by_kind() {
    use JsonErrorKind as Kind;
    for (text, kind) in [
        ("", Kind::Empty),
        (" \n", Kind::Empty),
        ("\u{feff}{}", Kind::ByteOrderMark),
        ("{", Kind::UnexpectedEnd),
        ("[1", Kind::UnexpectedEnd),
        ("[1,", Kind::UnexpectedEnd),
        ("{\"a\"", Kind::UnexpectedEnd),
        ("{\"a\":", Kind::UnexpectedEnd),
        ("\"abc", Kind::UnexpectedEnd),
        ("\"\\", Kind::UnexpectedEnd),
        ("\"\\u00", Kind::UnexpectedEnd),
        ("\"\\ud83d", Kind::UnexpectedEnd),
        ("\"\\ud83d\"", Kind::LoneSurrogate),
        ("\"\\ud83d\\", Kind::UnexpectedEnd),
        ("tru", Kind::UnexpectedEnd),
        ("-", Kind::UnexpectedEnd),
        ("1.", Kind::UnexpectedEnd),
        ("1e", Kind::UnexpectedEnd),
        ("{} {}", Kind::TrailingCharacters),
        ("1 2", Kind::TrailingCharacters),
        ("{}\0", Kind::TrailingCharacters),
        ("[1 2]", Kind::ExpectedCommaOrBracket),
        ("[1}", Kind::ExpectedCommaOrBracket),
        ("[1,]", Kind::ExpectedValue),
        ("[,1]", Kind::ExpectedValue),
        ("{\"a\":1,}", Kind::ExpectedKey),
        ("{a:1}", Kind::ExpectedKey),
        ("{'a':1}", Kind::ExpectedKey),
        ("{\"a\" 1}", Kind::ExpectedColon),
        ("{\"a\":1 \"b\":2}", Kind::ExpectedCommaOrBrace),
        ("{\"a\":1]", Kind::ExpectedCommaOrBrace),
        ("nul", Kind::UnexpectedEnd),
        ("NaN", Kind::ExpectedValue),
        ("nope", Kind::ExpectedValue),
        ("+1", Kind::ExpectedValue),
        (".5", Kind::ExpectedValue),
        ("01", Kind::BadNumber),
        ("-01", Kind::BadNumber),
        ("1.x", Kind::BadNumber),
        ("1.e3", Kind::BadNumber),
        ("1e+", Kind::UnexpectedEnd),
        ("[1e+]", Kind::BadNumber),
        ("0x10", Kind::BadNumber),
        ("1-2", Kind::BadNumber),
        ("1e131072", Kind::NumberOutOfRange),
        ("1e-16384", Kind::NumberOutOfRange),
        ("1e99999999999999999999999", Kind::NumberOutOfRange),
        ("-1e-99999999999999999999999", Kind::NumberOutOfRange),
        ("\"a\nb\"", Kind::ControlCharacter),
        ("\"\0\"", Kind::ControlCharacter),
        ("\"\\u0000\"", Kind::NulCharacter),
        ("{\"\\u0000\":1}", Kind::NulCharacter),
        ("\"\\x41\"", Kind::BadEscape),
        ("\"\\u12g4\"", Kind::BadEscape),
        ("\"\\ud83dx\"", Kind::LoneSurrogate),
        ("\"\\ud83d\\u0041\"", Kind::LoneSurrogate),
        ("\"\\ude00\"", Kind::LoneSurrogate),
        ("{\"a\":1,\"a\":2}", Kind::DuplicateKey),
        ("{\"a\":1,\"\\u0061\":2}", Kind::DuplicateKey),
        ("[{\"a\":{\"b\":1,\"b\":1}}]", Kind::DuplicateKey),
    ] {
        let error = Document::parse(text.as_bytes()).expect_err(text);
        assert_eq!(error.kind, kind, "{text}");
    }
    for bytes in [&b"\"\xff\""[..], b"{\"a\":\"\xed\xa0\x80\"}", b"\xc0\x80"] {
        let error = Document::parse(bytes).unwrap_err();
        assert_eq!(error.kind, Kind::NotUtf8);
    }
}

#[test]
fn the_limits_of_numbers_are_those_of_a_decimal_of_postgres() {
    for text in ["1e131071", "1e-16383", "-9.99e131071", "0e100", "1E+5"] {
        assert!(Document::parse(text.as_bytes()).is_ok(), "{text}");
    }
    let long = "9".repeat(131_072);
    assert!(Document::parse(long.as_bytes()).is_ok());
    assert!(Document::parse(format!("{long}0").as_bytes()).is_err());
}

#[test]
fn an_error_says_where_it_is() {
    let text = "{\n  \"a\": [1, {\"b/~\": tru }]\n}";
    let error = Document::parse(text.as_bytes()).unwrap_err();
    assert_eq!(error.pointer, "/a/1/b~1~0");
    assert_eq!((error.line, error.column), (2, 20));
    assert_eq!(&text[error.offset..error.offset + 3], "tru");
    insta::assert_snapshot!(error);

    let error = Document::parse("{\"é\": 1,\n \"é\": 2}".as_bytes()).unwrap_err();
    assert_eq!(error.pointer, "/é");
    assert_eq!((error.line, error.column), (2, 2));
    insta::assert_snapshot!(error);
    insta::assert_snapshot!(Document::parse(b"").unwrap_err());
}

#[test]
fn every_kind_says_what_is_wrong() {
    let mut said = String::new();
    for text in [
        "",
        "\u{feff}1",
        "{",
        "[1,]",
        "{1",
        "{\"a\"1",
        "{\"a\":1 2",
        "[1 2",
        "1 2",
        "{\"a\":1,\"a\":1}",
        "\"\n\"",
        "\"\\u0000\"",
        "\"\\x\"",
        "\"\\udc00\"",
        "01",
        "1e999999",
    ] {
        let error = Document::parse(text.as_bytes()).unwrap_err();
        writeln!(said, "{text:?}: {error}").unwrap();
    }
    insta::assert_snapshot!(said);
}

#[test]
fn depth_is_bounded_and_costs_no_stack() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(Document::parse(nested(MAX_DEPTH).as_bytes()).is_ok());
    let small_stack = std::thread::Builder::new()
        .stack_size(64 * 1024)
        .spawn(move || {
            for depth in [MAX_DEPTH + 1, 10_000, 1_000_000] {
                for text in [nested(depth), "{\"a\":".repeat(depth)] {
                    let error = Document::parse(text.as_bytes()).unwrap_err();
                    assert_eq!(error.kind, JsonErrorKind::TooDeep);
                }
            }
        })
        .unwrap();
    small_stack.join().unwrap();
}

#[test]
fn many_keys_are_compared_without_squaring() {
    let object = |keys: usize| {
        let mut text = String::from("{");
        for key in 0..keys {
            write!(text, "\"k{key}\":{key},").unwrap();
        }
        text
    };
    let many = object(200_000);
    assert!(Document::parse(format!("{many}\"last\":1}}").as_bytes()).is_ok());
    let error = Document::parse(format!("{many}\"k77\":1}}").as_bytes()).unwrap_err();
    assert_eq!(error.kind, JsonErrorKind::DuplicateKey);
    assert_eq!(error.pointer, "/k77");
}
