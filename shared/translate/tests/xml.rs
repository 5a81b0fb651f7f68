//! XML as mappings see it, and what is refused.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use dragoman_translate::{Document, MAX_XML_DEPTH, XmlErrorKind, xml_to_json};
use proptest::prelude::*;

fn json(xml: &str) -> String {
    with_arrays(xml, &[])
}

fn with_arrays(xml: &str, arrays: &[&str]) -> String {
    let arrays: BTreeSet<String> = arrays.iter().map(|path| (*path).to_owned()).collect();
    xml_to_json(xml.as_bytes(), &arrays).unwrap()
}

fn refused(xml: impl AsRef<[u8]>) -> XmlErrorKind {
    xml_to_json(xml.as_ref(), &BTreeSet::new())
        .unwrap_err()
        .kind
}

#[test]
fn elements_attributes_and_text() {
    for (xml, expected) in [
        ("<a/>", r#"{"a":""}"#),
        ("<a></a>", r#"{"a":""}"#),
        ("<a> x </a>", r#"{"a":" x "}"#),
        ("<a>1.50</a>", r#"{"a":"1.50"}"#),
        (r#"<a b="1"/>"#, r#"{"a":{"@b":"1"}}"#),
        (r#"<a b="1">x</a>"#, r#"{"a":{"@b":"1","text":"x"}}"#),
        ("<a><b>1</b><c/></a>", r#"{"a":{"b":"1","c":""}}"#),
        ("<a>\n  <b>1</b>\n</a>", r#"{"a":{"b":"1"}}"#),
        ("<a>x<b/>y</a>", r#"{"a":{"b":"","text":"xy"}}"#),
        (
            "<a><b>1</b><c/><b>2</b></a>",
            r#"{"a":{"b":["1","2"],"c":""}}"#,
        ),
        ("<a><b/><b/><b/></a>", r#"{"a":{"b":["","",""]}}"#),
    ] {
        assert_eq!(json(xml), expected, "{xml}");
    }
}

#[test]
fn prefixes_and_their_declarations_are_left_out() {
    let xml = r#"<o:a xmlns:o="urn:o" xmlns="urn:d" o:b="1"><o:c/></o:a>"#;
    assert_eq!(json(xml), r#"{"a":{"@b":"1","c":""}}"#);
    let two = "<a x:type='1' type='2' y:z='3'/>";
    assert_eq!(json(two), r#"{"a":{"@type":"2","@x:type":"1","@z":"3"}}"#);
    let text = "<a>x<text>y</text></a>";
    assert_eq!(json(text), r#"{"a":{"text":["y","x"]}}"#);
}

#[test]
fn arrays_are_arrays_even_of_one() {
    let one = "<Order><Line>1</Line></Order>";
    assert_eq!(json(one), r#"{"Order":{"Line":"1"}}"#);
    let all = with_arrays(one, &["Order.Line", "Order.Other"]);
    assert_eq!(all, r#"{"Order":{"Line":["1"]}}"#);
    let elsewhere = with_arrays("<a><Order><Line/></Order></a>", &["Order.Line"]);
    assert_eq!(elsewhere, r#"{"a":{"Order":{"Line":""}}}"#);
    let nested = "<a><b><c/></b><b><c/><c/></b></a>";
    assert_eq!(
        with_arrays(nested, &["a.b.c"]),
        r#"{"a":{"b":[{"c":[""]},{"c":["",""]}]}}"#
    );
}

#[test]
fn comments_instructions_cdata_and_references() {
    for (xml, expected) in [
        (
            "<?xml version='1.0'?><!-- x --><a><!-- x --></a><?y?>",
            r#"{"a":""}"#,
        ),
        ("<a>x<!-- --><?pi?>y</a>", r#"{"a":"xy"}"#),
        ("<a><![CDATA[<b> & ]]></a>", r#"{"a":"<b> & "}"#),
        (
            "<a b='1'><![CDATA[ ]]></a>",
            r#"{"a":{"@b":"1","text":" "}}"#,
        ),
        (
            "<a>&lt;&amp;&gt;&quot;&apos;&#233;&#xe9;</a>",
            "{\"a\":\"<&>\\\"'éé\"}",
        ),
        ("<a b='&lt;&#10;&amp;'/>", r#"{"a":{"@b":"<\n&"}}"#),
        ("<a>1\r\n2\r3</a>", r#"{"a":"1\n2\n3"}"#),
    ] {
        assert_eq!(json(xml), expected, "{xml}");
    }
}

#[test]
fn encodings_that_are_declared_or_marked() {
    let none = BTreeSet::new();
    let cafe = r#"{"a":"café"}"#;
    assert_eq!(json("<a>café</a>"), cafe);
    assert_eq!(json("\u{feff}<a>café</a>"), cafe);
    let latin = b"<?xml version='1.0' encoding='ISO-8859-1'?><a>caf\xe9</a>";
    assert_eq!(xml_to_json(latin, &none).unwrap(), cafe);
    for little in [true, false] {
        let utf16: Vec<u8> = "\u{feff}<?xml version='1.0' encoding='UTF-16'?><a>café</a>"
            .encode_utf16()
            .flat_map(|unit| {
                if little {
                    unit.to_le_bytes()
                } else {
                    unit.to_be_bytes()
                }
            })
            .collect();
        assert_eq!(xml_to_json(&utf16, &none).unwrap(), cafe);
    }
    assert_eq!(refused(b"<a>caf\xe9</a>"), XmlErrorKind::Encoding);
    assert_eq!(
        refused(b"<?xml version='1.0' encoding='UTF-8'?><a>caf\xe9</a>"),
        XmlErrorKind::Encoding
    );
    assert_eq!(
        refused("<?xml version='1.0' encoding='EBCDIC-X'?><a/>"),
        XmlErrorKind::Encoding
    );
    assert_eq!(
        refused("<?xml version='1.0' encoding='UTF-16'?><a/>"),
        XmlErrorKind::NoByteOrderMark
    );
}

#[test]
fn what_may_grow_without_a_bound_is_refused() {
    let bomb = r#"<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;">]><lolz>&lol2;</lolz>"#;
    assert_eq!(refused(bomb), XmlErrorKind::DocumentType);
    let file = r#"<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>"#;
    assert_eq!(refused(file), XmlErrorKind::DocumentType);
    assert_eq!(refused("<!DOCTYPE html><a/>"), XmlErrorKind::DocumentType);
    assert_eq!(refused("<a>&lol;</a>"), XmlErrorKind::Entity);
    assert_eq!(refused("<a b='&lol;'/>"), XmlErrorKind::Entity);
}

#[test]
fn depth_has_an_end() {
    let deep = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
    let all_arrays: BTreeSet<String> = (1..=MAX_XML_DEPTH)
        .map(|depth| vec!["a"; depth].join("."))
        .collect();
    let text = xml_to_json(deep(MAX_XML_DEPTH).as_bytes(), &all_arrays).unwrap();
    Document::parse(text.as_bytes()).unwrap();
    assert_eq!(refused(deep(MAX_XML_DEPTH + 1)), XmlErrorKind::TooDeep);
    assert_eq!(refused(deep(10_000)), XmlErrorKind::TooDeep);
    assert_eq!(refused("<a>".repeat(10_000)), XmlErrorKind::TooDeep);
}

#[test]
fn what_is_not_well_formed_is_refused() {
    for (xml, kind) in [
        ("", XmlErrorKind::Empty),
        (" \n", XmlErrorKind::Empty),
        ("<!-- -->", XmlErrorKind::Empty),
        ("x", XmlErrorKind::OutsideRoot),
        ("<a/>x", XmlErrorKind::OutsideRoot),
        ("<a/><b/>", XmlErrorKind::OutsideRoot),
        ("<a/>&amp;", XmlErrorKind::OutsideRoot),
        ("<a>", XmlErrorKind::Unbalanced),
        ("<a></b>", XmlErrorKind::Unbalanced),
        ("</a>", XmlErrorKind::Unbalanced),
        ("<a><b></a></b>", XmlErrorKind::Unbalanced),
        ("<a", XmlErrorKind::Syntax),
        ("<a b=1/>", XmlErrorKind::Syntax),
        ("<a b/>", XmlErrorKind::Syntax),
        ("<a b='<'/>", XmlErrorKind::Syntax),
        ("<a><![CDATA[x</a>", XmlErrorKind::Syntax),
        ("<a><!-- x</a>", XmlErrorKind::Syntax),
        ("<1/>", XmlErrorKind::Name),
        ("<a:b:c/>", XmlErrorKind::Name),
        ("<a b='1' b='2'/>", XmlErrorKind::AttributeTwice),
        ("<a x:b='1' x:b='2'/>", XmlErrorKind::AttributeTwice),
        ("\n<?xml version='1.0'?><a/>", XmlErrorKind::Syntax),
        ("<a><?xml version='1.0'?></a>", XmlErrorKind::Syntax),
        ("<a>\u{1}</a>", XmlErrorKind::Character),
        ("<a>\0</a>", XmlErrorKind::Character),
        ("<a>&#0;</a>", XmlErrorKind::Character),
        ("<a>&#1;</a>", XmlErrorKind::Character),
        ("<a b='&#1;'/>", XmlErrorKind::Character),
        ("<a>&#xd800;</a>", XmlErrorKind::Character),
    ] {
        assert_eq!(refused(xml), kind, "{xml}");
    }
}

#[test]
fn errors_say_where() {
    let error = xml_to_json(b"<a>\n  <b></c>\n</a>", &BTreeSet::new()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "an element that is not closed, or closed and not open (line 2, column 6)"
    );
}

#[test]
fn characters_and_bytes_that_are_wrong_are_found() {
    for (xml, line, column) in [
        (&b"<a>\n <b>\x01</b></a>"[..], 2, 5),
        (b"<a>\n\n <b>caf\xe9</b></a>", 3, 8),
    ] {
        let error = xml_to_json(xml, &BTreeSet::new()).unwrap_err();
        assert_eq!((error.line, error.column), (line, column));
    }
    assert_eq!(refused(b"<\0a\0/\0>\0"), XmlErrorKind::NoByteOrderMark);
}

/// A megabyte of attributes, of elements of different names, of text in pieces.
#[test]
fn work_grows_with_the_size_alone() {
    let attributes: String = (0..100_000)
        .map(|number| format!(" a{number}=''"))
        .collect();
    json(&format!("<a{attributes}/>"));
    let elements: String = (0..100_000).map(|number| format!("<a{number}/>")).collect();
    json(&format!("<a>{elements}</a>"));
    json(&format!("<a>{}</a>", "&amp;<b/>".repeat(100_000)));
}

proptest! {
    /// Whatever comes, it is JSON that a mapping can read, or refused.
    #[test]
    fn anything_is_json_or_refused(xml in "(<[a-b:]{0,2}( [a-b]='[&;#x0-1a]{0,3}')?/?>|</[a-b]>|&[a-z#0-9]{0,4};|<!\\[CDATA\\[|\\]\\]>|<!--|-->|<\\?x|\\?>|[ x\n<>&]){0,30}") {
        if let Ok(text) = xml_to_json(xml.as_bytes(), &BTreeSet::new()) {
            Document::parse(text.as_bytes()).unwrap();
        }
    }

    #[test]
    fn bytes_are_json_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(text) = xml_to_json(&bytes, &BTreeSet::new()) {
            Document::parse(text.as_bytes()).unwrap();
        }
    }

    /// Text comes back as it was said.
    #[test]
    fn text_survives(text in "[ -~éü漢]{0,40}") {
        let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let expected = serde_json::json!({ "a": text }).to_string();
        prop_assert_eq!(json(&format!("<a>{escaped}</a>")), expected);
    }
}
