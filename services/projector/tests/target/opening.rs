//! Opening a projection: what is made, what must fit, and who comes at once.

use dragoman_core::Position;
use dragoman_projector::{ColumnType, OpenError, Operator, ReaderMode, Target, TargetError};

use crate::support::{Database, Feed, MONEY, Sketch, partition, sale, sales, sales_sketch};

#[tokio::test]
async fn eight_instances_open_one_new_projection_at_once() {
    let database = Database::new().await;
    let definition = sales();
    let opens = (0..8).map(|number| {
        let target = Target::connect(&database.url, &format!("instance {number}"), 1).unwrap();
        let definition = &definition;
        async move {
            target
                .open(definition, ReaderMode::Kafka, Position(number))
                .await
        }
    });
    let opened = futures_util::future::join_all(opens).await;
    let first = opened[0].as_ref().unwrap().generation.clone();
    for opened in opened {
        assert_eq!(opened.unwrap().generation, first);
    }
    assert_eq!(first.number, 1);
    assert_eq!(database.rows("select * from sales").await.len(), 0);
}

#[tokio::test]
async fn nothing_is_there_before_a_projection_is_opened() {
    let database = Database::new().await;
    let target = &database.target;
    assert!(target.look("sales").await.unwrap().is_none());
    assert!(target.parked("sales").await.unwrap().is_empty());
    assert!(target.decisions("sales").await.unwrap().is_empty());
    assert_eq!(target.retry("sales", "a").await.unwrap(), 0);
    let error = target.lock_live("sales").await.unwrap_err();
    assert!(!error.is_unavailable(), "{error}");
    let error = target.begin_rebuild(&sales()).await.unwrap_err();
    let never = OpenError::Target(TargetError::NeverOpened {
        projection: "sales".into(),
    });
    assert_eq!(format!("{error:?}"), format!("{never:?}"));
}

#[tokio::test]
async fn a_table_that_does_not_fit_is_refused_with_the_difference() {
    for (table, difference) in [
        ("(sku text primary key)", "it has no column revenue"),
        (
            "(sku text primary key, revenue numeric(12,2), orders bigint)",
            "its column revenue is numeric(12,2), not numeric(14,2)",
        ),
        (
            "(sku text, revenue numeric(14,2), orders bigint)",
            "it has no primary key, which should be (sku)",
        ),
        (
            "(sku text, revenue numeric(14,2), orders bigint, n serial, primary key (sku, n))",
            "its primary key is (n, sku), not (sku)",
        ),
        (
            "(sku text primary key, revenue numeric(14,2) not null, orders bigint)",
            "its column revenue must not be null; an event may leave it so",
        ),
        (
            "(sku text primary key, revenue numeric(14,2), orders bigint, note text not null)",
            "its column note is not the projection's and has no default",
        ),
    ] {
        let database = Database::new().await;
        database.run(&format!("create table sales {table}")).await;
        let opened = database
            .target
            .open(&sales(), ReaderMode::Kafka, Position::ZERO)
            .await;
        let error = opened.unwrap_err();
        let OpenError::TableDiffers {
            difference: found, ..
        } = &error
        else {
            panic!("{error:?}")
        };
        assert_eq!(found, difference);
        assert!(
            database.target.look("sales").await.unwrap().is_none(),
            "nothing is kept of it"
        );
    }
}

#[tokio::test]
async fn a_table_that_fits_is_taken_whatever_it_has_beside() {
    let database = Database::new().await;
    database
        .run(
            "create table sales (note text, revenue numeric(14,2), orders bigint,
                                 made timestamptz not null default now(), sku text primary key)",
        )
        .await;
    let definition = sales();
    let mut feed = Feed::open(&database.target, &definition, partition(0, 1)).await;
    feed.apply(&[sale(1, "a", "s", "1")]).await.unwrap();
    let rows = database.rows("select sku, revenue from sales").await;
    assert_eq!(rows, ["(s,1.00)"]);
}

#[tokio::test]
async fn every_type_of_column_is_made_as_it_is_compared() {
    let database = Database::new().await;
    let numeric = |precision| ColumnType::Numeric { precision };
    let columns: Vec<_> = [
        ("a", ColumnType::Text),
        ("b", ColumnType::Bigint),
        ("c", ColumnType::Integer),
        ("d", numeric(None)),
        ("e", numeric(Some((5, 0)))),
        ("f", MONEY),
        ("g", ColumnType::Double),
        ("h", ColumnType::Boolean),
        ("i", ColumnType::Timestamp),
        ("j", ColumnType::Date),
        ("k", ColumnType::Uuid),
        ("l", ColumnType::Json),
    ]
    .map(|(name, column_type)| (name, column_type, Operator::Set, ".data.nothing"))
    .into();
    let definition = Sketch::new("types", &columns).definition();
    for _ in 0..2 {
        let opened = database
            .target
            .open(&definition, ReaderMode::Kafka, Position::ZERO)
            .await;
        assert!(opened.is_ok(), "{opened:?}");
    }
}

#[tokio::test]
async fn a_changed_definition_is_refused_until_it_is_accepted_with_a_reason() {
    let database = Database::new().await;
    let target = &database.target;
    let old = sales();
    let mut feed = Feed::open(target, &old, partition(0, 1)).await;
    let new = Sketch {
        hash: 2,
        ..sales_sketch()
    }
    .definition();
    let refused = target.open(&new, ReaderMode::Kafka, Position::ZERO).await;
    assert!(matches!(refused, Err(OpenError::DefinitionChanged { .. })));

    target
        .accept_definition(&new, "only a comment")
        .await
        .unwrap();
    let opened = target.open(&new, ReaderMode::Kafka, Position::ZERO).await;
    assert_eq!(opened.unwrap().generation.definition_hash, [2; 32]);
    let reasons = database
        .rows("select reason from dragoman_projection.accepted_definitions")
        .await;
    assert_eq!(reasons, ["(\"only a comment\")"]);
    let superseded = feed.apply(&[sale(1, "a", "s", "1")]).await;
    assert!(
        matches!(superseded, Err(dragoman_projector::ApplyError::Superseded)),
        "who still runs by the old one is stopped"
    );
}

#[tokio::test]
async fn a_table_that_is_gone_or_another_projections_is_not_made_anew() {
    let database = Database::new().await;
    let target = &database.target;
    Feed::open(target, &sales(), partition(0, 1)).await;
    let mut rival = sales();
    rival.name = "rival".into();
    let refused = target.open(&rival, ReaderMode::Kafka, Position::ZERO).await;
    let error = refused.unwrap_err().to_string();
    assert!(error.contains("projection sales writes it"), "{error}");

    database.run("drop table sales").await;
    let refused = target
        .open(&sales(), ReaderMode::Kafka, Position::ZERO)
        .await;
    let error = refused.unwrap_err().to_string();
    assert!(error.contains("it is gone"), "{error}");
}

#[tokio::test]
async fn a_target_of_a_newer_program_is_left_alone() {
    let database = Database::new().await;
    Feed::open(&database.target, &sales(), partition(0, 1)).await;
    database
        .run("insert into dragoman_projection.versions (version) values (99)")
        .await;
    let opened = database
        .target
        .open(&sales(), ReaderMode::Kafka, Position::ZERO)
        .await;
    let newer = matches!(
        opened,
        Err(OpenError::Target(TargetError::NewerBookkeeping {
            found: 99,
            ..
        }))
    );
    assert!(newer, "{opened:?}");
}
