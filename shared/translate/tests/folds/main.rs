//! Folds: a row and an event in, what the row becomes out.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;
mod refused;

use std::collections::BTreeMap;
use std::str::FromStr;

use bigdecimal::BigDecimal;
use common::{event, schema, time};
use dragoman_translate::{
    Cell, ColumnKind, Each, EvaluateError, EventScope, EventView, Fold, FoldColumn, FoldInput,
    FoldOutcome, Item, Kinds,
};

/// What the columns of a row hold, by name.
type Row = BTreeMap<String, Cell>;

const PRECISE: &str = "123456789012345678901234567890.10";

fn columns() -> Vec<FoldColumn> {
    [
        ("order_id", ColumnKind::Text, true),
        ("state", ColumnKind::Text, false),
        ("total", ColumnKind::Number, false),
        ("count", ColumnKind::Integer, false),
        ("updated", ColumnKind::Timestamp, false),
        ("open", ColumnKind::Boolean, false),
        ("detail", ColumnKind::Json, false),
    ]
    .map(|(name, kind, key)| FoldColumn {
        name: name.to_owned(),
        kind,
        key,
    })
    .to_vec()
}

fn fold(source: &str) -> Fold {
    Fold::compile(
        "folds/order_state.vrl",
        source,
        &EventScope::of([None]),
        &columns(),
    )
    .unwrap_or_else(|error| panic!("{error}"))
}

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

fn decimal(digits: &str) -> Cell {
    Cell::Decimal(BigDecimal::from_str(digits).unwrap())
}

fn row<const N: usize>(cells: [(&str, Cell); N]) -> Row {
    let mut row: Row = columns()
        .into_iter()
        .map(|column| (column.name, Cell::Null))
        .collect();
    row.insert("order_id".to_owned(), text("order-1"));
    row.extend(cells.map(|(name, cell)| (name.to_owned(), cell)));
    row
}

/// What comes of a row; `None`: it is deleted.
fn run(fold: &Fold, data: &str, row: Option<&Row>) -> Result<Option<Row>, EvaluateError> {
    let event = event("order.placed", data);
    run_on(fold, &EventView::read(&event).unwrap(), None, row)
}

fn run_on(
    fold: &Fold,
    view: &EventView<'_>,
    item: Option<&Item<'_>>,
    before: Option<&Row>,
) -> Result<Option<Row>, EvaluateError> {
    let columns: Vec<_> = columns().into_iter().filter(|it| !it.key).collect();
    let cells = |row: &Row| columns.iter().map(|it| row[&it.name].clone()).collect();
    let held: Option<Vec<Cell>> = before.map(cells);
    let input = FoldInput {
        view,
        item,
        key: &[text("order-1")],
        row: held.as_deref(),
    };
    let FoldOutcome::Row(left) = fold.runner().run(input)? else {
        return Ok(None);
    };
    assert_eq!(left.len(), columns.len());
    let mut after = row([]);
    for (column, left) in columns.into_iter().zip(left) {
        let cell = left.unwrap_or_else(|| before.unwrap()[&column.name].clone());
        after.insert(column.name, cell);
    }
    Ok(Some(after))
}

fn becomes(source: &str, data: &str, before: Option<&Row>) -> Row {
    match run(&fold(source), data, before) {
        Ok(Some(row)) => row,
        other => panic!("{source}: {other:?}"),
    }
}

#[test]
fn a_row_goes_from_state_to_state() {
    let program = fold(
        r#"if .type == "order.placed" {
             .row = { "state": "placed", "total": .data.total, "updated": .time }
           } else if .type == "order.cancelled" && .row.state == "placed" {
             .row = null
           } else {
             .row.state = "paid"
             .row.count = (.row.count || 0) + 1
           }"#,
    );
    let mut now: Option<Row> = None;
    for (event_type, expected) in [
        (
            "order.placed",
            Some(row([
                ("state", text("placed")),
                ("total", decimal(PRECISE)),
                ("updated", Cell::Timestamp(time())),
            ])),
        ),
        ("order.cancelled", None),
        (
            "order.placed",
            Some(row([
                ("state", text("placed")),
                ("total", decimal(PRECISE)),
                ("updated", Cell::Timestamp(time())),
            ])),
        ),
        (
            "payment",
            Some(row([
                ("state", text("paid")),
                ("total", decimal(PRECISE)),
                ("count", Cell::Integer(1)),
                ("updated", Cell::Timestamp(time())),
            ])),
        ),
        (
            "payment",
            Some(row([
                ("state", text("paid")),
                ("total", decimal(PRECISE)),
                ("count", Cell::Integer(2)),
                ("updated", Cell::Timestamp(time())),
            ])),
        ),
    ] {
        let event = event(event_type, &format!("{{\"total\":{PRECISE}}}"));
        let view = EventView::read(&event).unwrap();
        now = run_on(&program, &view, None, now.as_ref()).unwrap();
        assert_eq!(now, expected, "{event_type}");
    }
}

