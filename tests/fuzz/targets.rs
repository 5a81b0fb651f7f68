//! What is fed.

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use dragoman_tests::hub_program;
use dragoman_translate::{Document, form_to_json, xml_to_json};

/// How long a check may take.
const CHECKED: Duration = Duration::from_secs(20);
/// The rest between two looks whether it has ended.
const LOOK: Duration = Duration::from_millis(2);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Json,
    Xml,
    Form,
    Check,
}

impl Target {
    pub(crate) const ALL: [Self; 4] = [Self::Json, Self::Xml, Self::Form, Self::Check];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Xml => "xml",
            Self::Form => "form",
            Self::Check => "check",
        }
    }

    pub(crate) fn examples(self) -> Vec<Vec<u8>> {
        let texts: &[&str] = match self {
            Self::Json => &[
                r#"{"a":[1,-2.50e+7,true,null,{"b":"x\u00e9\n\ud83d\ude00"}],"c":{}}"#,
                r#"[[[[[[]]]]]]"#,
                r#""text""#,
            ],
            Self::Xml => &[
                r#"<?xml version="1.0" encoding="UTF-8"?><o:Order xmlns:o="urn:o" id="1"><o:Line n='&amp;'>a &lt; b</o:Line><!-- c --><o:Line/><![CDATA[<x>]]></o:Order>"#,
                "<?xml version='1.0' encoding='ISO-8859-1'?><a><b>1</b>text<b>2</b></a>",
                r#"<!DOCTYPE a [<!ENTITY x "y">]><a>&x;&#233;</a>"#,
            ],
            Self::Form => &[
                "a=1&b=x+y%21&a=2",
                "payload=%7B%22a%22%3A1%7D",
                "caf%C3%A9=&=&",
            ],
            Self::Check => &[
                "postgres: postgres://localhost/hub\nkafka: { brokers: '127.0.0.1:9092' }\nhttp: { body_limit: 1MiB }\nevents:\n  order.placed: { topic: orders }\nadapters:\n  api: { kind: api }\n  hooks:\n    kind: webhook\n    verify: { scheme: hmac, header: X-Sig, secrets: [a] }\n    decode: xml\n    arrays: [Order.Line]\n    map: hooks.vrl\nprojections:\n  stock:\n    events: [order.placed]\n    sink: { kind: postgres, url: postgres://localhost/x, table: stock }\n    each: .data.lines\n    key: { sku: { type: text, from: .item.sku } }\n    columns: { sold: { type: 'numeric(14,2)', add: .item.quantity } }\n",
                "events:\n  order.placed: { topic: orders }\nprojections:\n  crm:\n    events: [order.placed]\n    from: now\n    sink:\n      kind: http\n      url: https://crm.example/api\n      auth: { scheme: oauth2, token_url: 'https://crm.example/token', client_id: hub, client_secret: s }\n      concurrency: 16\n      rate: 100/s\n      timeout: 10s\n      success: .status < 300\n      retry: { first: 200ms, max: 5m, for: 72h, on: .status == 409 }\n    request: hooks.vrl\n",
                "events:\n  order.placed: { topic: orders }\nprojections:\n  state:\n    events: [order.placed]\n    sink: { kind: postgres, table: state }\n    key: { id: { type: text, from: .subject } }\n    order: total\n    columns: { state: text, total: numeric, updated: timestamptz }\n    fold: hooks.vrl\n  own:\n    events: [order.placed]\n    from: 7\n    sink: { kind: postgres }\n    execute: { order.placed: 'select reserve(:subject, :data)' }\n",
            ],
        };
        texts.iter().map(|text| text.as_bytes().to_vec()).collect()
    }

    /// What means something in such an input.
    pub(crate) fn words(self) -> Vec<Vec<u8>> {
        let words: &[&[u8]] = match self {
            Self::Json => &[
                b"{",
                b"[",
                b"]}",
                b"\"",
                b"\\u",
                b"\\ud800",
                b"1e999",
                b"\0",
                b"\xff",
                b"\xef\xbb\xbf",
            ],
            Self::Xml => &[
                b"<a>",
                b"</a>",
                b"<a",
                b"/>",
                b"<!--",
                b"-->",
                b"<![CDATA[",
                b"]]>",
                b"<?",
                b"?>",
                b"&",
                b"&#0;",
                b"&#x",
                b"<!DOCTYPE",
                b"\0",
                b"\xff\xfe",
                b"\xfe\xff",
                b"xmlns:",
                b" encoding='utf-16'",
                b":",
            ],
            Self::Form => &[b"&", b"=", b"%", b"%00", b"%ff", b"+", b"\0"],
            Self::Check => &[
                b": ",
                b"- ",
                b"\n",
                b"  ",
                b"{",
                b"}",
                b"[",
                b"]",
                b"&a",
                b"*a",
                b"!!",
                b"|",
                b"${X}",
                b"${",
                b"file:x",
                b"'",
                b"\"",
                b"numeric(",
                b"99999999999999999999",
                b"if",
                b"{{",
                b".data",
                b"!",
                b"??",
                b"each:",
                b"null",
                b"\t",
            ],
        };
        words.iter().map(|word| word.to_vec()).collect()
    }

    /// Whether it is taken.
    ///
    /// # Errors
    /// What is wrong with how it was taken.
    pub(crate) fn feed(self, input: &[u8]) -> Result<bool, String> {
        let arrays: BTreeSet<String> = ["a", "a.b", "Order.Line"].map(str::to_owned).into();
        let json = match self {
            Self::Json => {
                // Whatever we take, others must take too.
                let taken = Document::parse(input).is_ok();
                let other = serde_json::from_slice::<serde::de::IgnoredAny>(input).is_ok();
                // The other one ends one level earlier.
                let opened = input.iter().filter(|byte| matches!(byte, b'[' | b'{'));
                if taken && !other && opened.count() < 120 {
                    return Err("it is taken, and is no JSON".to_owned());
                }
                return Ok(taken);
            }
            Self::Xml => xml_to_json(input, &arrays).ok(),
            Self::Form => form_to_json(input, &arrays).ok(),
            Self::Check => return check(input),
        };
        let Some(json) = json else { return Ok(false) };
        match Document::parse(json.as_bytes()) {
            Ok(_) => Ok(true),
            Err(error) => Err(format!("what it becomes cannot be read: {error}")),
        }
    }
}

/// Runs `dragoman check` on a configuration.
fn check(input: &[u8]) -> Result<bool, String> {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let file = folder.path().join("dragoman.yaml");
    std::fs::write(&file, input).expect("a file can be written");
    let mapping = "{ \"id\": string!(.body.id), \"type\": \"order.placed\", \"subject\": \"s\", \"data\": {} }";
    std::fs::write(folder.path().join("hooks.vrl"), mapping).expect("a file can be written");
    let mut checking = Command::new(hub_program())
        .arg("check")
        .arg("--config")
        .arg(&file)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("there is a hub");
    let until = Instant::now() + CHECKED;
    loop {
        match checking.try_wait().expect("it can be waited for") {
            Some(status) => {
                return match status.code() {
                    Some(0) => Ok(true),
                    Some(1..=3) => Ok(false),
                    _ => Err(format!("check ended with {status}")),
                };
            }
            None if Instant::now() < until => std::thread::sleep(LOOK),
            None => {
                let _ended = checking.kill().and_then(|()| checking.wait());
                return Err(format!("check does not end within {CHECKED:?}"));
            }
        }
    }
}
