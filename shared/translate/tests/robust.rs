//! Whatever comes in: no panic, no stack that overflows, no digit lost.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use chrono::DateTime;
use dragoman_core::{Event, JSON};
use dragoman_translate::{
    AnswerView, Cell, ColumnKind, Condition, Document, Each, EvaluateError, EventScope, EventView,
    Expression, Fold, FoldColumn, FoldInput, FoldOutcome, Json, JsonKind, Mapping, MappingInput,
    RequestBody, RequestProgram, Schema,
};
use proptest::prelude::*;

/// JSON text, of any values, with white space and escapes where they may be.
fn json_text() -> impl Strategy<Value = String> {
    let number = prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        "-?(0|[1-9][0-9]{0,40})(\\.[0-9]{1,40})?([eE][+-]?[0-9]{1,2})?",
    ];
    let text = prop_oneof![
        "[^\"\\\\\u{0}-\u{1f}]{0,12}".prop_map(|text| format!("\"{text}\"")),
        "(\\\\[nrtbf\"/\\\\]|\\\\u00[46][0-9a-f]|\\\\ud83d\\\\ude0[0-9]|[a-z]){0,6}"
            .prop_map(|text| format!("\"{text}\"")),
    ];
    let space = || "[ \n\t\r]{0,2}";
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("false".to_owned()),
        number,
        text,
    ];
    leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            (prop::collection::vec(inner.clone(), 0..6), space()).prop_map(
                |(elements, space)| format!(
                    "[{space}{}{space}]",
                    elements.join(&format!("{space},{space}"))
                )
            ),
            (prop::collection::vec(inner, 0..6), space(), any::<bool>()).prop_map(
                |(values, space, escape)| {
                    let members: Vec<String> = values
                        .iter()
                        .enumerate()
                        .map(|(number, value)| {
                            let first = if escape { "\\u006b" } else { "k" };
                            format!("\"{first}{number}\"{space}:{space}{value}")
                        })
                        .collect();
                    format!("{{{space}{}{space}}}", members.join(&format!("{space},")))
                }
            ),
        ]
    })
}

/// Puts a value together again from its parts, with their text as it came.
fn rebuilt(json: Json<'_>) -> String {
    match json.kind() {
        JsonKind::Array => {
            let elements: Vec<String> = json.elements().map(rebuilt).collect();
            format!("[{}]", elements.join(","))
        }
        JsonKind::Object => {
            let members: Vec<String> = json
                .members()
                .map(|(name, value)| {
                    assert_eq!(json.get(&name).map(Json::raw), Some(value.raw()));
                    format!(
                        "{}:{}",
                        serde_json::Value::from(name.as_ref()),
                        rebuilt(value)
                    )
                })
                .collect();
            format!("{{{}}}", members.join(","))
        }
        _ => json.raw().to_owned(),
    }
}

fn event(data: &str) -> Event {
    Event {
        id: "1".into(),
        source: "/s".into(),
        event_type: "t".into(),
        subject: "s".into(),
        time: DateTime::UNIX_EPOCH,
        content_type: JSON.into(),
        data: data.into(),
        traceparent: None,
        extensions: BTreeMap::new(),
    }
}

fn mapped(mapping: &Mapping, body: &str) -> String {
    let document = Document::parse(body.as_bytes()).unwrap();
    let nothing = BTreeMap::new();
    let events = mapping
        .run(MappingInput {
            body: &document,
            headers: &nothing,
            query: &nothing,
            received: DateTime::UNIX_EPOCH,
        })
        .unwrap_or_else(|error| panic!("{error}"));
    events[0].data.clone()
}

/// A number as JSON writes it.
fn number_text() -> impl Strategy<Value = String> {
    "-?(0|[1-9][0-9]{0,40})(\\.[0-9]{1,40})?([eE][+-]?[0-9]{1,2})?"
}

/// What the columns of a row hold, by name.
type Row = std::collections::BTreeMap<&'static str, Cell>;

fn fold(source: &str) -> Fold {
    let columns = [
        ("total", ColumnKind::Number),
        ("count", ColumnKind::Integer),
        ("detail", ColumnKind::Json),
    ];
    let columns = columns.map(|(name, kind)| FoldColumn {
        name: name.to_owned(),
        kind,
        key: false,
    });
    Fold::compile("f", source, &EventScope::of([None]), &columns)
        .unwrap_or_else(|error| panic!("{error}"))
}

