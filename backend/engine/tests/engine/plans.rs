//! Plans as text, and plans of many views.

use std::fmt::Write as _;
use std::time::Instant;

use engine::{RunOptions, Stage, execute, explain};

use crate::lake::Lake;

#[tokio::test(flavor = "multi_thread")]
async fn every_segment_is_shown_once_and_without_paths() {
    let lake = Lake::new();
    lake.table("t", "SELECT 1 AS id, 'x' AS name").await;
    let dag = lake
        .compile(
            "graph t phase=scheduled\n\
             t = scan location=t version=0 rows=0\n\
             v = filter t predicate=(id > 0) place share \"test\"\n\
             j = join v, v join_type=inner on=[[id, id]] columns=[left.id]\n\
             @a = sink v location=a mode=append\n\
             @b = sink j location=b mode=overwrite partition_by=[id]\n",
        )
        .await;
    let plan = explain(&dag, &lake.session, Stage::Plan).await.unwrap();
    assert_eq!(
        plan,
        "-- view v (level 0)\n\
         Filter: id > Int64(0)\n\
         \x20 Projection: t.id AS id, t.name AS name\n\
         \x20   TableScan: t\n\
         \n\
         -- output a (level 1) reads v\n\
         Write: a mode=append\n\
         \x20 SharedView: v\n\
         \n\
         -- output b (level 1) reads v\n\
         Write: b mode=overwrite partition_by=[id]\n\
         \x20 Projection: left.id AS id\n\
         \x20   Inner Join: left.id = right.id\n\
         \x20     SubqueryAlias: left\n\
         \x20       SharedView: v\n\
         \x20     SubqueryAlias: right\n\
         \x20       SharedView: v\n\
         \n"
    );
    for stage in [Stage::Optimized, Stage::Physical] {
        let text = explain(&dag, &lake.session, stage).await.unwrap();
        assert_eq!(text, explain(&dag, &lake.session, stage).await.unwrap());
        for hidden in [lake.dir.path().to_str().unwrap().trim_start_matches('/'), ".parquet"] {
            assert!(!text.contains(hidden), "{text}");
        }
        assert_eq!(text.matches("-- view v").count(), 1);
    }
    let physical = explain(&dag, &lake.session, Stage::Physical).await.unwrap();
    assert!(physical.contains("WriteExec: b partition_by=[id]"), "{physical}");
    assert_eq!(physical.matches("SharedViewExec: v").count(), 3, "{physical}");
}

/// A chain of views is as deep as it is long, and so are its plan, its streams and its destruction.
#[test]
fn a_chain_of_five_hundred_views_runs() {
    let runtime = engine::runtime(2).unwrap();
    let task = async {
        let lake = Lake::new();
        lake.table("t", "SELECT 1 AS id").await;
        let mut text = "graph t phase=scheduled\nv0 = scan location=t version=0 rows=0\n".to_owned();
        for view in 1..=500 {
            // Aggregations, because the optimizer would fold a chain of projections into one.
            writeln!(text, "v{view} = aggregate v{} group_by={{id: id}}", view - 1).unwrap();
        }
        text += "@out = sink v500 location=out mode=overwrite\n";
        let began = Instant::now();
        let dag = lake.compile(&text).await;
        let compiled = began.elapsed();
        execute(&lake.session, &dag, &RunOptions::new(lake.dir.path(), "run")).await.unwrap();
        let rows = lake.rows("SELECT * FROM out").await;
        println!("compiled in {compiled:?}, ran in {:?}", began.elapsed() - compiled);
        rows
    };
    // The engine is called from a worker, whose stack is deep, and not from the main thread.
    let rows = runtime.block_on(async { tokio::spawn(task).await.unwrap() });
    assert_eq!(rows, ["1"]);
}

