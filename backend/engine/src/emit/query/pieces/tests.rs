//! Plans of pieces are those of whole queries.

use arrow::datatypes::{DataType, Field, Schema};

use datafusion::execution::session_state::SessionState;
use ir::expr::Query as Text;

use super::super::{Planner, over_stand_ins, unqualified};
use super::*;
use crate::{Session, SessionOptions, semantics};

/// Two relations of 120 columns: `a0`, `a1`, … in `t`, and `b0`, … in `u`, each of one of three types.
fn schemas() -> Vec<SchemaRef> {
    let types = [DataType::Int64, DataType::Utf8, DataType::Float64];
    let of = |letter: &str| {
        let columns = types.iter().cycle().enumerate().take(120);
        let fields = columns
            .map(|(at, data_type)| Field::new(format!("{letter}{at}"), data_type.clone(), at % 2 == 0));
        Arc::new(Schema::new(fields.collect::<Vec<_>>()))
    };
    vec![of("a"), of("b")]
}

fn relations() -> Vec<String> {
    vec!["t".to_owned(), "u".to_owned()]
}

fn tree(sql: &str) -> Query {
    let mut tree = Text::parse(sql).unwrap().planned();
    semantics::in_tree(&mut tree).unwrap();
    tree
}

/// The query as it is planned, and as it is planned without pieces.
fn both(state: &SessionState, sql: &str) -> [Result<LogicalPlan>; 2] {
    let (query, relations, schemas) = (Text::parse(sql).unwrap(), relations(), schemas());
    let whole = Planner::new(state, &relations, &schemas, false).query(tree(sql));
    [over_stand_ins(state, &query, &relations, &schemas, false), whole.and_then(unqualified)]
}

fn is_in_pieces(state: &SessionState, sql: &str) -> bool {
    let (relations, schemas) = (relations(), schemas());
    let planner = Planner::new(state, &relations, &schemas, false);
    in_pieces(&tree(sql), &relations, &schemas, &planner).is_some()
}

fn session() -> Session {
    Session::new(SessionOptions::for_this_machine()).unwrap()
}

fn list(item: impl Fn(usize) -> String) -> String {
    (0..120).map(item).collect::<Vec<_>>().join(", ")
}

#[test]
fn the_plan_is_that_of_the_whole_query() {
    let session = session();
    let computed = list(|at| match at % 3 {
        0 => format!("a{at} + {at} AS x{at}"),
        1 => format!("a{at} || '!'"),
        _ => format!("CASE WHEN a{at} > 1 THEN a{} ELSE 0.5 END AS \"X{at}\"", at - 2),
    });
    let joined = list(|at| format!("y.b{at}, x.a{at} AS c{at}"));
    for sql in [
        format!("SELECT {computed} FROM t"),
        format!("SELECT {computed} FROM t AS x WHERE a0 > 0 AND a1 LIKE 'x%' AND x.a2 < a0"),
        format!("SELECT {joined} FROM t AS x LEFT JOIN u AS y ON x.a0 = y.b3 AND y.b0 > 1 WHERE a0 IS NULL"),
        "SELECT *, a0 + 1 AS one FROM t".to_owned(),
        "SELECT y.*, x.*, 1 AS one FROM t AS x FULL JOIN u AS y ON x.a0 = y.b3".to_owned(),
        "SELECT * FROM t, u WHERE a1 = b1".to_owned(),
    ] {
        let [found, whole] = both(session.state(), &sql).map(Result::unwrap);
        assert_eq!(found.display_indent_schema().to_string(), whole.display_indent_schema().to_string());
        assert_eq!(found, whole, "{sql}");
        assert!(is_in_pieces(session.state(), &sql), "{sql}");
    }
}

#[test]
fn other_queries_are_planned_as_a_whole() {
    let session = session();
    let columns = list(|at| format!("a{at}"));
    let sums = list(|at| format!("count(a{at}) AS c{at}"));
    for sql in [
        "SELECT a0 FROM t".to_owned(),
        format!("SELECT DISTINCT {columns} FROM t"),
        format!("SELECT {columns} FROM t LIMIT 1"),
        format!("SELECT {columns} FROM t ORDER BY a0"),
        format!("SELECT {columns} FROM t GROUP BY {columns}"),
        format!("SELECT {sums} FROM t"),
        format!("SELECT {columns}, row_number() OVER (ORDER BY a0) AS n FROM t"),
        format!("SELECT {columns}, random() AS r FROM t"),
        format!("SELECT {columns}, (SELECT max(b0) FROM u) AS m FROM t"),
        format!("SELECT {columns} FROM t WHERE a0 IN (SELECT b0 FROM u)"),
        format!("SELECT {columns} FROM t LEFT SEMI JOIN u ON a0 = b0"),
        format!("SELECT {columns} FROM (SELECT * FROM t) AS t"),
    ] {
        assert!(!is_in_pieces(session.state(), &sql), "{sql}");
        let [found, whole] = both(session.state(), &sql).map(Result::unwrap);
        assert_eq!(found, whole, "{sql}");
    }
}

#[test]
fn mistakes_are_told_as_of_the_whole_query() {
    let session = session();
    let columns = list(|at| format!("a{at}"));
    for sql in [
        format!("SELECT {columns}, missing FROM t"),
        format!("SELECT {columns}, a0 + a1 AS x FROM t"),
        format!("SELECT {columns}, a3 AS a0 FROM t"),
        format!("SELECT {columns}, a0 FROM t JOIN t AS s ON t.a0 = s.a0"),
        format!("SELECT {columns} FROM t WHERE nothing(a0)"),
        // One name for DataFusion, however far they are apart.
        format!("SELECT {columns}, CAST(a0 AS VARCHAR) FROM t"),
        format!("SELECT {columns}, 1 AS \"t.a0\" FROM t"),
        format!("SELECT *, {} ", list(|at| format!("{at} AS x{at}"))),
    ] {
        let told = both(session.state(), &sql).map(|planned| planned.unwrap_err().to_string());
        assert_eq!(told[0], told[1], "{sql}");
    }
}
