//! Filters over columns of every type, as a partition and in the files.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int8Array,
    Int16Array, Int32Array, Int64Array, StringArray, TimestampMicrosecondArray,
};

use super::{Judged, Kind, comparisons, conditions, table};
use crate::fixtures::Lake;

fn kind(name: &'static str, values: ArrayRef, literals: &[&'static str]) -> Kind {
    Kind { name, values, literals: literals.to_vec() }
}

fn decimal(precision: u8, scale: i8, values: Vec<Option<i128>>) -> ArrayRef {
    Arc::new(Decimal128Array::from(values).with_precision_and_scale(precision, scale).unwrap())
}

pub(crate) fn kinds() -> Vec<Kind> {
    let times = vec![Some(-1), Some(0), Some(1_700_000_000_123_456), Some(253_402_300_799_999_999), None];
    let long = "the quick brown fox jumps over the lazy dog and then some more of it";
    vec![
        kind(
            "Int8",
            Arc::new(Int8Array::from(vec![Some(-128), Some(0), Some(127), None])),
            &["CAST(0 AS TINYINT)", "CAST(127 AS TINYINT)"],
        ),
        kind(
            "Int16",
            Arc::new(Int16Array::from(vec![Some(-5), Some(7), None])),
            &["CAST(7 AS SMALLINT)", "CAST(-5 AS SMALLINT)"],
        ),
        kind(
            "Int32",
            Arc::new(Int32Array::from(vec![Some(i32::MIN), Some(1), Some(i32::MAX), None])),
            &["1", "CAST(2147483647 AS INT)"],
        ),
        kind(
            "Int64",
            Arc::new(Int64Array::from(vec![
                Some(i64::MIN),
                Some(9_007_199_254_740_993),
                Some(i64::MAX),
                None,
            ])),
            &["9007199254740993", "9223372036854775807"],
        ),
        kind(
            "Boolean",
            Arc::new(BooleanArray::from(vec![Some(true), Some(false), None])),
            &["true", "false"],
        ),
        kind(
            "Date32",
            Arc::new(Date32Array::from(vec![Some(-719_162), Some(0), Some(2_932_896), None])),
            &["DATE '1970-01-01'", "DATE '9999-12-31'"],
        ),
        kind(
            "Timestamp",
            Arc::new(TimestampMicrosecondArray::from(times.clone()).with_timezone("UTC")),
            &[
                "arrow_cast('2023-11-14T22:13:20.123456Z', 'Timestamp(Microsecond, Some(\"UTC\"))')",
                "arrow_cast('1969-12-31T23:59:59.999999Z', 'Timestamp(Microsecond, Some(\"UTC\"))')",
            ],
        ),
        kind(
            "TimestampNtz",
            Arc::new(TimestampMicrosecondArray::from(times)),
            &[
                "arrow_cast('2023-11-14T22:13:20.123456', 'Timestamp(Microsecond, None)')",
                "arrow_cast('1970-01-01T00:00:00', 'Timestamp(Microsecond, None)')",
            ],
        ),
        kind(
            "Decimal(15,2)",
            decimal(15, 2, vec![Some(-225), Some(-5), Some(0), Some(999_999_999_999_999), None]),
            &["CAST(-0.05 AS DECIMAL(15,2))", "CAST(9999999999999.99 AS DECIMAL(15,2))"],
        ),
        kind(
            "Decimal(38,18)",
            decimal(
                38,
                18,
                vec![
                    Some(123_456_789_012_345_671),
                    Some(1_000_000_000_000_000_001),
                    Some(12_345_678_901_234_567_890_500_000_000_000_000_000),
                    None,
                ],
            ),
            &[
                "CAST('0.123456789012345671' AS DECIMAL(38,18))",
                "CAST('12345678901234567890.5' AS DECIMAL(38,18))",
            ],
        ),
        kind(
            "Decimal(38,0)",
            decimal(38, 0, vec![Some(10_i128.pow(30) + 1), Some(-(10_i128.pow(30) + 1)), None]),
            &["CAST('1000000000000000000000000000001' AS DECIMAL(38,0))", "CAST('0' AS DECIMAL(38,0))"],
        ),
        kind(
            "Float32",
            Arc::new(Float32Array::from(vec![
                Some(0.0),
                Some(-0.0),
                Some(f32::NAN),
                Some(500.2),
                Some(f32::INFINITY),
                None,
            ])),
            &["CAST(0.0 AS FLOAT)", "CAST(500.2 AS FLOAT)"],
        ),
        kind(
            "Float64",
            Arc::new(Float64Array::from(vec![
                Some(1.0),
                Some(f64::NAN),
                Some(-f64::NAN),
                Some(0.0),
                Some(-0.0),
                Some(f64::NEG_INFINITY),
                None,
            ])),
            &["CAST(5.0 AS DOUBLE)", "CAST(0.0 AS DOUBLE)"],
        ),
        kind(
            "Utf8",
            Arc::new(StringArray::from(vec![
                Some("a/b"),
                Some("%"),
                Some("é ü"),
                Some("null"),
                Some(long),
                None,
            ])),
            &["'é ü'", "'the quick brown fox jumps over the lazy dog and then some more'"],
        ),
        kind(
            "Binary",
            Arc::new(BinaryArray::from_opt_vec(vec![Some(b"a".as_slice()), Some(b"zz"), None])),
            &["CAST('a' AS BYTEA)", "CAST('zz' AS BYTEA)"],
        ),
    ]
}

