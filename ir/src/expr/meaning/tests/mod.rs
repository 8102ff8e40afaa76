//! Every clause of the table is refused, at its words; what works is not.

use super::super::syntax::SqlIssueKind;
use super::super::{Query, ScalarExpr};
use super::clauses;

/// What is refused of a query: the sentence and the words it points at.
fn refused(sql: &str) -> Vec<(String, String)> {
    match Query::parse(sql) {
        Ok(_) => Vec::new(),
        Err(error) => {
            let words = |bytes: &Option<std::ops::Range<usize>>| {
                bytes.clone().and_then(|bytes| sql.get(bytes)).unwrap_or("no place").to_owned()
            };
            let issues = error.issues().iter();
            issues.map(|issue| (issue.message.clone(), words(&issue.bytes))).collect()
        }
    }
}

#[test]
fn every_clause_of_the_table_is_refused_at_its_words() {
    let mut wrong = Vec::new();
    for clause in clauses::ALL.iter().filter(|clause| !clause.example.is_empty()) {
        let found = refused(clause.example);
        let is_named = found.len() == 1 && found.iter().all(|(message, _)| message.contains(clause.name));
        let first = clause.words.first().map(|word| word.to_ascii_uppercase());
        let is_placed = found.iter().all(|(_, words)| {
            !words.is_empty()
                && words != "no place"
                && first.as_ref().is_none_or(|first| words.to_ascii_uppercase().starts_with(first.as_str()))
        });
        if !is_named || !is_placed {
            wrong.push(format!("{}: `{}` gives {found:?}", clause.name, clause.example));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_clause_says_what_to_write_instead_and_is_listed_once() {
    let mut names = std::collections::BTreeSet::new();
    for clause in clauses::ALL {
        assert!(!clause.instead.is_empty() && !clause.name.is_empty());
        assert!(names.insert(clause.name), "{} is listed twice", clause.name);
    }
}

/// It is printed as `1.a`, which is the number `1.` with another name.
#[test]
fn a_field_of_a_number_is_refused() {
    assert!(ScalarExpr::parse("1 .a").is_err());
    assert!(ScalarExpr::parse("s.a").is_ok());
}

#[test]
fn what_works_is_not_refused() {
    for sql in [
        "SELECT DISTINCT a, b AS c FROM t AS x (a, b) WHERE a > 1 GROUP BY a, b HAVING count(*) > 1 ORDER BY a DESC NULLS LAST LIMIT 3 OFFSET 1",
        "SELECT DISTINCT ON (a) a, b FROM t ORDER BY a, b",
        "SELECT a FROM t LIMIT 1, 2",
        "SELECT a FROM t WHERE a IN (SELECT sum(b) OVER () FROM u) LIMIT 1 + 1",
        "SELECT a FROM t UNION ALL BY NAME SELECT b FROM u",
        "(SELECT a FROM t) EXCEPT SELECT b FROM u INTERSECT ALL SELECT c FROM v",
        "VALUES (1, 'a'), (2, NULL)",
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION SELECT n + 1 FROM r WHERE n < 9) SELECT n FROM r",
        "SELECT * EXCLUDE (a), t.* EXCEPT (b) FROM t CROSS JOIN u",
        "FROM t SELECT a",
        "SELECT a FROM t LEFT JOIN u USING (k) NATURAL JOIN v RIGHT JOIN w ON w.a = t.a FULL JOIN x ON true",
        "SELECT a FROM t LEFT SEMI JOIN u ON t.a = u.a RIGHT ANTI JOIN v ON v.a = t.a",
        "SELECT a FROM t, LATERAL (SELECT max(b) AS m FROM u WHERE u.a = t.a) AS s",
        "SELECT a FROM t CROSS JOIN UNNEST([1, 2]) AS u (x)",
        "SELECT a, count(*) FROM t GROUP BY ALL",
        "SELECT a, b, count(*) FROM t GROUP BY GROUPING SETS ((a, b), (a), ())",
        "SELECT a, b, count(*) FROM t GROUP BY ROLLUP (a, b)",
        "SELECT a, b, count(*) FROM t GROUP BY CUBE (a, b)",
        "SELECT a FROM t QUALIFY row_number() OVER (PARTITION BY b ORDER BY c) = 1",
        "SELECT sum(a) OVER w, max(a) OVER (w ORDER BY c) FROM t WINDOW w AS (PARTITION BY b), v AS (w) ORDER BY min(a) OVER v",
        "SELECT sum(a) OVER (ORDER BY b ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t",
        "SELECT a FROM t WHERE a IN (1, 2) AND b NOT IN (SELECT b FROM u) OR EXISTS (SELECT 1 FROM v WHERE v.a = t.a)",
        "SELECT a FROM t WHERE a > ALL (SELECT b FROM u) AND a = ANY (SELECT b FROM u)",
        "SELECT count(DISTINCT a), sum(a) FILTER (WHERE b), array_agg(a ORDER BY b DESC), percentile_cont(0.5) WITHIN GROUP (ORDER BY a) FROM t",
        "SELECT lead(a, 1) IGNORE NULLS OVER (ORDER BY b), first_value(a IGNORE NULLS) OVER (ORDER BY b) FROM t",
        "SELECT CASE a WHEN 1 THEN 'x' ELSE 'y' END, CAST(a AS DECIMAL(10, 2)), a::BIGINT, TRY_CAST(a AS DATE), DATE '2024-01-01' FROM t",
        "SELECT EXTRACT(YEAR FROM a), TRIM(BOTH 'x' FROM b), SUBSTRING(b FROM 1 FOR 2), POSITION('a' IN b), OVERLAY(b PLACING 'x' FROM 1), FLOOR(c), CEIL(c) FROM t",
        "SELECT INTERVAL '1 day', a + INTERVAL '2' HOUR, TIMESTAMP '2024-01-01 00:00:00' AT TIME ZONE 'UTC' FROM t",
        "SELECT s['a'], s.a.b, l[1], l[1:2], [1, 2], ARRAY[3], struct(a, b), named_struct('x', a), {'k': a}, MAP {'k': a} FROM t",
        "SELECT a ~ 'x', a !~* 'x', a LIKE 'b%' ESCAPE '\\', a ILIKE 'c', a || 'e', a & 1, a | 2, a << 1, a % 3 FROM t",
        "SELECT a IS NOT DISTINCT FROM b, a IS TRUE, b IS NOT UNKNOWN, NOT a, -a, a BETWEEN 1 AND 2, a <=> b FROM t",
        "SELECT a, FROM t;",
    ] {
        assert_eq!(refused(sql), [], "{sql}");
    }
}

#[test]
fn clauses_are_refused_wherever_they_stand() {
    for sql in [
        "SELECT a FROM (SELECT a FROM t TABLESAMPLE BERNOULLI (10)) AS s",
        "WITH s AS (SELECT a FROM t TABLESAMPLE BERNOULLI (10)) SELECT a FROM s",
        "SELECT a FROM u UNION ALL SELECT a FROM t TABLESAMPLE BERNOULLI (10)",
        "SELECT a FROM u WHERE a IN (SELECT a FROM t TABLESAMPLE BERNOULLI (10))",
        "SELECT (SELECT max(a) FROM t TABLESAMPLE BERNOULLI (10)) FROM u",
        "SELECT a FROM u JOIN (t TABLESAMPLE BERNOULLI (10) JOIN v ON true) ON EXISTS (SELECT 1)",
        "SELECT sum((SELECT max(a) FROM t TABLESAMPLE BERNOULLI (10))) OVER (ORDER BY b) FROM u",
        "SELECT a FROM u ORDER BY (SELECT max(a) FROM t TABLESAMPLE BERNOULLI (10))",
    ] {
        assert_eq!(
            refused(sql),
            [("sampling is not supported".to_owned(), "TABLESAMPLE".to_owned())],
            "{sql}"
        );
    }
}

#[test]
fn the_word_that_is_meant_is_pointed_at_and_not_one_like_it() {
    // A column, a text and a comment hold the word before the clause does.
    let sql = "SELECT \"FORMAT\", 'FORMAT' FROM t /* FORMAT */ FORMAT JSON";
    let error = Query::parse(sql).unwrap_err();
    let bytes = error.issues().first().and_then(|issue| issue.bytes.clone()).unwrap();
    assert_eq!(bytes, sql.len() - "FORMAT JSON".len()..sql.len() - " JSON".len());
}

#[test]
fn expressions_are_compared_with_the_same_table() {
    for (text, word) in [("a RLIKE 'x'", "RLIKE"), ("sum(a) OVER w", "w"), ("f(1)(a)", "("), ("N'x'", "N'x'")]
    {
        let error = ScalarExpr::parse(text).unwrap_err();
        let [issue] = error.issues() else { panic!("{text}: {error}") };
        assert_eq!(issue.kind, SqlIssueKind::Clause, "{text}");
        assert!(text.get(issue.bytes.clone().unwrap()).unwrap().contains(word), "{text}: {issue:?}");
    }
}

#[test]
fn everything_that_is_refused_is_told_at_once() {
    let sql =
        "SELECT TOP 1 a FROM t TABLESAMPLE BERNOULLI (1) PREWHERE a > 1 GROUP BY a WITH TOTALS FOR UPDATE";
    let words: Vec<String> = refused(sql).into_iter().map(|(_, words)| words).collect();
    assert_eq!(words, ["TOP", "TABLESAMPLE", "PREWHERE", "WITH", "FOR"]);
}
