//! Queries whose values, windows and conditions DataFusion gets wrong.

use super::Guard::{Refused, Replaced, Rewritten};
use super::{Known, Right};

pub(super) const KNOWN: &[Known] = &[
    // Patterns and windows.
    Known {
        issues: &[24379],
        guard: Rewritten,
        query: "SELECT id, t ~ '.*' AS m FROM s WHERE id < 3",
        right: Right::Rows(&["1|true", "2|"]),
    },
    Known {
        issues: &[25471],
        guard: Replaced,
        query: "SELECT id, lead(v, 2) IGNORE NULLS OVER (ORDER BY id) AS n FROM s",
        right: Right::Rows(&["1|30", "2|30", "3|40", "4|70", "5|", "6|", "7|", "8|"]),
    },
    // Time.
    Known {
        issues: &[8336],
        guard: Replaced,
        query: "SELECT day = TIMESTAMP '9999-12-31' AS m FROM n",
        right: Right::Rows(&["true"]),
    },
    Known {
        issues: &[8336],
        guard: Replaced,
        query: "SELECT date_trunc('month', to_timestamp('9999-12-31')) = '9999-12-01' AS m FROM n",
        right: Right::Rows(&["true"]),
    },
    Known {
        issues: &[25135],
        guard: Replaced,
        query: "SELECT id FROM s WHERE id = 1 AND EXTRACT(YEAR FROM to_timestamp(concat('202', id, '-06-01'))) < 9999",
        right: Right::Rows(&["1"]),
    },
    // NaN and -0. Without an issue there: found by `tests/judges/sql_check.py`.
    Known {
        issues: &[],
        guard: Replaced,
        query: "SELECT x, min(y) AS lo, max(z) AS hi FROM f GROUP BY x",
        right: Right::Rows(&["1|-0.5|NaN", "2|inf|-inf"]),
    },
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT id FROM zeros WHERE z IN (0.0, 2.0, 3.0, 4.0)",
        right: Right::Rows(&["1", "2", "3"]),
    },
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT id, count(*) OVER (PARTITION BY z) AS n, rank() OVER (ORDER BY z) AS r FROM zeros",
        right: Right::Rows(&["1|2|1", "2|2|1", "3|1|3"]),
    },
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT count(DISTINCT z) AS n, count(DISTINCT id) AS m FROM zeros",
        right: Right::Rows(&["2|3"]),
    },
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT id, nullif(z, 0) AS a, CASE z WHEN 0 THEN 'zero' END AS b FROM zeros",
        right: Right::Rows(&["1||zero", "2||zero", "3|2.0|"]),
    },
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT id FROM (SELECT id FROM zeros ORDER BY z, id LIMIT 1) s",
        right: Right::Rows(&["1"]),
    },
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT first_value(id ORDER BY z, id) AS f FROM zeros",
        right: Right::Rows(&["1"]),
    },
    // Conditions that others guard.
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT id FROM s WHERE id <> 3 AND 10 / (id - 3) > 4",
        right: Right::Rows(&["4", "5"]),
    },
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT id FROM (SELECT id FROM s WHERE id <> 3) s WHERE 10 / (id - 3) > 4",
        right: Right::Rows(&["4", "5"]),
    },
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT id, id = 3 OR 10 / (id - 3) > 4 AS m FROM s WHERE id < 5",
        right: Right::Rows(&["1|false", "2|false", "3|true", "4|true"]),
    },
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT id, count(*) FILTER (WHERE v <> 10 AND 10 / (v - 10) > 0) AS a, \
                sum(100 / (v - 10)) FILTER (WHERE v <> 10) AS b FROM s WHERE id < 4 GROUP BY id",
        right: Right::Rows(&["1|0|", "2|0|", "3|1|10"]),
    },
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT id, sum(100 / (v - 10)) FILTER (WHERE v <> 10) OVER (ORDER BY id) AS b FROM s WHERE id < 4",
        right: Right::Rows(&["1|", "2|", "3|10"]),
    },
    Known {
        issues: &[],
        guard: Refused,
        query: "SELECT count(DISTINCT *) AS a FROM s",
        right: Right::Rows(&["8"]),
    },
    // Frames of windows.
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT id, sum(x) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS a FROM (VALUES \
                (1, CAST(1e20 AS DOUBLE)), (2, 1.0), (3, 2.0), (4, 3.0)) q(id, x)",
        right: Right::Rows(&["1|1e20", "2|1e20", "3|3.0", "4|5.0"]),
    },
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT x, sum(y) OVER (ORDER BY x, z ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS a FROM f",
        right: Right::Rows(&["1|NaN", "1|inf", "2|inf"]),
    },
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT id, bool_or(v > 20) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS a, \
                bit_xor(v) OVER (ORDER BY id ROWS BETWEEN 1 FOLLOWING AND 2 FOLLOWING) AS b FROM s WHERE id > 4",
        right: Right::Rows(&["5|true|", "6|true|70", "7||70", "8|true|"]),
    },
    Known {
        issues: &[],
        guard: Refused,
        query: "SELECT count(*) OVER (ORDER BY day RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) AS a FROM n",
        right: Right::Error,
    },
    Known {
        issues: &[],
        guard: Refused,
        query: "SELECT id, lag(v, 1, 1.5) OVER (ORDER BY id) AS a FROM s WHERE id = 1",
        right: Right::Error,
    },
    // Decimals and floats.
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT a.x FROM (SELECT CAST(0 AS DECIMAL(10, 2)) AS x) a JOIN (SELECT CAST('1e-16' AS DOUBLE) AS y) b ON a.x = b.y",
        right: Right::Rows(&[]),
    },
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT x, CAST(x AS DECIMAL(10, 2)) < z AS m FROM f",
        right: Right::Rows(&["1|false", "1|true", "2|false"]),
    },
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT CAST(x AS DECIMAL(10, 2)) AS m FROM f WHERE x = 2 UNION ALL SELECT x FROM f WHERE x = 2 \
                UNION ALL SELECT z FROM f WHERE x = 2",
        right: Right::Rows(&["-inf", "2.0", "2.0"]),
    },
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT CASE WHEN x = 1 THEN CAST(x AS DECIMAL(10, 2)) ELSE z END AS m FROM f",
        right: Right::Rows(&["-inf", "1.0", "1.0"]),
    },
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT big FROM n WHERE amount NOT IN (SELECT z FROM f)",
        right: Right::Rows(&["9223372036854775807"]),
    },
    Known {
        issues: &[13078],
        guard: Rewritten,
        query: "SELECT speed IS DISTINCT FROM 500.2 AS a, speed IS NOT DISTINCT FROM 500.2 AS b FROM n",
        right: Right::Rows(&["false|true"]),
    },
    // Time that is counted.
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT TIMESTAMP '2024-03-01' - TIMESTAMP '2024-02-28' > INTERVAL '1' DAY AS m FROM n",
        right: Right::Rows(&["true"]),
    },
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT TIMESTAMP '2024-03-01' - day < INTERVAL '1' DAY AS m FROM n",
        right: Right::Rows(&["true"]),
    },
    Known {
        issues: &[],
        guard: Refused,
        query: "SELECT INTERVAL '1' MONTH < INTERVAL '40' DAY AS m FROM n",
        right: Right::Rows(&["true"]),
    },
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT DATE '2024-01-01' + INTERVAL '36' HOUR = TIMESTAMP '2024-01-02 12:00:00' AS m FROM n",
        right: Right::Rows(&["true"]),
    },
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT extract(decade FROM day) AS a, extract(century FROM day) AS b, extract(millennium FROM day) AS c \
                FROM n",
        right: Right::Rows(&["999|100|10"]),
    },
    // A zone to be printed in is none that a Delta table keeps; parts and days are those of UTC again.
    Known {
        issues: &[],
        guard: Replaced,
        query: "SELECT to_char(TIMESTAMP '2024-07-01 23:30:00' AT TIME ZONE 'Europe/Berlin', '%d %H') AS t, \
                CAST(TIMESTAMP '2024-01-01 23:30:00' AT TIME ZONE 'Europe/Berlin' AS DATE) = '2024-01-02' AS d FROM n",
        right: Right::Rows(&["02 01|true"]),
    },
    // Numbers.
    Known { issues: &[], guard: Rewritten, query: "SELECT id << 64 AS x FROM s", right: Right::Error },
    Known { issues: &[], guard: Rewritten, query: "SELECT big << 1 AS x FROM n", right: Right::Error },
    Known {
        issues: &[],
        guard: Replaced,
        query: "SELECT arrow_typeof(approx_distinct(k)) AS a, arrow_typeof(regr_count(k, v)) AS b FROM o",
        right: Right::Rows(&["Int64|Int64"]),
    },
    Known {
        issues: &[3520, 17539],
        guard: Rewritten,
        query: "SELECT big + 1 AS x FROM n",
        right: Right::Error,
    },
    Known {
        issues: &[3520, 17539],
        guard: Rewritten,
        query: "SELECT -(-big - 1) AS x FROM n",
        right: Right::Error,
    },
    Known {
        issues: &[17539],
        guard: Replaced,
        query: "SELECT sum(x) AS x FROM (SELECT big AS x FROM n UNION ALL SELECT big FROM n)",
        right: Right::Error,
    },
    Known { issues: &[17539], guard: Rewritten, query: "SELECT wide * 9 AS x FROM n", right: Right::Error },
    Known {
        issues: &[13078, 12655],
        guard: Rewritten,
        query: "SELECT speed <= 500.2 AS a, speed IN (500.2) AS b FROM n",
        right: Right::Rows(&["true|true"]),
    },
    Known {
        issues: &[12817],
        guard: Rewritten,
        query: "SELECT amount = 9007199254740993.01 AS a FROM n",
        right: Right::Rows(&["true"]),
    },
    // The first of few groups.
    Known {
        issues: &[],
        guard: Rewritten,
        query: "SELECT DISTINCT y FROM f CROSS JOIN c ORDER BY y LIMIT 5",
        right: Right::Rows(&["-0.5", "NaN", "inf"]),
    },
];