/// What comes of a row of `total`, `count` and `detail`; `None`: it is deleted.
fn fold_run(fold: &Fold, data: &str, row: Option<&Row>) -> Result<Option<Row>, EvaluateError> {
    let event = event(data);
    let held: Option<Vec<Cell>> = row.map(|row| {
        let cells = ["total", "count", "detail"].map(|name| row.get(name).cloned());
        cells.map(|cell| cell.unwrap_or(Cell::Null)).to_vec()
    });
    let input = FoldInput {
        view: &EventView::read(&event).unwrap(),
        item: None,
        key: &[],
        row: held.as_deref(),
    };
    let FoldOutcome::Row(left) = fold.runner().run(input)? else {
        return Ok(None);
    };
    let mut after = Row::new();
    for (number, (name, left)) in ["total", "count", "detail"]
        .into_iter()
        .zip(left)
        .enumerate()
    {
        let kept = || held.as_ref().unwrap()[number].clone();
        after.insert(name, left.unwrap_or_else(kept));
    }
    Ok(Some(after))
}

/// The number that a cell holds.
fn held(cell: &Cell) -> bigdecimal::BigDecimal {
    cell.to_json().parse().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_request_copies_every_digit(text in json_text()) {
        let data = format!("{{\"x\":{text}}}");
        let program = RequestProgram::compile("r", "{ \"body\": [.data.x] }", &EventScope::of([None])).unwrap();
        let event = event(&data);
        let view = EventView::read(&event).unwrap();
        let Some(RequestBody::Json(body)) = program.run(&view).unwrap().unwrap().body else {
            panic!("JSON");
        };
        let x = view.data().get("x").unwrap();
        if x.kind() == JsonKind::String {
            let body = Document::parse(body.as_bytes()).unwrap();
            let written = body.root().element(0).unwrap();
            prop_assert_eq!(written.as_text(), x.as_text());
        } else {
            prop_assert_eq!(body, format!("[{}]", x.raw()));
        }
    }

    #[test]
    fn a_fold_copies_and_keeps_every_digit(first in number_text(), second in number_text()) {
        let copy = fold("if .row == null { .row.total = .data } else { .row.detail = [.data] }");
        let row = fold_run(&copy, &first, None).unwrap().unwrap();
        let digits: bigdecimal::BigDecimal = first.parse().unwrap();
        prop_assert_eq!(held(&row["total"]), digits.clone());
        if let Cell::Decimal(decimal) = &row["total"] {
            prop_assert_eq!(decimal.as_bigint_and_exponent(), digits.as_bigint_and_exponent());
        }
        let next = fold_run(&copy, &second, Some(&row)).unwrap().unwrap();
        prop_assert_eq!(&next["total"], &row["total"]);
        prop_assert_eq!(&next["detail"], &Cell::Json(format!("[{second}]")));
    }

    #[test]
    fn a_number_that_is_read_is_exact_or_an_error_that_names_it(digits in number_text()) {
        let exactly: bigdecimal::BigDecimal = digits.parse().unwrap();
        let reading = fold(".row.total = float(.data) ?? int(.data) ?? 0.5");
        match fold_run(&reading, &digits, None) {
            Ok(row) => prop_assert_eq!(held(&row.unwrap()["total"]), exactly.clone()),
            Err(EvaluateError::Inexact(error)) => prop_assert_eq!(error.path, ".data"),
            Err(other) => panic!("{other}"),
        }
        let row = Row::from([("total", Cell::Decimal(exactly.clone()))]);
        let reading = fold("x = float(.row.total) ?? 0.5\n.row = { \"total\": x }");
        match fold_run(&reading, "1", Some(&row)) {
            Ok(row) => prop_assert_eq!(held(&row.unwrap()["total"]), exactly),
            Err(EvaluateError::Inexact(error)) => prop_assert_eq!(error.path, ".row.total"),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn folds_are_deterministic_and_bear_any_event(events in prop::collection::vec(json_text(), 1..4)) {
        for source in [
            ".row.detail = .data",
            ".row.detail.x = .data",
            ".row = .data",
            ".row.count = (int(.row.count) ?? 0) + length(array(.data) ?? [])\n.row.detail = encode_json(.row)",
            "for_each(object(.data) ?? {}) -> |key, value| { .row.detail = value }\n.row.total = .data.k0 || .row.total",
            "if .row == null { .row.total = .data } else { .row = null }",
        ] {
            let program = fold(source);
            let through = || {
                let mut seen = Vec::new();
                let mut row = None;
                for data in &events {
                    let outcome = fold_run(&program, data, row.as_ref());
                    if let Ok(next) = &outcome {
                        row = next.clone();
                    }
                    seen.push(outcome);
                }
                seen
            };
            prop_assert_eq!(through(), through(), "{}", source);
        }
    }

    #[test]
    fn conditions_and_requests_bear_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..60), text in json_text(), status in any::<u16>()) {
        for source in [".body.x == 1 || .status < 300", "length(encode_json(.)) > 3", "is_string(.body) || contains(string(.headers.a) ?? \"\", \"x\")"] {
            let condition = Condition::compile("c", source).unwrap_or_else(|error| panic!("{error}"));
            for body in [&bytes[..], text.as_bytes()] {
                let _ = condition.holds(&AnswerView::new(status, [("A".to_owned(), "x".to_owned())], body));
            }
        }
        for source in [".data", "{ \"headers\": .data, \"query\": .data }", "{ \"path\": .data, \"method\": .data }", "{ \"body\": .data.k0 }"] {
            let program = RequestProgram::compile("r", source, &EventScope::of([None])).unwrap();
            let event = event(&text);
            let _ = program.run(&EventView::read(&event).unwrap());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_json_keeps_its_text(text in json_text()) {
        let document = Document::parse(text.as_bytes()).expect("it is JSON");
        prop_assert_eq!(document.root().raw(), text.trim());
        // Another reader sees the same values in the parts.
        let parts: serde_json::Value = serde_json::from_str(&rebuilt(document.root())).unwrap();
        let whole: serde_json::Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(parts, whole);
    }

    #[test]
    fn copying_loses_no_digit(text in json_text()) {
        let body = format!("{{\"x\":{text}}}");
        let source = r#"{ "id": "1", "type": "t", "subject": "s", "data": { "y": .body.x } }"#;
        let mapping = Mapping::compile("m", source).unwrap();
        let data = mapped(&mapping, &body);
        let copied = Document::parse(data.as_bytes()).unwrap();
        let y = copied.root().get("y").unwrap();
        let document = Document::parse(body.as_bytes()).unwrap();
        let x = document.root().get("x").unwrap();
        if x.kind() == JsonKind::String {
            prop_assert_eq!(y.as_text(), x.as_text());
        } else {
            prop_assert_eq!(y.raw(), x.raw());
        }

        let event = event(&body);
        let view = EventView::read(&event).unwrap();
        let path = Expression::compile("c", ".data.x", &EventScope::of([None])).unwrap();
        let cell = path.evaluate(&view, None).unwrap();
        let digits = |text: &str| text.parse::<bigdecimal::BigDecimal>().unwrap();
        match cell {
            Cell::Integer(integer) => prop_assert_eq!(digits(&integer.to_string()), digits(x.raw())),
            Cell::Decimal(decimal) => prop_assert_eq!(decimal, digits(x.raw())),
            Cell::Json(json) => prop_assert_eq!(json, x.raw()),
            Cell::Text(text) => prop_assert_eq!(text, x.as_text().unwrap().into_owned()),
            Cell::Null => prop_assert!(x.is_null()),
            Cell::Boolean(boolean) => prop_assert_eq!(Some(boolean), x.as_boolean()),
            Cell::Timestamp(_) => prop_assert!(false, "JSON has no timestamps"),
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(document) = Document::parse(&bytes) {
            rebuilt(document.root());
        }
    }

    #[test]
    fn any_damage_is_read_or_refused(text in json_text(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = text.into_bytes();
        if !bytes.is_empty() {
            let at = at.index(bytes.len());
            bytes[at] = byte;
            if let Ok(document) = Document::parse(&bytes) {
                rebuilt(document.root());
            }
            bytes.truncate(at);
            if let Ok(document) = Document::parse(&bytes) {
                rebuilt(document.root());
            }
        }
    }

    #[test]
    fn any_text_compiles_or_is_refused(source in "[ .a-z0-9{}()\\[\\]\"'=!?|&+*/<>:,;%\n-]{0,60}") {
        if let Ok(expression) = Expression::compile("c", &source, &EventScope::of([None])) {
            let event = event("{\"a\":1}");
            let view = EventView::read(&event).unwrap();
            let _ = expression.evaluate(&view, None);
        }
        let _ = Schema::compile("s", &source);
        let _ = Condition::compile("c", &source);
        let column = FoldColumn { name: "a".to_owned(), kind: ColumnKind::Json, key: false };
        let source = source.replace(".data", ".row");
        if let Ok(fold) = Fold::compile("f", &source, &EventScope::of([None]), &[column]) {
            let _ = fold_run(&fold, "{\"a\":1}", None);
        }
    }
}

#[test]
fn deep_programs_are_refused_and_the_deepest_run_on_a_small_stack() {
    let scope = EventScope::of([None]);
    for source in [
        "(".repeat(30_000),
        format!("{}1{}", "(".repeat(20_000), ")".repeat(20_000)),
        format!("{}true", "!".repeat(20_000)),
        vec!["1"; 20_000].join("+"),
        format!("{}1{}", "[".repeat(20_000), "]".repeat(20_000)),
        format!("{}1{}", "{".repeat(20_000), "}".repeat(20_000)),
        "x".repeat(70_000),
    ] {
        assert!(Expression::compile("c", &source, &scope).is_err());
    }
    let deepest = [
        format!("x = {}\nx", vec![".subject"; 120].join(" + ")),
        format!("{}.subject{}", "{".repeat(250), "}".repeat(250)),
        format!("x = {}(.subject == \"s\")\nx", "!".repeat(240)),
        {
            let mut chain = String::from("if .subject == \"x\" { 1 }");
            for number in 0..60 {
                chain.push_str(&format!(" else if .subject == \"{number}\" {{ {number} }}"));
            }
            chain
        },
    ];
    for source in deepest {
        let expression = Expression::compile("c", &source, &scope).unwrap_or_else(|error| {
            panic!(
                "{}",
                error.to_string().chars().take(300).collect::<String>()
            )
        });
        std::thread::Builder::new()
            .stack_size(1024 * 1024)
            .spawn(move || {
                let event = event("{}");
                let view = EventView::read(&event).unwrap();
                expression.evaluate(&view, None).unwrap();
            })
            .unwrap()
            .join()
            .expect("the stack bears it");
    }
}

#[test]
fn payloads_of_any_depth_and_size_are_borne() {
    let scope = EventScope::of([None]);
    let deep = format!("{}1{}", "[".repeat(127), "]".repeat(127));
    let event_deep = event(&deep);
    let view = EventView::read(&event_deep).unwrap();
    for source in [
        "encode_json(.data)",
        "x = .data\nx",
        "flatten(array!(.data))",
    ] {
        let expression = Expression::compile("c", source, &scope).unwrap();
        expression.evaluate(&view, None).unwrap();
    }

    let many = format!("[{}0]", "0,".repeat(50_000));
    let event_many = event(&many);
    let view = EventView::read(&event_many).unwrap();
    let steps = "n = 0\nfor_each(array!(.data)) -> |_, one| { for_each(array!(.data)) -> |_, other| { n = n + 1 } }\nn";
    let expression = Expression::compile("c", steps, &scope).unwrap();
    let error = expression.evaluate(&view, None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "c failed: it took more than 1000000 steps"
    );
    let each = Each::compile("each", ".data", &scope).unwrap();
    assert_eq!(each.items(&view).unwrap().len(), 50_001);
}

#[test]
fn nothing_is_nested_in_itself_once_for_each_element() {
    let scope = EventScope::of([None]);
    let refused = |body: &str| {
        let source =
            format!("x = {{}}\ny = {{}}\nfor_each(array!(.data)) -> |_, one| {{ {body} }}\nx");
        Expression::compile("c", &source, &scope).is_err()
    };
    for body in [
        "x = [x]",
        "x.a = x",
        "x.a = [x.a]",
        "y = [x]\nx = y",
        "x.a = [x.b]\nx.b = x.a",
        "x = object!({ \"a\": x })",
        "x = map_values(object!(x)) -> |v| { [v] }",
        "x = get!({ \"a\": [x] }, [\"a\"])",
        "x = chunks!(array!(x), 1)",
        "x = values({ \"a\": [x] })",
    ] {
        assert!(refused(body), "{body}");
    }
    for body in [
        "x.a = push(array(x.a) ?? [], one)",
        "x = { \"list\": push(array(x.list) ?? [], one), \"last\": one }",
        "x.a = x.b\nx.b = [one]",
        "x.text = join!([to_string!(x.text), to_string!(one)])",
        "x = merge(object!(x), { \"one\": one })",
        "y = [one]\nx.y = y",
        "y = flatten([y, one])",
        "x.n = length([x, y])",
    ] {
        assert!(!refused(body), "{body}");
    }
}

#[test]
fn everything_can_be_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Document<'_>>();
    shared::<Schema>();
    shared::<Mapping>();
    shared::<Expression>();
    shared::<Each>();
    shared::<EventView<'_>>();
    shared::<EventScope>();
    shared::<RequestProgram>();
    shared::<Condition>();
    shared::<AnswerView<'_>>();
    shared::<Fold>();
    shared::<FoldOutcome>();
}