async fn wrong(partitioned: bool) -> Vec<String> {
    let lake = Lake::new();
    let mut wrong = Vec::new();
    for (number, kind) in kinds().iter().enumerate() {
        if partitioned && kind.name == "Binary" {
            continue;
        }
        let location = lake.at(&format!("t{number}"));
        table(&location, kind, partitioned).await;
        let judged = Judged::open(&location).await;
        for (index, one) in kind.literals.iter().enumerate() {
            let two = kind.literals[1 - index];
            // All forms once, and those that depend on which value it is again.
            let asked = if index == 0 { conditions(one, two) } else { comparisons(one, two) };
            for condition in asked {
                let rows = format!("SELECT v, c FROM t WHERE {condition} ORDER BY v");
                let found = judged.wrong(&rows).await;
                wrong.extend(found.map(|found| format!("{}: {found}", kind.name)));
            }
            let totals = format!("SELECT count(*), count(c), min(c), max(c), sum(v) FROM t WHERE c >= {one}");
            for query in [&totals, "SELECT count(*), count(c), min(c), max(c), count(DISTINCT c) FROM t"] {
                let found = judged.wrong(query).await;
                wrong.extend(found.map(|found| format!("{}: {found}", kind.name)));
            }
        }
    }
    wrong
}

#[tokio::test]
async fn filters_over_partition_columns_of_every_type() {
    let wrong = wrong(true).await;
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn filters_over_columns_of_every_type() {
    let wrong = wrong(false).await;
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

// A filter that the log answers costs nothing; what compares columns or computes is asked of every row.
#[tokio::test]
async fn partition_columns_against_literals_need_no_filter() {
    let lake = Lake::new();
    let location = lake.at("t");
    let values: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), Some(2), Some(3), None]));
    table(&location, &kind("Int64", values, &[]), true).await;
    let judged = Judged::open(&location).await;
    for condition in
        ["c = 2", "c <> 2", "c > 1 AND c < 3", "c IN (1, 3)", "c BETWEEN 1 AND 2", "c IS NULL", "NOT (c = 2)"]
    {
        let plan = judged.plan(&format!("SELECT v FROM t WHERE {condition}")).await;
        assert!(!plan.contains("FilterExec"), "{condition}:\n{plan}");
    }
    for condition in
        ["c = v", "c + 1 = 3", "c * 2 = 4", "c - v = 0", "abs(c) = 2", "c = 2 AND v > 0", "c % 2 = 1"]
    {
        let plan = judged.plan(&format!("SELECT v FROM t WHERE {condition}")).await;
        assert!(plan.contains("FilterExec"), "{condition}:\n{plan}");
        assert_eq!(judged.wrong(&format!("SELECT v FROM t WHERE {condition} ORDER BY v")).await, None);
    }
}
