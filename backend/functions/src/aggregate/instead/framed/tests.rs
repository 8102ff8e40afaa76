//! Every kind of aggregate over random frames, beside the aggregate over the rows of each frame alone.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test panics")]

use std::collections::HashMap;
use std::ops::Range;

use arrow::array::{ArrayRef, BooleanArray, Decimal128Array, Float64Array, Int64Array, StringArray};
use arrow::datatypes::{Field, Schema};
use arrow::record_batch::RecordBatch;
use datafusion::functions_aggregate::all_default_aggregate_functions;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::aggregate::{AggregateExprBuilder, AggregateFunctionExpr};
use datafusion::physical_expr::expressions::{Column, lit};

use super::queue::BLOCK;
use super::*;

/// SplitMix64 (Steele, Lea, Flood, 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % limit as u64) as usize
    }

    fn column<T>(&mut self, rows: usize, value: impl Fn(usize) -> T) -> Vec<Option<T>> {
        (0..rows).map(|_| (self.below(8) > 0).then(|| value(self.below(40)))).collect()
    }
}

/// Floats whose sums are exact, among them some that no sum comes back from.
fn float(number: usize) -> f64 {
    match number {
        0 => f64::NAN,
        1 => f64::INFINITY,
        2 => f64::NEG_INFINITY,
        3 => 1e16,
        other => other as f64 / 4.0 - 3.0,
    }
}