#[test]
fn the_first_assignment_makes_the_row() {
    assert_eq!(
        becomes(".row.state = \"new\"", "1", None),
        row([("state", text("new"))])
    );
    assert_eq!(
        run(&fold("if .type == \"x\" { .row = {} }"), "1", None),
        Ok(None)
    );
    assert_eq!(becomes(".row = {}", "1", None), row([]));
    assert_eq!(run(&fold("del(.row)"), "1", Some(&row([]))), Ok(None));
    // Compact takes what is empty then, too.
    let compact = ".row = { \"state\": \"x\" }\ndel(.row.state, compact: true)";
    assert_eq!(run(&fold(compact), "1", None), Ok(None));
    // A row that is deleted can be made again.
    let again = "del(.row)
        state = if exists(.row) { \"kept\" } else { \"new\" }
        .row = { \"state\": state }";
    assert_eq!(
        becomes(again, "1", Some(&row([("count", Cell::Integer(1))]))),
        row([("state", text("new"))])
    );
    // What the last expression yields does not matter.
    assert_eq!(
        becomes(".row.count = 1\n\"x\"", "1", None),
        row([("count", Cell::Integer(1))])
    );
    // `return` ends it with the row as it is.
    let early =
        ".row.state = \"a\"\nif .type == \"order.placed\" { return null }\n.row.state = \"b\"";
    assert_eq!(becomes(early, "1", None), row([("state", text("a"))]));
}

#[test]
fn what_is_not_looked_at_keeps_every_digit() {
    let before = row([
        ("total", decimal(PRECISE)),
        ("count", Cell::Integer(i64::MAX)),
        (
            "detail",
            Cell::Json("{ \"n\": 98765432109876543210 }".into()),
        ),
        ("open", Cell::Boolean(false)),
        ("updated", Cell::Timestamp(time())),
        ("state", text("old")),
    ]);
    // Even what no program could read.
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    for cell in ["null", "\"x\"", "false", " 1.50", &deep] {
        let before = row([("detail", Cell::Json(cell.to_owned()))]);
        let after = becomes(".row.count = 1", "1", Some(&before));
        assert_eq!(after["detail"], before["detail"]);
    }
    for source in [
        ".row.state = \"new\"",
        "if .row == null { .row = {} }\n.row.state = \"new\"",
        "if exists(.row.total) && .row.detail != null && !is_null(.row.count) { .row.state = \"new\" }",
        "if .row.state == \"old\" { .row.state = \"new\" }",
        ".row.state = \"new\"\n.row",
        ".row = { \"state\": \"new\", \"total\": .row.total, \"count\": .row.count, \"detail\": .row.detail, \"open\": .row.open, \"updated\": .row.updated }",
        "total = .row.total\n.row.total = total\n.row.state = \"new\"",
    ] {
        let mut expected = before.clone();
        expected.insert("state".into(), text("new"));
        assert_eq!(becomes(source, "1", Some(&before)), expected, "{source}");
    }
    // Nested in another column it keeps them, too.
    let nested = becomes(
        ".row.detail = { \"was\": .row.total, \"is\": .data }",
        "1.50",
        Some(&before),
    );
    assert_eq!(
        nested["detail"],
        Cell::Json(format!("{{\"is\":1.50,\"was\":{PRECISE}}}"))
    );
}

#[test]
fn bare_paths_are_copied_digit_for_digit_wherever_they_are_assigned() {
    let data = format!("{{\"n\":{PRECISE},\"o\":{{\"a\" : 1.0}}}}");
    for source in [
        ".row.total = .data.n",
        ".row = { \"total\": .data.n }",
        "if .type == \"order.placed\" { .row.total = .data.n } else { .row.total = 0 }",
        ".row.total = if .type == \"x\" { 1 } else { .data.n }",
        ".row = if .type == \"x\" { null } else { { \"total\": .data.n } }",
        "{ .row.total = .data.missing || .data.n }",
        "n = .data.n\nif .row == null { .row.total = n }",
        "if true { n = .data.n\n.row.total = n }",
    ] {
        assert_eq!(
            becomes(source, &data, None),
            row([("total", decimal(PRECISE))]),
            "{source}"
        );
    }
    let detail = becomes(".row.detail = [.data.o, .data.n]", &data, None);
    assert_eq!(
        detail["detail"],
        Cell::Json(format!("[{{\"a\" : 1.0}},{PRECISE}]"))
    );
}

#[test]
fn a_number_that_is_looked_at_is_exact_or_an_error_that_names_it() {
    let big = row([
        ("total", decimal(PRECISE)),
        (
            "detail",
            Cell::Json("{\"a\":[98765432109876543210]}".into()),
        ),
    ]);
    let inexact = |source: &str, data: &str| match run(&fold(source), data, Some(&big)) {
        Err(EvaluateError::Inexact(error)) => error.path,
        other => panic!("{source}: {other:?}"),
    };
    assert_eq!(
        inexact(".row.total = (float(.row.total) ?? 0.0) + 1.0", "1"),
        ".row.total"
    );
    assert_eq!(
        inexact("if .row.total == 1 { .row.state = \"x\" }", "1"),
        ".row.total"
    );
    assert_eq!(
        inexact("x = .row\n.row.state = encode_json(x)", "1"),
        ".row.total"
    );
    assert_eq!(inexact(".row.detail.b = 1", "1"), ".row.detail.a[0]");
    // What is passed on into a column that is looked at is looked at.
    let both = ".row.total = .data.n\nif .row.total == 1.0 { .row.state = \"one\" }";
    let clear = row([]);
    let error = run(&fold(both), &format!("{{\"n\":{PRECISE}}}"), Some(&clear)).unwrap_err();
    assert!(
        matches!(&error, EvaluateError::Inexact(error) if error.path == ".data.n"),
        "{error}"
    );
    // An assignment whose own value is used is no copy.
    let chained = "x = .row.total = .data.n\n.row.state = to_string!(x)";
    assert!(run(&fold(chained), &format!("{{\"n\":{PRECISE}}}"), None).is_err());
    insta::assert_snapshot!(
        run(&fold(".row.count = to_int!(.row.total)"), "1", Some(&big)).unwrap_err()
    );
}

#[test]
fn what_is_looked_at_and_not_changed_keeps_its_digits() {
    let before = row([
        ("total", decimal("12.50")),
        ("detail", Cell::Json("{\"a\" : 1.50}".into())),
    ]);
    let source = "if (float(.row.total) ?? 0.0) > 5.0 && .row.detail.a == 1.5 { .row.open = true }";
    let mut expected = before.clone();
    expected.insert("open".into(), Cell::Boolean(true));
    assert_eq!(becomes(source, "1", Some(&before)), expected);
    // A numeric is a float, even when it is whole.
    let sum = becomes(
        ".row.total = (float(.row.total) ?? 0.0) + 1.5",
        "1",
        Some(&row([("total", Cell::Integer(2))])),
    );
    assert_eq!(sum["total"], decimal("3.5"));
}

#[test]
fn schemas_type_what_a_fold_reads() {
    let schema = schema();
    let scope = EventScope::of([Some(&schema)]);
    let source = ".row.total = (float(.row.total) ?? 0.0) + .data.total\n.row.count = .data.count\n.row.open = .row.count == 3";
    let fold =
        Fold::compile("f", source, &scope, &columns()).unwrap_or_else(|error| panic!("{error}"));
    let data = r#"{"total":2,"count":3.0}"#;
    let Ok(Some(row)) = run(&fold, data, None) else {
        panic!("a row");
    };
    assert_eq!(row["total"], decimal("2"));
    assert_eq!(
        (&row["count"], &row["open"]),
        (&Cell::Integer(3), &Cell::Boolean(true))
    );
    let copied = Fold::compile("f", ".row.count = .data.count", &scope, &columns()).unwrap();
    let Ok(Some(row)) = run(&copied, data, None) else {
        panic!("a row");
    };
    assert_eq!(row["count"], Cell::Integer(3));
    let unfit = run(&copied, r#"{"total":2,"count":"x"}"#, None).unwrap_err();
    assert!(matches!(unfit, EvaluateError::Unfit { .. }), "{unfit}");
}

#[test]
fn it_is_known_what_a_fold_may_leave() {
    let kinds = |source: &str, column: &str| fold(source).kinds_of(column).to_string();
    let source = ".row.state = \"x\"";
    assert_eq!(kinds(source, "state"), "text");
    assert_eq!(kinds(source, "total"), "number or null");
    assert_eq!(kinds(source, "count"), "integer or null");
    assert_eq!(kinds(source, "order_id"), "text");
    assert_eq!(kinds(source, "updated"), "timestamp or null");
    assert_eq!(kinds(source, "detail"), "anything");
    assert_eq!(fold(source).kinds_of("none"), Kinds::NEVER);
    assert_eq!(kinds(".row.count = 1.5", "count"), "number");
    assert_eq!(
        kinds("if .id == \"1\" { .row.count = \"x\" }", "count"),
        "text, integer or null"
    );
    assert_eq!(kinds(".row = { \"state\": \"x\" }", "count"), "null");
    assert_eq!(kinds(".row = null", "count"), "null");
    assert_eq!(kinds(".row.total = .data.x", "total"), "anything");
    // Where types tell too little, anything.
    let closure = "for_each(array!(.data)) -> |_, one| { .row.count = \"x\" }";
    assert_eq!(kinds(closure, "count"), "anything");
    assert_eq!(kinds(closure, "state"), "text or null");
    let early = ".row.count = \"x\"\nif .id == \"1\" { return 1 }\n.row.count = 1";
    assert_eq!(kinds(early, "count"), "anything");
    assert_eq!(
        kinds("x = .row.count = \"x\"\n.row.state = x", "count"),
        "anything"
    );
}

#[test]
fn a_closure_can_change_the_row() {
    let source =
        "for_each(array!(.data)) -> |_, one| { .row.count = (int(.row.count) ?? 0) + int!(one) }";
    assert_eq!(becomes(source, "[1,2,3]", None)["count"], Cell::Integer(6));
    assert_eq!(run(&fold(source), "[]", None), Ok(None));
}

#[test]
fn an_element_is_seen_beside_the_event_and_the_row() {
    let scope = EventScope::of([None]);
    let each = Each::compile("each", ".data.lines", &scope).unwrap();
    let source = "
        .row.count = (int(.row.count) ?? 0) + int!(.item.n)
        .row.total = .item.price
        .row.state = .id
    ";
    let fold = Fold::compile("f", source, &scope.with_items_of(&each), &columns())
        .unwrap_or_else(|error| panic!("{error}"));
    let data = format!("{{\"lines\":[{{\"n\":2,\"price\":1}},{{\"n\":3,\"price\":{PRECISE}}}]}}");
    let event = event("order.placed", &data);
    let view = EventView::read(&event).unwrap();
    let mut now = None;
    for item in each.items(&view).unwrap() {
        now = run_on(&fold, &view, Some(&item), now.as_ref()).unwrap();
    }
    let expected = row([
        ("count", Cell::Integer(5)),
        ("total", decimal(PRECISE)),
        ("state", text(&event.id)),
    ]);
    assert_eq!(now, Some(expected));
    // A number of it that is looked at is exact, or its path is named.
    let looking = "if .item.price == 1 { .row.count = 1 }";
    let looking = Fold::compile("f", looking, &scope.with_items_of(&each), &columns()).unwrap();
    let items = each.items(&view).unwrap();
    assert!(run_on(&looking, &view, items.first(), None).is_ok());
    let error = run_on(&looking, &view, items.last(), None).unwrap_err();
    assert!(
        matches!(&error, EvaluateError::Inexact(error) if error.path == ".item.price"),
        "{error}"
    );
    assert!(Fold::compile("f", source, &scope, &columns()).is_err());
}
