//! Statistics as other writers leave them: shortened, rounded, missing, wrong.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray, StructArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field};
use delta::{ChangeRange, WriteOptions};
use serde_json::{Map, Value, json};

use super::{Judged, comparisons};
use crate::fixtures::{Lake, append, commit_file, edit_commit, number, open, query, read, write};

/// Rows of three files, all columns in each.
fn files() -> Vec<RecordBatch> {
    let prefix = "0123456789012345678901234567890123456789";
    let file = |number: i64| {
        let ids: ArrayRef = Arc::new(Int64Array::from(vec![Some(number * 10), Some(number * 10 + 5), None]));
        let texts = [Some(format!("{prefix}{number}")), Some(format!("{prefix}{number}z")), None];
        let second = 1_000_000;
        let times = vec![Some(number * second + 100_400), Some(number * second + 100_999), None];
        let price = 9_007_199_254_740_993 + i128::from(number);
        let prices = Decimal128Array::from(vec![Some(price), Some(price), None]);
        let amounts = Decimal128Array::from(vec![Some(i128::from(number) * 10 + 1), None, Some(0)]);
        let floats = vec![Some(1.0), Some(f64::NAN), None];
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("v", ids),
            ("s", Arc::new(StringArray::from(texts.to_vec()))),
            ("t", Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC"))),
            ("d", Arc::new(Date32Array::from(vec![Some(0), Some(i32::try_from(number).unwrap()), None]))),
            ("price", Arc::new(prices.with_precision_and_scale(18, 2).unwrap())),
            ("amount", Arc::new(amounts.with_precision_and_scale(10, 2).unwrap())),
            ("x", Arc::new(Float64Array::from(floats))),
        ];
        RecordBatch::try_from_iter_with_nullable(
            columns.into_iter().map(|(name, values)| (name, values, true)),
        )
        .unwrap()
    };
    (0..3).map(file).collect()
}

/// The statistics an honest writer could have left for file `number`, as the Delta protocol allows them.
fn honest(number: i64) -> Value {
    let text = "01234567890123456789012345678901";
    let amount = [0.01, 0.11, 0.21][usize::try_from(number).unwrap()];
    json!({
        "numRecords": 3,
        "minValues": {
            "v": number * 10, "s": text, "t": format!("1970-01-01T00:00:0{number}.100Z"), "d": "1970-01-01",
            "price": 90071992547409.93_f64, "amount": 0.0, "x": 1.0,
        },
        "maxValues": {
            "v": number * 10 + 5, "s": text, "t": format!("1970-01-01T00:00:0{number}.100Z"),
            "d": format!("1970-01-0{}", number + 1), "price": 90071992547409.93_f64,
            "amount": amount, "x": 1.0,
        },
        "nullCount": {"v": 1, "s": 1, "t": 1, "d": 1, "price": 1, "amount": 1, "x": 1},
    })
}

fn literals(column: &str) -> (&'static str, &'static str) {
    match column {
        "v" => ("15", "20"),
        "s" => ("'01234567890123456789012345678901234567891'", "'0123456789012345678901234567890123456789'"),
        "t" => (
            "arrow_cast('1970-01-01T00:00:01.100999Z', 'Timestamp(Microsecond, Some(\"UTC\"))')",
            "arrow_cast('1970-01-01T00:00:02.100400Z', 'Timestamp(Microsecond, Some(\"UTC\"))')",
        ),
        "d" => ("DATE '1970-01-02'", "DATE '1970-01-03'"),
        "price" => {
            ("CAST('90071992547409.95' AS DECIMAL(18,2))", "CAST('90071992547409.94' AS DECIMAL(18,2))")
        }
        "amount" => ("CAST(0.11 AS DECIMAL(10,2))", "CAST(0.21 AS DECIMAL(10,2))"),
        _ => ("CAST(5.0 AS DOUBLE)", "CAST(1.0 AS DOUBLE)"),
    }
}