fn rows_of(random: &mut Random, rows: usize, float: fn(usize) -> f64) -> RecordBatch {
    let texts: Vec<Option<String>> = random.column(rows, |value| format!("t{value}"));
    let decimals = Decimal128Array::from(random.column(rows, |value| value as i128));
    let columns: [(&str, ArrayRef); 7] = [
        ("x", Arc::new(Float64Array::from(random.column(rows, float)))),
        ("y", Arc::new(Float64Array::from(random.column(rows, float)))),
        ("i", Arc::new(Int64Array::from(random.column(rows, |value| value as i64 - 20)))),
        ("b", Arc::new(BooleanArray::from(random.column(rows, |value| value > 3)))),
        ("s", Arc::new(StringArray::from(texts))),
        ("d", Arc::new(decimals.with_precision_and_scale(38, 2).unwrap())),
        ("none", Arc::new(Int64Array::from(vec![None; rows]))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap()
}

/// Frames in the order of rows, each bound never before the one of the frame before: some jump, some are empty.
fn frames(random: &mut Random, rows: usize, longest: usize) -> Vec<Range<usize>> {
    let (mut start, mut end) = (0, 0);
    let mut frames = Vec::new();
    while start < rows {
        start += match random.below(30) {
            0 => longest,
            1..4 => 0,
            _ => 1,
        };
        start = start.min(rows);
        end = end.max(start + random.below(longest + 1)).min(rows);
        frames.push(start..end);
    }
    frames
}

fn call(name: &str, args: &[&str], distinct: bool, schema: &Arc<Schema>) -> Arc<AggregateFunctionExpr> {
    let known: HashMap<String, Arc<AggregateUDF>> = all_default_aggregate_functions()
        .into_iter()
        .chain(crate::aggregate_functions())
        .map(|function| (function.name().to_owned(), function))
        .collect();
    let args = args
        .iter()
        .map(|arg| match (schema.index_of(arg), arg.parse::<f64>()) {
            (Ok(at), _) => Arc::new(Column::new(arg, at)) as Arc<dyn PhysicalExpr>,
            (_, Ok(number)) => lit(number),
            _ => lit(*arg),
        })
        .collect();
    let framed = Framed::of(Arc::clone(&known[name]));
    let builder = AggregateExprBuilder::new(framed, args).schema(Arc::clone(schema)).alias(name);
    Arc::new(if distinct { builder.distinct() } else { builder }.build().unwrap())
}

/// Equal, but for the last places of numbers that were added in another order.
fn is_close(one: &ScalarValue, other: &ScalarValue) -> bool {
    match (one, other) {
        (ScalarValue::Float64(Some(one)), ScalarValue::Float64(Some(other))) => {
            one == other
                || (one.is_nan() && other.is_nan())
                || (one - other).abs() <= 1e-9 * (1.0 + one.abs().max(other.abs()))
        }
        _ => one == other,
    }
}

/// Evaluates a call over frames as DataFusion's window operator does, and compares each value.
fn compare(call: &AggregateFunctionExpr, rows: &RecordBatch, frames: &[Range<usize>], what: &str) {
    let values: Vec<ArrayRef> = call
        .expressions()
        .iter()
        .map(|expr| expr.evaluate(rows).unwrap().into_array(rows.num_rows()).unwrap())
        .collect();
    let part = |range: Range<usize>| -> Vec<ArrayRef> {
        values.iter().map(|column| column.slice(range.start, range.len())).collect()
    };
    let mut sliding = call.create_sliding_accumulator().unwrap();
    let mut last = 0..0;
    for frame in frames {
        if frame.is_empty() {
            sliding.retract_batch(&part(last)).unwrap();
            last = frame.clone();
            continue;
        }
        sliding.update_batch(&part(last.end..frame.end)).unwrap();
        sliding.retract_batch(&part(last.start..frame.start)).unwrap();
        last = frame.clone();
        let mut alone = call.create_accumulator().unwrap();
        alone.update_batch(&part(frame.clone())).unwrap();
        let (got, wanted) = (sliding.evaluate().unwrap(), alone.evaluate().unwrap());
        let is_right = if frame.len() < BLOCK {
            got == wanted || format!("{got:?}") == format!("{wanted:?}")
        } else {
            is_close(&got, &wanted)
        };
        assert!(is_right, "{what}, frame {frame:?}: {got:?} instead of {wanted:?}");
        assert!(sliding.size() > 0);
    }
}

/// Aggregates that keep a few numbers, and whether they are of distinct values.
const SHORT: &[(&str, &[&str], bool)] = &[
    ("sum", &["x"], false),
    ("sum", &["i"], false),
    ("sum", &["d"], false),
    ("avg", &["x"], false),
    ("var_pop", &["x"], false),
    ("var", &["x"], false),
    ("stddev", &["x"], false),
    ("covar_pop", &["x", "y"], false),
    ("corr", &["x", "y"], false),
    ("regr_slope", &["x", "y"], false),
    ("regr_count", &["x", "y"], false),
    ("bit_xor", &["i"], false),
    ("bit_xor", &["none"], false),
    ("bit_and", &["i"], false),
    ("bit_or", &["i"], false),
    ("bool_and", &["b"], false),
    ("bool_or", &["b"], false),
    ("min", &["x"], false),
    ("max", &["x"], false),
    ("max", &["s"], false),
    ("count", &["x"], false),
    ("count_if", &["b"], false),
    ("arg_max", &["i", "x"], false),
    ("arg_min", &["s", "i"], false),
];

/// Aggregates that keep their values.
const LONG: &[(&str, &[&str], bool)] = &[
    ("array_agg", &["i"], false),
    ("string_agg", &["s", ", "], false),
    ("string_agg", &["s", ", "], true),
    ("median", &["i"], false),
    ("approx_distinct", &["s"], false),
    ("approx_percentile_cont", &["x", "0.5"], false),
    ("count", &["x"], true),
    ("sum", &["x"], true),
    ("sum", &["i"], true),
    ("avg", &["x"], true),
    ("bit_xor", &["i"], true),
];

#[test]
fn a_frame_has_the_value_of_its_rows() {
    for seed in 0..6 {
        let random = &mut Random(seed);
        // Finite numbers in half of the runs: others do not get far without NaN.
        let kind = if seed % 2 == 0 { float } else { |number| float(number + 4) };
        let rows = rows_of(random, 600, kind);
        for longest in [1, 5, BLOCK, 4 * BLOCK] {
            let frames = frames(random, rows.num_rows(), longest);
            for (name, args, distinct) in SHORT.iter().chain(if longest > BLOCK { &[] } else { LONG }) {
                let what =
                    format!("seed {seed}, frames up to {longest}, {name}({args:?}, distinct {distinct})");
                compare(&call(name, args, *distinct, &rows.schema()), &rows, &frames, &what);
            }
        }
    }
}

#[test]
fn what_never_leaves_costs_no_states() {
    // From each row to the last: everything comes at once and leaves row by row.
    let rows = rows_of(&mut Random(1), 1000, |number| float(number + 4));
    let frames: Vec<_> = (0..rows.num_rows()).map(|start| start..rows.num_rows()).collect();
    for name in ["sum", "stddev", "array_agg"] {
        compare(&call(name, &["x"], false, &rows.schema()), &rows, &frames, name);
    }
}

#[test]
fn what_datafusion_gets_right_is_left_to_it() {
    let schema = Arc::new(Schema::new(vec![
        Field::new("i", DataType::Int64, true),
        Field::new("x", DataType::Float64, true),
    ]));
    let is_queue = |name: &str, arg: &str| {
        let accumulator = call(name, &[arg], false, &schema).create_sliding_accumulator().unwrap();
        format!("{accumulator:?}").starts_with("Queue")
    };
    for (name, arg) in [("sum", "i"), ("count", "x"), ("min", "x"), ("median", "x")] {
        assert!(!is_queue(name, arg), "{name}({arg})");
    }
    for (name, arg) in [("sum", "x"), ("avg", "x"), ("bit_xor", "i"), ("bit_or", "i"), ("var_pop", "x")] {
        assert!(is_queue(name, arg), "{name}({arg})");
    }
}

#[test]
fn more_rows_than_there_are_cannot_leave() {
    let schema = Arc::new(Schema::new(vec![Field::new("x", DataType::Float64, true)]));
    let mut sliding = call("sum", &["x"], false, &schema).create_sliding_accumulator().unwrap();
    let rows: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 2.0]));
    sliding.update_batch(&[rows.slice(0, 1)]).unwrap();
    assert!(sliding.retract_batch(&[rows]).is_err());
}