/// What a long segment does is in its parts, each planned once, and in the report of the run.
#[test]
fn a_long_segment_runs_in_parts_and_reports_all_of_it() {
    let runtime = engine::runtime(2).unwrap();
    let task = async {
        let lake = Lake::new();
        lake.table("t", "SELECT 1 AS id").await;
        let mut text = "graph t phase=scheduled\nv0 = scan location=t version=0 rows=0\n".to_owned();
        for view in 1..=60 {
            writeln!(text, "v{view} = aggregate v{} group_by={{id: id}}", view - 1).unwrap();
        }
        text += "@out = sink v60 location=out mode=overwrite\n";
        let dag = lake.compile(&text).await;
        let shown = explain(&dag, &lake.session, Stage::Physical).await.unwrap();
        let outcome = execute(&lake.session, &dag, &RunOptions::new(lake.dir.path(), "run")).await.unwrap();
        (dag, shown, outcome)
    };
    let (dag, shown, outcome) = runtime.block_on(async { tokio::spawn(task).await.unwrap() });
    let parts: Vec<&str> = dag.segments[0].parts.iter().map(|part| part.name.as_str()).collect();
    assert_eq!(parts, ["v23", "v47"]);
    for part in parts {
        assert_eq!(shown.matches(&format!("PartExec: {part}\n")).count(), 1, "{shown}");
        assert_eq!(shown.matches(&format!("-- part {part} of output out\n")).count(), 1, "{shown}");
    }
    let operators: Vec<&str> =
        outcome.segments[0].operators.iter().map(|operator| operator.name.as_str()).collect();
    assert!(operators.iter().filter(|name| **name == "AggregateExec").count() >= 60, "{operators:?}");
    assert!(!operators.contains(&"PartExec"), "{operators:?}");
}

/// What is computed again for each reader is planned for each, so it cannot be a part that one of them takes.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_computed_again_is_no_part() {
    let lake = Lake::new();
    lake.table("t", "SELECT 1 AS id").await;
    let mut text = "graph t phase=scheduled\nv0 = scan location=t version=0 rows=0\n".to_owned();
    for view in 1..=40 {
        let placed = if view == 40 { " place recompute \"test\"" } else { "" };
        writeln!(text, "v{view} = aggregate v{} group_by={{id: id}}{placed}", view - 1).unwrap();
    }
    text += "u = union v40, v40\n@out = sink u location=out mode=overwrite\n";
    let dag = lake.compile(&text).await;
    let parts: Vec<&str> = dag.segments[0].parts.iter().map(|part| part.name.as_str()).collect();
    assert_eq!(parts, ["u"], "only the union has one reader all the way up");
    assert_eq!(lake.output(&text).await, ["1", "1"]);
}

/// Segments are cut from the DAG: what its root does not reach is neither computed nor written.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_taken_out_of_the_dag_is_not_run() {
    let lake = Lake::new();
    lake.table("t", "SELECT 1 AS id").await;
    let text = "graph t phase=scheduled\n\
                t = scan location=t version=0 rows=0\n\
                v = aggregate t group_by={id: id} place share \"test\"\n\
                w = aggregate v group_by={id: id} place share \"test\"\n\
                a = filter v predicate=(id > 0)\n\
                b = filter w predicate=(id > 0)\n\
                c = filter w predicate=(id > 1)\n\
                @a = sink a location=a mode=overwrite\n\
                @b = sink b location=b mode=overwrite\n\
                @c = sink c location=c mode=overwrite\n";
    let dag = lake.compile(text).await;
    assert_eq!(dag.segments.len(), 5);
    let less = dag.clone().of_outputs(|table| table == "a").unwrap();
    let outcome = execute(&lake.session, &less, &RunOptions::new(lake.dir.path(), "run")).await.unwrap();
    let mut ran: Vec<(&str, _)> =
        outcome.segments.iter().map(|segment| (segment.segment.as_str(), segment.digest)).collect();
    ran.sort();
    assert_eq!(ran.iter().map(|(segment, _)| *segment).collect::<Vec<_>>(), ["output a", "view v"]);
    assert!(lake.files("b").is_empty() && lake.files("c").is_empty() && !lake.files("a").is_empty());
    // What is left is what it was, and a run says so.
    let whole = lake.run(text).await.unwrap();
    for (segment, digest) in ran {
        let same = whole.segments.iter().find(|other| other.segment == segment).unwrap();
        assert_eq!(same.digest, digest, "{segment}");
    }
}
