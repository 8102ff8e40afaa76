//! Queries whose joins, set operations, subqueries and names DataFusion gets wrong.

use super::Guard::{Refused, Rewritten};
use super::{Known, Right};

pub(super) const KNOWN: &[Known] = &[
    // Merged keys of outer joins.
    Known {
        issues: &[22881],
        guard: Rewritten,
        query: "SELECT k, v, w FROM o RIGHT JOIN i USING (k) WHERE w = 7",
        right: Right::Rows(&["7||7"]),
    },
    Known {
        issues: &[22881],
        guard: Rewritten,
        query: "SELECT k, count(*) AS n FROM o FULL JOIN i USING (k) WHERE k > 2 GROUP BY k",
        right: Right::Rows(&["5|1", "7|1"]),
    },
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT * FROM (SELECT k, v FROM o) o LEFT JOIN (SELECT k, w FROM i) i USING (k) WHERE v = 50",
        right: Right::Rows(&["5|50|"]),
    },
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT * FROM (SELECT k, v FROM o) o NATURAL LEFT JOIN (SELECT k FROM i) i WHERE v = 50",
        right: Right::Rows(&["5|50"]),
    },
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT k, v, n FROM o LEFT JOIN i USING (k) LEFT JOIN (SELECT k, g AS n FROM i) j USING (k) WHERE v = 10",
        right: Right::Rows(&["1|10|1"]),
    },
    // Copies in set operations.
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT k, v, w FROM o LEFT JOIN i USING (k) WHERE k = 1",
        right: Right::Rows(&["1|10|5"]),
    },
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT k, v, x FROM o LEFT JOIN i USING (k) JOIN c ON x = k WHERE i.w = 5",
        right: Right::Rows(&["1|10|1", "1|10|1", "1|10|1"]),
    },
    Known {
        issues: &[22881],
        guard: Rewritten,
        query: "SELECT i.*, k + 0 AS key FROM o FULL JOIN i USING (k) WHERE o.k IS NULL ORDER BY k",
        right: Right::Rows(&["7|3|7|7", "|2||", "|||"]),
    },
    Known {
        issues: &[22881],
        guard: Rewritten,
        query: "SELECT * FROM (SELECT k, v FROM o) o FULL JOIN (SELECT k, w FROM i) i USING (k) FULL JOIN \
                (SELECT k, g FROM o) h USING (k) WHERE k > 4",
        right: Right::Rows(&["5|50||9", "7||7|"]),
    },
    Known {
        issues: &[],
        guard: Refused,
        query: "SELECT i.* FROM o NATURAL FULL JOIN i",
        right: Right::Rows(&[]),
    },
    Known {
        issues: &[12956],
        guard: Rewritten,
        query: "SELECT x FROM c EXCEPT ALL SELECT k FROM o",
        right: Right::Rows(&["", "1", "1"]),
    },
    Known {
        issues: &[12955],
        guard: Rewritten,
        query: "SELECT x FROM c INTERSECT ALL SELECT k FROM o",
        right: Right::Rows(&["", "1", "2"]),
    },
    // Subqueries.
    Known {
        issues: &[25347],
        guard: Rewritten,
        query: "SELECT v FROM o WHERE 3 NOT IN (SELECT i.k FROM i WHERE i.g = o.g)",
        right: Right::Rows(&["10", "40", "50"]),
    },
    Known {
        issues: &[25340],
        guard: Rewritten,
        query: "SELECT v FROM o WHERE 3 NOT IN (SELECT k FROM i)",
        right: Right::Rows(&[]),
    },
    Known {
        issues: &[25338],
        guard: Rewritten,
        query: "SELECT v, k IN (SELECT k FROM i) AS m FROM o WHERE v > 10",
        right: Right::Rows(&["20|true", "40|true", "50|"]),
    },
    Known {
        issues: &[25338],
        guard: Rewritten,
        query: "SELECT v FROM o WHERE k NOT IN (SELECT k FROM i) OR v = 10",
        right: Right::Rows(&["10"]),
    },
    Known {
        issues: &[25338],
        guard: Rewritten,
        query: "SELECT v, v > ALL (SELECT w FROM i WHERE i.g = o.g) AS m FROM o WHERE v > 10",
        right: Right::Rows(&["20|false", "40|true", "50|true"]),
    },
    Known {
        issues: &[10553],
        guard: Rewritten,
        query: "SELECT v FROM o WHERE EXISTS (SELECT count(*) FROM i WHERE i.g = o.g)",
        right: Right::Rows(&["", "10", "20", "40", "50"]),
    },
    Known {
        issues: &[10553],
        guard: Rewritten,
        query: "SELECT v FROM o WHERE 0 IN (SELECT count(*) FROM i WHERE i.g = o.g)",
        right: Right::Rows(&["40", "50"]),
    },
    Known {
        issues: &[10553],
        guard: Refused,
        query: "SELECT v FROM o WHERE EXISTS (SELECT 1 FROM i WHERE i.g = o.g LIMIT 1 OFFSET 1)",
        right: Right::Rows(&["", "20"]),
    },
    // Calls that give another value each time.
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT abs(avg(CAST(random() BETWEEN 0.25 AND 0.75 AS INT)) - 0.5) < 0.03 AS m \
                FROM c a CROSS JOIN c b CROSS JOIN c d CROSS JOIN c e CROSS JOIN c f",
        right: Right::Rows(&["true"]),
    },
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT count(*) AS n FROM (SELECT count(*) OVER () AS m FROM c a CROSS JOIN c b CROSS JOIN c d) t \
                WHERE random() < 0.5 AND m <> 216",
        right: Right::Rows(&["0"]),
    },
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT count(*) > 0 AS m FROM (SELECT n, count(*) AS m FROM (SELECT row_number() OVER () AS n FROM c a \
                CROSS JOIN c b) t CROSS JOIN c CROSS JOIN c d WHERE random() < 0.5 GROUP BY n) s WHERE m NOT IN (0, 36)",
        right: Right::Rows(&["true"]),
    },
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT count(*) AS n FROM (SELECT CASE WHEN random() < 0.5 THEN 1 END IN (SELECT x FROM c WHERE x IS NOT \
                NULL) AS m FROM c a CROSS JOIN c b CROSS JOIN c d) t WHERE m = false",
        right: Right::Rows(&["0"]),
    },
    Known {
        issues: &[],
        guard: Refused,
        query: "SELECT count(*) > 0 AS m FROM (SELECT n, count(*) AS m FROM (SELECT row_number() OVER () AS n FROM c a \
                CROSS JOIN c b) t JOIN (SELECT 1 AS k FROM c CROSS JOIN c d) u ON random() < 0.5 GROUP BY n) s \
                WHERE m NOT IN (0, 36)",
        right: Right::Rows(&["true"]),
    },
    // Names.
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT sum(v) AS a, sum(CAST(v AS DOUBLE)) AS b, sum(v::DECIMAL(10, 2)) AS c FROM s",
        right: Right::Rows(&["170|170.0|170.00"]),
    },
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT v, CAST(v AS VARCHAR) AS t, count(*) AS n FROM s WHERE v > 20 GROUP BY v, CAST(v AS VARCHAR)",
        right: Right::Rows(&["30|30|1", "40|40|1", "70|70|1"]),
    },
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT id AS v, CAST(v AS VARCHAR) AS c FROM s GROUP BY id, CAST(v AS VARCHAR) ORDER BY v DESC LIMIT 1",
        right: Right::Rows(&["8|70"]),
    },
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT t, sum(v) AS v FROM s GROUP BY t ORDER BY sum(v) DESC NULLS LAST LIMIT 1",
        right: Right::Rows(&["z|110"]),
    },
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT v, id FROM s WHERE id = 1 UNION ALL SELECT id, id FROM s WHERE id = 2",
        right: Right::Rows(&["10|1", "2|2"]),
    },
    // Keys that are said to decide the other columns of their rows, and do not.
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT g, x FROM (SELECT g, unnest(array_agg(v ORDER BY v)) AS x FROM o GROUP BY g) u WHERE g > 1 \
                ORDER BY g, x NULLS FIRST LIMIT 1",
        right: Right::Rows(&["2|"]),
    },
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT DISTINCT g FROM (SELECT g, unnest(array_agg(v)) AS x FROM o GROUP BY g) u",
        right: Right::Rows(&["", "1", "2", "9"]),
    },
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT i.k FROM i LEFT JOIN (SELECT g, unnest(array_agg(v)) AS x FROM o GROUP BY g) u ON i.g = u.g \
                WHERE i.w = 20",
        right: Right::Rows(&["2", "2"]),
    },
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT g, n FROM (SELECT g, x, count(*) AS n FROM (SELECT g, unnest(array_agg(v)) AS x FROM o \
                GROUP BY g) u GROUP BY g, x) WHERE g = 2",
        right: Right::Rows(&["2|1", "2|1"]),
    },
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT DISTINCT g FROM (SELECT a.g, c.x FROM (SELECT g, count(*) AS n FROM o GROUP BY g) a CROSS JOIN c \
                GROUP BY a.g, c.x) WHERE g > 2",
        right: Right::Rows(&["9"]),
    },
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT g, x FROM (SELECT a.g, c.x FROM (SELECT g, count(*) AS n FROM o GROUP BY g) a CROSS JOIN c \
                GROUP BY a.g, c.x) WHERE g > 2 ORDER BY g, x DESC NULLS FIRST LIMIT 1",
        right: Right::Rows(&["9|"]),
    },
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT i.k FROM i LEFT JOIN (SELECT a.g, c.x FROM (SELECT g, count(*) AS n FROM o GROUP BY g) a \
                CROSS JOIN c GROUP BY a.g, c.x) b ON i.g = b.g WHERE i.w = 5",
        right: Right::Rows(&["1", "1", "1"]),
    },
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT g, n FROM (SELECT g, x, count(*) AS n FROM (SELECT a.g, c.x FROM (SELECT g, count(*) AS n FROM o \
                GROUP BY g) a CROSS JOIN c GROUP BY a.g, c.x) u GROUP BY g, x) WHERE g = 9",
        right: Right::Rows(&["9|1", "9|1", "9|1"]),
    },
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT g, x, count(*) OVER (ORDER BY g) AS n FROM (SELECT g, unnest(array_agg(v)) AS x FROM o GROUP BY g) u \
                WHERE g < 3",
        right: Right::Rows(&["1|10|1", "2|20|3", "2||3"]),
    },
    // A key that is known not to be NULL in one half of the planner only.
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT DISTINCT CASE WHEN r.w >= l.v THEN l.v ELSE -1 END AS m FROM o AS l JOIN i AS r ON l.k = r.k AND \
                l.g BETWEEN r.g * 0 AND r.g + r.k",
        right: Right::Rows(&["-1", "20"]),
    },
    // Constants of the side of an outer join that has NULL where there is no match.
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT l.v, r.found FROM o AS l LEFT JOIN (SELECT k, 1 AS found FROM i WHERE k = 2 AND w = 20) AS r ON l.k = r.k \
                ORDER BY found NULLS FIRST, l.v DESC NULLS LAST LIMIT 3",
        right: Right::Rows(&["10|", "50|", "|"]),
    },
    // Predicates without columns, moved below an aggregation that gives a row for no rows (`rules::FiltersOfGroups`).
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT n FROM (SELECT count(*) AS n FROM o) AS a WHERE (SELECT max(w) FROM i) < 0",
        right: Right::Rows(&[]),
    },
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT n FROM (SELECT count(*) AS n, CAST(NULL AS BIGINT) AS x FROM o) AS a WHERE x = 0",
        right: Right::Rows(&[]),
    },
    // A limit above DISTINCT over sorted rows.
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT t FROM (SELECT DISTINCT t, max(t) OVER (PARTITION BY t) AS m FROM s) AS a LIMIT 9",
        right: Right::Rows(&["", "", "x", "y", "z"]),
    },
    // The first rows of inputs of a union with other constants (`rules::FirstRows`): whichever input is read first, one
    // of the two is wrong.
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT * FROM (SELECT * FROM (SELECT 'a' AS side, v FROM o UNION ALL SELECT 'b', w FROM i) AS u \
                ORDER BY side, v LIMIT 2) UNION ALL \
                SELECT * FROM (SELECT * FROM (SELECT 'a' AS side, v FROM o UNION ALL SELECT 'b', w FROM i) AS u \
                ORDER BY side DESC, v DESC NULLS LAST LIMIT 2)",
        right: Right::Rows(&["a|10", "a|20", "b|20", "b|40"]),
    },
];
