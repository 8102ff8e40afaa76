//! Long SQL: lines are broken where it is read, and what is read back is what was printed.

use super::values::{self, Random};
use super::{parse, print};
use crate::expr::{NamedExpr, Query, ScalarExpr};
use crate::graph::{Graph, Node};
use crate::op::{self, Op};
use crate::text::layout::lay_out;
use crate::text::parenthesised::{Piece, joined, parenthesised, pieces};

/// The widest line that must be reached where a blank or a bracket would allow it: the width of a text and a bracket with
/// a comma.
const WIDEST: usize = 113;

#[test]
fn lines_are_broken_where_a_reader_looks() {
    let text = "WITH recent AS (SELECT id, day, amount FROM orders WHERE day BETWEEN '2026-01-01' AND '2026-01-31' \
        AND amount > 0), sums AS (SELECT day, sum(amount) AS total FROM recent GROUP BY day) SELECT sums.day, CASE \
        WHEN total > 100 THEN 'much  (or more)' ELSE 'little' END AS size FROM sums LEFT JOIN days ON days.day = \
        sums.day AND days.open WHERE total IS DISTINCT FROM 0 UNION ALL SELECT NULL, 'none'";
    let wanted = "(
    WITH recent AS (
        SELECT id, day, amount
        FROM orders
        WHERE day BETWEEN '2026-01-01' AND '2026-01-31'
            AND amount > 0
    ),
    sums AS (
        SELECT day, sum(amount) AS total
        FROM recent
        GROUP BY day
    )
    SELECT sums.day,
        CASE
            WHEN total > 100 THEN 'much  (or more)'
            ELSE 'little'
        END AS size
    FROM sums
    LEFT JOIN days ON days.day = sums.day AND days.open
    WHERE total IS DISTINCT FROM 0
    UNION ALL
    SELECT NULL, 'none'
)";
    assert_eq!(lay_out(text, 0, 60).as_deref(), Some(wanted));
}

/// A name or a text with whatever means something elsewhere in it, but mostly without line breaks.
fn short(random: &mut Random) -> String {
    let text: String = values::text(random).chars().take(12).collect();
    if random.below(100) == 0 { text } else { text.replace(['\n', '\0'], " ") }
}

/// An expression over columns and texts, some of them with blanks, brackets and keywords in them.
fn expression(random: &mut Random, depth: usize) -> String {
    let inner = |random: &mut Random| expression(random, depth + 1);
    match random.below(if depth < 4 { 9 } else { 4 }) {
        0 => ScalarExpr::text(&short(random)).to_string(),
        1 => ScalarExpr::column(&short(random)).to_string(),
        2 => random.pick(&["E'a\\'b  ( c'", "$$ a ' ( $$", "$t$ SELECT  $ $t$", "X'ab'", "'--'"]).to_owned(),
        3 => random.pick(&["a", "12", "ARRAY[1, 2, 3]", "t.\"two  words\""]).to_owned(),
        4 => format!("coalesce({})", [inner(random), inner(random), inner(random)].join(", ")),
        5 => format!("({} AND {} OR {})", inner(random), inner(random), inner(random)),
        6 => {
            format!("CASE WHEN {} = {} THEN {} ELSE a END", inner(random), inner(random), inner(random))
        }
        7 => format!("(a BETWEEN {} AND {})", inner(random), inner(random)),
        _ => format!("(a IN ({}))", select(random, depth + 2)),
    }
}

fn select(random: &mut Random, depth: usize) -> String {
    let columns = [(); 3].map(|()| format!("{} AS c{}", expression(random, depth), random.below(100)));
    let from = if random.chance() && depth < 4 {
        format!("({}) AS s", select(random, depth + 1))
    } else {
        "left_table AS s".to_owned()
    };
    let window = random.pick(&["", ", sum(a) OVER (PARTITION BY a, b ORDER BY c DESC) AS w"]);
    let join = random.pick(&["", " LEFT JOIN t ON s.a = t.a AND t.b IS DISTINCT FROM s.b", " CROSS JOIN t"]);
    let filter = expression(random, depth);
    let other = if random.chance() && depth < 4 {
        format!(" UNION ALL {}", select(random, depth + 1))
    } else {
        String::new()
    };
    format!("SELECT {}{window} FROM {from}{join} WHERE {filter}{other}", columns.join(", "))
}

fn query(random: &mut Random) -> String {
    let first = select(random, 1);
    format!("WITH w AS ({first}), v AS ({}) {}", select(random, 2), select(random, 0))
}

fn quoted(text: &str) -> Vec<&str> {
    let quoted = |(_, piece)| match piece {
        Piece::Quoted(quoted) => Some(quoted),
        Piece::Plain(_) => None,
    };
    pieces(text).filter_map(quoted).collect()
}

/// A text is read back from its lines, and what is quoted in it stands there as it was.
fn lose_nothing(text: &str, seed: u64) -> bool {
    let Some(lines) = lay_out(text, 4, 110) else { return false };
    assert_eq!(parenthesised(&lines), Some(lines.len()), "seed {seed}: {text}\n{lines}");
    let inside = &lines[1..lines.len() - 1];
    assert_eq!(joined(inside).as_deref(), Some(text), "seed {seed}:\n{lines}");
    assert_eq!(quoted(inside), quoted(text), "seed {seed}:\n{lines}");
    true
}

