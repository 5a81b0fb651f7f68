//! What a fold may not be, and what it may not leave: errors as people read them.

use dragoman_translate::{Cell, EventScope, Fold};

use super::{becomes, columns, fold, row, run, text};

#[test]
fn what_is_no_row_says_why_and_what_to_do() {
    let mut said = String::new();
    let existing = row([("total", Cell::Boolean(true))]);
    for (source, data, before) in [
        (".row = .data", "1", None),
        (".row = .data", r#"{"colour":"red"}"#, None),
        (".row.order_id = .data", "\"order-2\"", Some(&existing)),
        (".row.order_id = .data", "\"order-2\"", None),
        (".row.order_id = null", "1", None),
        (".row.state = to_string(.row.total)", "1", Some(&existing)),
        (".row.count = int!(.data)", "\"x\"", None),
    ] {
        let error = run(&fold(source), data, before).expect_err(source);
        said.push_str(&format!("{error}\n"));
    }
    insta::assert_snapshot!(said);
    // The same key may be written.
    let same = becomes(
        ".row = { \"order_id\": .subject, \"state\": \"x\" }",
        "1",
        None,
    );
    assert_eq!(same, row([("state", text("x"))]));
    let before = row([("state", text("y"))]);
    assert_eq!(
        becomes(
            ".row.state = \"x\"\n.row.order_id = .subject",
            "1",
            Some(&before)
        ),
        same
    );
}

#[test]
fn mistakes_are_shown_with_their_place_and_what_to_do() {
    let mut said = String::new();
    for source in [
        ".row.colour = \"red\"",
        "if .row.colour == \"red\" { .row.state = \"x\" }",
        ".row = { \"state\": \"x\", \"colour\": \"red\" }",
        ".row = merge({ \"colour\": \"red\" }, { \"state\": \"x\" })",
        ".row[0] = 1",
        ".row = 5",
        "{ \"state\": \"x\" }",
        ".data.total = 1",
        ".rows.state = 1",
        "del(.data.x)\n.row.state = 1",
        ". = {}",
        "x = .\n.row.detail = x",
        ".row.state.x = 1",
        ".row.count = .row.count + 1",
        "for_each(array!(.data)) -> |_, one| {\n  .row.detail = [.row.detail, one]\n}",
        "%x = 1\n.row.state = \"x\"",
    ] {
        let error = Fold::compile(
            "folds/order_state.vrl",
            source,
            &EventScope::of([None]),
            &columns(),
        )
        .map(|_| ())
        .expect_err(source);
        said.push_str(&format!("{error}\n\n"));
    }
    let twice = [columns(), columns()].concat();
    let error = Fold::compile("f", ".row = {}", &EventScope::of([None]), &twice).map(|_| ());
    said.push_str(&error.expect_err("two columns").to_string());
    insta::assert_snapshot!(said);
}