async fn judged(name: &str, statistics: impl Fn(i64) -> Option<Value>) {
    let lake = Lake::new();
    let location = lake.at("t");
    for batch in files() {
        write(&location, &[batch], append()).await;
    }
    for version in 0..3 {
        edit_commit(&commit_file(&lake, "t", version), |line| {
            let mut action: Map<String, Value> = serde_json::from_str(&line).unwrap();
            if let Some(add) = action.get_mut("add").and_then(Value::as_object_mut) {
                match statistics(i64::try_from(version).unwrap()) {
                    Some(statistics) => add.insert("stats".into(), statistics.to_string().into()),
                    None => add.remove("stats"),
                };
            }
            Value::Object(action).to_string()
        });
    }
    let judged = Judged::open(&location).await;
    let mut wrong = Vec::new();
    for column in ["v", "s", "t", "d", "price", "amount", "x"] {
        let (one, two) = literals(column);
        for condition in comparisons(one, two) {
            let query = format!(
                "SELECT count(*), count(c), min(c), max(c) FROM (SELECT {column} AS c, v FROM t) WHERE {condition}"
            );
            wrong.extend(judged.wrong(&query).await);
        }
        let query = format!("SELECT count(*), min({column}), max({column}), count({column}) FROM t");
        wrong.extend(judged.wrong(&query).await);
    }
    assert!(wrong.is_empty(), "{name}: {} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// The statistics with a part changed.
fn changed(number: i64, change: impl Fn(&mut Map<String, Value>)) -> Option<Value> {
    let mut statistics = honest(number);
    change(statistics.as_object_mut()?);
    Some(statistics)
}

#[tokio::test]
async fn shortened_and_rounded_bounds() {
    judged("honest", |number| Some(honest(number))).await;
}

#[tokio::test]
async fn missing_statistics() {
    judged("none", |_| None).await;
    judged("an empty object", |_| Some(json!({}))).await;
    judged("no bounds", |_| Some(json!({"numRecords": 3}))).await;
    judged("only of one file", |number| (number == 1).then(|| honest(number))).await;
    judged("NULL as a bound", |number| {
        changed(number, |statistics| {
            for bounds in ["minValues", "maxValues"] {
                statistics[bounds] = json!({"v": null, "s": null, "t": null, "d": null, "price": null, "amount": null, "x": null});
            }
        })
    })
    .await;
    judged("only the least", |number| changed(number, |statistics| drop(statistics.remove("maxValues"))))
        .await;
}

#[tokio::test]
async fn wrong_counts() {
    let counts = |count: i64| json!({"v": count, "s": count, "t": count, "d": count, "price": count, "amount": count, "x": count});
    judged("no NULL said to be there", |number| changed(number, |s| s["nullCount"] = counts(0))).await;
    judged("all said to be NULL", |number| changed(number, |s| s["nullCount"] = counts(3))).await;
    judged("too many rows", |number| changed(number, |s| s["numRecords"] = json!(1_000_000))).await;
    judged("no rows", |number| changed(number, |s| s["numRecords"] = json!(0))).await;
    judged("loose bounds", |number| {
        changed(number, |s| {
            s.insert("tightBounds".into(), json!(false));
            s["minValues"]["v"] = json!(-100);
            s["maxValues"]["v"] = json!(1000);
        })
    })
    .await;
}

// The estimates a plan is made with come from the log as well.
#[tokio::test]
async fn a_forged_log_is_read() {
    let lake = Lake::new();
    let location = lake.at("t");
    write(&location, &files()[..1], append()).await;
    edit_commit(&commit_file(&lake, "t", 0), |line| {
        line.replace(r#"\"numRecords\":3"#, r#"\"numRecords\":-3"#)
    });
    assert_eq!(open(&location).await.rows(), None);
    let judged = Judged::open(&location).await;
    assert_eq!(judged.wrong("SELECT count(*), max(v) FROM t").await, None);
}

// The protocol says so for every type, texts among them.
#[tokio::test]
async fn an_empty_partition_value_is_null() {
    // Tables with nested fields that are NOT NULL are read by the Delta library.
    for by_library in [false, true] {
        let lake = Lake::new();
        let location = lake.at("t");
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
        let inner = Arc::new(Field::new("a", DataType::Int64, !by_library));
        let columns: [(&str, ArrayRef); 3] = [
            ("v", Arc::clone(&numbers)),
            ("name", Arc::new(StringArray::from(vec!["a", "x"]))),
            ("s", Arc::new(StructArray::from(vec![(inner, numbers)]))),
        ];
        let columns = columns.map(|(name, values)| (name, values, true));
        let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
        let properties = [("delta.enableChangeDataFeed".to_owned(), "true".to_owned())].into();
        let options = WriteOptions { partition_by: vec!["name".into()], properties, ..append() };
        write(&location, &[batch], options).await;
        edit_commit(&commit_file(&lake, "t", 0), |line| {
            let mut action: Value = serde_json::from_str(&line).unwrap();
            let values = action.pointer_mut("/add/partitionValues").and_then(Value::as_object_mut);
            if let Some(values) = values.filter(|values| values["name"] == "x") {
                values.values_mut().for_each(|value| *value = "".into());
            }
            action.to_string()
        });
        let conditions = [
            ("name IS NULL", 1),
            ("name IS NOT NULL", 1),
            ("name = ''", 0),
            ("name <> 'a'", 0),
            ("name IS DISTINCT FROM 'a'", 1),
            ("name < 'b'", 1),
            ("name IN ('', 'a')", 1),
            ("coalesce(name, 'z') = 'z' AND v = 2", 1),
        ];
        let plan = read(&location, "EXPLAIN SELECT * FROM t").await;
        assert_eq!(plan.contains("DeltaScanExec"), by_library, "{plan}");
        let range = ChangeRange { starting_version: Some(0), ..ChangeRange::default() };
        for (condition, expected) in conditions {
            let sql = format!("SELECT count(*) AS n FROM t WHERE {condition}");
            assert_eq!(number(&location, &sql).await, expected, "{condition}, by library: {by_library}");
            let feed = delta::change_feed(&open(&location).await, &range).await.unwrap();
            let rows = query(feed, &sql).await;
            assert!(rows.contains(&format!("| {expected} |")), "{condition} of the feed: {rows}");
        }
    }
}