#[test]
fn long_queries_lose_nothing() {
    let (mut laid_out, mut widest) = (0, 0);
    for seed in 0..200 {
        let random = &mut Random::new(seed);
        let text = query(random);
        // Some names are keywords to the parser of SQL where others may stand.
        let (Ok(query), Ok(wide)) = (Query::parse(&text), ScalarExpr::parse(&expression(random, 0))) else {
            continue;
        };
        let printed = query.to_string();
        if printed.contains('\n') {
            continue;
        }
        let mut graph = Graph::new("t");
        let query = op::Query { query, relations: vec!["left_table".to_owned(), "t".to_owned()] };
        graph.add(Node::new("q", Op::Query(query))).unwrap();
        let wide = NamedExpr::new("x", wide);
        graph
            .add(Node::new("p", Op::Project(op::Project { columns: [wide].into_iter().collect() })))
            .unwrap();
        let text = print(&graph);
        let parsed = parse(&text).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{text}")).graph;
        assert!(parsed == graph, "seed {seed}: another graph\n{text}");
        assert_eq!(print(&parsed), text, "seed {seed}: another text");
        laid_out += usize::from(lose_nothing(&printed, seed));
        // What is quoted is not broken, however long it is.
        let lines = text.lines().filter(|line| !line.contains(['\'', '"', '`', '$']));
        widest = widest.max(lines.map(|line| line.chars().count()).max().unwrap_or(0));
    }
    assert!(laid_out > 30, "only {laid_out} queries were laid out");
    assert!(widest <= WIDEST, "{widest}");
}

#[test]
fn texts_that_are_no_queries_lose_nothing() {
    const WORDS: &[&str] = &[
        "a",
        "word",
        "CASE",
        "END",
        "SELECT",
        "FROM",
        "AND",
        "OR",
        "WHEN",
        "WITH",
        "AS",
        "(",
        "(SELECT",
        "f(a,",
        "(",
        ")",
        "),",
        "b)",
        "LEFT JOIN",
        "JOIN",
        "ON",
        "UNION",
        "[",
        "1]",
        "{",
        "x}",
        "'a  b'",
        "\"c ( d\"",
        "E'\\' '",
        "$$ ( $$",
        "🦀",
        "-",
    ];
    const HOSTILE: &[&str] = &[
        "", " ", "\t", "\u{a0}", "\r", "]", "}", "'", "\"", "`", "''", "E'", "\\", "$", "$$", "$a$", "--",
        "(CASE", "END)",
    ];
    let (mut laid_out, mut refused) = (0, 0);
    for seed in 0..20_000 {
        let random = &mut Random::new(seed);
        let hostile = [usize::MAX, 50, 10][random.below(3)];
        let (mut text, mut open) = (String::new(), 0);
        for _ in 0..8 + random.below(60) {
            let words = if random.below(hostile) == 0 { HOSTILE } else { WORDS };
            let word = random.pick(words);
            let is_quoted = word.contains(['\'', '"', '$']);
            let count = |bracket| if is_quoted { 0 } else { word.matches(bracket).count() };
            // A parenthesis that closes nothing makes a text that is never laid out.
            if open + count('(') < count(')') {
                continue;
            }
            open = open + count('(') - count(')');
            if !text.is_empty() && !text.ends_with(['(', '[', '{']) && !word.starts_with([')', ']', '}']) {
                text.push(' ');
            }
            text.push_str(word);
        }
        text.push_str(&")".repeat(open));
        let text = text.trim().to_owned();
        let whole = format!("({text})");
        if parenthesised(&whole) == Some(whole.len()) && lose_nothing(&text, seed) {
            laid_out += 1;
        } else {
            refused += 1;
        }
        let mut graph = Graph::new(text.clone());
        let location = text.clone();
        let input = op::Input { location, version: None, files: None, lineage: None };
        graph.add(Node::new("i", Op::Input(input))).unwrap();
        let printed = print(&graph);
        let parsed = parse(&printed).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{printed}")).graph;
        assert!(parsed == graph, "seed {seed}: another graph\n{printed}");
    }
    assert!(laid_out > 1_000 && refused > 1_000, "{laid_out} laid out, {refused} refused");
}

#[test]
fn deep_texts_are_laid_out_without_overflow() {
    for depth in [10, 200, 100_000] {
        let text = format!("{}x{}", "f(1, ".repeat(depth), ")".repeat(depth));
        let lines = lay_out(&text, 4, 110);
        assert_eq!(lines.is_some(), depth < 256, "{depth}");
        if depth < 256 {
            assert!(lose_nothing(&text, 0));
        }
    }
}

#[test]
fn comments_that_a_line_ends_are_refused() {
    let header = "graph t phase=lowered\n";
    let error = parse(&format!("{header}a = filter b predicate=(x > 1 -- all\n    AND y)\n")).unwrap_err();
    assert!(error.to_string().starts_with("line 2: a comment within `( )`"), "{error}");
    let text = format!("{header}a = filter b predicate=(\n    x > 1\n# of the file\n    AND y > '  '\n)\n");
    let graph = parse(&text.replace("\n)\n", "\n  )\n")).unwrap().graph;
    assert_eq!(print(&graph), format!("{header}a = filter b predicate=(x > 1 AND y > '  ')\n"));
}

#[test]
fn wide_types_of_columns_are_broken() {
    let fields: Vec<String> = (0..9).map(|n| format!("\"field ( {n}\": non-null Utf8View")).collect();
    let lines: Vec<String> =
        [0..2, 2..4, 4..6, 6..9].map(|fields_of_line| fields[fields_of_line].join(", ")).to_vec();
    let inside = lines.join(",\n                ");
    let text = format!(
        "graph t phase=core\na = distinct\n    : {{\n        id Int64!,\n        all List(\n            Struct(\n                \
         {inside}\n            )\n        )!\n    }}\n"
    );
    let graph = parse(&text).unwrap().graph;
    assert_eq!(print(&graph), text);
}
