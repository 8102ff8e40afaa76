//! Random assertions over random rows: how many fail, by the program and by an evaluation that shares nothing with it, row by
//! row, with the truth values of SQL.
//!
//! A seed decides the rows and the assertions of a view and of an output, which has rows already that an append keeps. The
//! name of a test has its seed, and a failure prints the spec.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::SchemaRef;
use delta::WriteOptions;
use ir::schema::Schema;
use libtest_mimic::Trial;

use crate::harness::{compile_text, execute, session, trial, write_batches};

/// How many specs are tried, and how many assertions of a view and of an output each of them has.
const SPECS: u64 = 8;
const OF_EACH: usize = 9;

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    (0..SPECS).map(|seed| trial(format!("random::assertions_{seed:02}"), move || check(seed)))
}

/// A value. Texts, numbers and truth values are never compared with each other.
#[derive(Clone, Debug)]
enum Datum {
    Null,
    Int(i64),
    Float(f64),
    Text(&'static str),
    Bool(bool),
}

type Row = [Datum; COLUMNS.len()];

/// Names of columns and their types.
const COLUMNS: [(&str, &str); 5] =
    [("k", "Int64"), ("n", "Int64"), ("x", "Float64"), ("v", "Utf8"), ("b", "Boolean")];

const TEXTS: [&str; 5] = ["", "a", "A", "ab", "é"];
const FLOATS: [f64; 5] = [-0.0, 0.0, 0.5, -1.5, 2.0];

/// How two values compare; nothing where one is NULL.
fn compare(left: &Datum, right: &Datum) -> Option<Ordering> {
    match (left, right) {
        (Datum::Int(left), Datum::Int(right)) => Some(left.cmp(right)),
        (Datum::Float(left), Datum::Float(right)) => left.partial_cmp(right),
        (Datum::Text(left), Datum::Text(right)) => Some(left.as_bytes().cmp(right.as_bytes())),
        (Datum::Bool(left), Datum::Bool(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

fn is_null(value: &Datum) -> bool {
    matches!(value, Datum::Null)
}

/// A condition over a row.
enum Condition {
    Compare(Operand, &'static str, Operand),
    IsNull(usize, bool),
    IsIn(usize, Vec<Datum>),
    Column(usize),
    Not(Box<Condition>),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
}

enum Operand {
    Column(usize),
    Literal(Datum),
}

impl Operand {
    fn of<'a>(&'a self, row: &'a Row) -> &'a Datum {
        match self {
            Self::Column(column) => &row[*column],
            Self::Literal(value) => value,
        }
    }

    fn sql(&self) -> String {
        match self {
            Self::Column(column) => COLUMNS[*column].0.to_owned(),
            Self::Literal(value) => literal(value),
        }
    }
}

fn literal(value: &Datum) -> String {
    match value {
        Datum::Null => "NULL".to_owned(),
        Datum::Int(value) => value.to_string(),
        // With a point, and minus zero by its sign.
        Datum::Float(value) => format!("CAST('{value:?}' AS DOUBLE)"),
        Datum::Text(value) => format!("'{value}'"),
        Datum::Bool(value) => value.to_string(),
    }
}

impl Condition {
    /// True, false, or NULL.
    fn of(&self, row: &Row) -> Option<bool> {
        match self {
            Self::Compare(left, operator, right) => {
                let order = compare(left.of(row), right.of(row))?;
                Some(match *operator {
                    "=" => order == Ordering::Equal,
                    "<>" => order != Ordering::Equal,
                    "<" => order == Ordering::Less,
                    "<=" => order != Ordering::Greater,
                    ">" => order == Ordering::Greater,
                    _ => order != Ordering::Less,
                })
            }
            Self::IsNull(column, wanted) => Some(is_null(&row[*column]) == *wanted),
            Self::IsIn(column, values) => {
                let equal =
                    |value: &Datum| compare(&row[*column], value).map(|order| order == Ordering::Equal);
                let answers: Vec<Option<bool>> = values.iter().map(equal).collect();
                if answers.contains(&Some(true)) {
                    Some(true)
                } else if answers.contains(&None) {
                    None
                } else {
                    Some(false)
                }
            }
            Self::Column(column) => match row[*column] {
                Datum::Bool(value) => Some(value),
                _ => None,
            },
            Self::Not(one) => one.of(row).map(|value| !value),
            Self::And(one, other) => match (one.of(row), other.of(row)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            Self::Or(one, other) => match (one.of(row), other.of(row)) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
        }
    }

    fn sql(&self) -> String {
        match self {
            Self::Compare(left, operator, right) => format!("{} {operator} {}", left.sql(), right.sql()),
            Self::IsNull(column, wanted) => {
                format!("{} IS {}NULL", COLUMNS[*column].0, if *wanted { "" } else { "NOT " })
            }
            Self::IsIn(column, values) => {
                let values: Vec<String> = values.iter().map(literal).collect();
                format!("{} IN ({})", COLUMNS[*column].0, values.join(", "))
            }
            Self::Column(column) => COLUMNS[*column].0.to_owned(),
            Self::Not(one) => format!("NOT ({})", one.sql()),
            Self::And(one, other) => format!("({}) AND ({})", one.sql(), other.sql()),
            Self::Or(one, other) => format!("({}) OR ({})", one.sql(), other.sql()),
        }
    }
}

enum Assertion {
    Unique(Vec<usize>),
    NotNull(Vec<usize>),
    Accepted(usize, Vec<Datum>),
    /// Keys, and those of the other table.
    Relation(Vec<(usize, usize)>),
    Expression(Condition),
}

impl Assertion {
    /// How many rows fail; of keys that must be unique, how many several rows have.
    fn failures(&self, rows: &[Row], others: &[Row]) -> usize {
        let equal = |one: &Datum, other: &Datum| compare(one, other) == Some(Ordering::Equal);
        match self {
            Self::Unique(columns) => {
                let same = |one: &Row, other: &Row| columns.iter().all(|at| equal(&one[*at], &other[*at]));
                let repeated = |at: usize| rows.iter().skip(at + 1).any(|other| same(&rows[at], other));
                let first = |at: usize| !rows.iter().take(at).any(|other| same(&rows[at], other));
                (0..rows.len()).filter(|at| first(*at) && repeated(*at)).count()
            }
            Self::NotNull(columns) => {
                rows.iter().filter(|row| columns.iter().any(|at| is_null(&row[*at]))).count()
            }
            Self::Accepted(column, values) => {
                let fails = |row: &&Row| {
                    let value = &row[*column];
                    !is_null(value) && !values.iter().any(|accepted| equal(value, accepted))
                };
                rows.iter().filter(fails).count()
            }
            Self::Relation(keys) => {
                let fails = |row: &&Row| {
                    let has_keys = keys.iter().all(|(own, _)| !is_null(&row[*own]));
                    let meets = |other: &Row| keys.iter().all(|(own, at)| equal(&row[*own], &other[*at]));
                    has_keys && !others.iter().any(meets)
                };
                rows.iter().filter(fails).count()
            }
            Self::Expression(condition) => rows.iter().filter(|row| condition.of(row) == Some(false)).count(),
        }
    }

    fn yaml(&self, name: &str) -> String {
        let names = |columns: &[usize]| {
            columns.iter().map(|column| COLUMNS[*column].0).collect::<Vec<_>>().join(", ")
        };
        let rule = match self {
            Self::Unique(columns) => format!("unique: [{}]", names(columns)),
            Self::NotNull(columns) => format!("not_null: [{}]", names(columns)),
            Self::Accepted(column, values) => {
                let values: Vec<String> = values.iter().map(literal).collect();
                format!("accepted: {{column: {}, values: [{}]}}", COLUMNS[*column].0, values.join(", "))
            }
            Self::Relation(keys) => {
                let (own, others): (Vec<usize>, Vec<usize>) = keys.iter().copied().unzip();
                format!(
                    "relation: {{columns: [{}], to: others, to_columns: [{}]}}",
                    names(&own),
                    names(&others)
                )
            }
            Self::Expression(condition) => format!("expression: \"{}\"", condition.sql()),
        };
        format!("{{name: {name}, severity: warn, {rule}}}")
    }
}

/// Numbers that a seed decides (a linear congruential generator with Knuth's MMIX constants).
struct Choices(u64);

impl Choices {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % bound.max(1)
    }

    /// A value of a column; rarely NULL.
    fn datum(&mut self, column: usize) -> Datum {
        if self.below(6) == 0 { Datum::Null } else { self.present(column) }
    }

    fn present(&mut self, column: usize) -> Datum {
        match COLUMNS[column].1 {
            "Int64" => Datum::Int(i64::try_from(self.below(6)).unwrap_or(0) - 2),
            "Float64" => Datum::Float(FLOATS[self.below(FLOATS.len())]),
            "Utf8" => Datum::Text(TEXTS[self.below(TEXTS.len())]),
            _ => Datum::Bool(self.below(2) == 0),
        }
    }

    fn rows(&mut self, most: usize) -> Vec<Row> {
        let count = self.below(most + 1);
        (0..count).map(|_| std::array::from_fn(|column| self.datum(column))).collect()
    }

    /// One column or more, each once.
    fn columns(&mut self) -> Vec<usize> {
        let mut all: Vec<usize> = (0..COLUMNS.len()).collect();
        let count = 1 + self.below(3);
        (0..count).map(|_| all.remove(self.below(all.len()))).collect()
    }

    /// A column of the type of another.
    fn alike(&mut self, column: usize) -> usize {
        let alike: Vec<usize> =
            (0..COLUMNS.len()).filter(|other| COLUMNS[*other].1 == COLUMNS[column].1).collect();
        alike[self.below(alike.len())]
    }

    fn condition(&mut self, depth: usize) -> Condition {
        match if depth == 0 { self.below(4) } else { self.below(7) } {
            0 => Condition::IsNull(self.below(COLUMNS.len()), self.below(2) == 0),
            1 => {
                let column = self.below(COLUMNS.len());
                let count = 1 + self.below(3);
                let values = (0..count).map(|_| self.datum(column)).collect();
                Condition::IsIn(column, values)
            }
            2 => Condition::Column(4),
            3 => {
                let column = self.below(COLUMNS.len());
                let operator = ["=", "<>", "<", "<=", ">", ">="][self.below(6)];
                let other = match self.below(3) {
                    0 => Operand::Column(self.alike(column)),
                    _ => Operand::Literal(self.present(column)),
                };
                Condition::Compare(Operand::Column(column), operator, other)
            }
            4 => Condition::Not(Box::new(self.condition(depth - 1))),
            5 => Condition::And(Box::new(self.condition(depth - 1)), Box::new(self.condition(depth - 1))),
            _ => Condition::Or(Box::new(self.condition(depth - 1)), Box::new(self.condition(depth - 1))),
        }
    }

    fn assertion(&mut self) -> Assertion {
        match self.below(6) {
            0 => Assertion::Unique(self.columns()),
            1 => Assertion::NotNull(self.columns()),
            2 => {
                // Of floating-point numbers no value can be accepted by name.
                let column = [0, 1, 3, 4][self.below(4)];
                let count = 1 + self.below(3);
                Assertion::Accepted(column, (0..count).map(|_| self.present(column)).collect())
            }
            3 => {
                // The two columns of whole numbers may change places.
                let is_turned = self.below(2) == 0;
                let other = |own: usize| if is_turned && own < 2 { 1 - own } else { own };
                Assertion::Relation(self.columns().into_iter().map(|own| (own, other(own))).collect())
            }
            _ => Assertion::Expression(self.condition(2)),
        }
    }

    fn assertions(&mut self) -> Vec<Assertion> {
        (0..OF_EACH).map(|_| self.assertion()).collect()
    }
}

fn batch(rows: &[Row]) -> (SchemaRef, RecordBatch) {
    let columns: Vec<String> = COLUMNS.iter().map(|(name, kind)| format!("{name} {kind}")).collect();
    let schema = Schema::parse(&format!("{{{}}}", columns.join(", "))).expect("a schema is read");
    let column = |at: usize| rows.iter().map(move |row| &row[at]);
    let int = |datum: &Datum| if let Datum::Int(value) = datum { Some(*value) } else { None };
    let float = |datum: &Datum| if let Datum::Float(value) = datum { Some(*value) } else { None };
    let text = |datum: &Datum| if let Datum::Text(value) = datum { Some(*value) } else { None };
    let truth = |datum: &Datum| if let Datum::Bool(value) = datum { Some(*value) } else { None };
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(column(0).map(int).collect::<Int64Array>()),
        Arc::new(column(1).map(int).collect::<Int64Array>()),
        Arc::new(column(2).map(float).collect::<Float64Array>()),
        Arc::new(column(3).map(text).collect::<StringArray>()),
        Arc::new(column(4).map(truth).collect::<BooleanArray>()),
    ];
    let schema = SchemaRef::clone(schema.arrow());
    let batch = RecordBatch::try_new(SchemaRef::clone(&schema), arrays).expect("columns have their types");
    (schema, batch)
}

fn check(seed: u64) {
    let mut choices = Choices((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let (rows, others, kept) = (choices.rows(24), choices.rows(12), choices.rows(12));
    let (of_view, of_output) = (choices.assertions(), choices.assertions());
    let home = tempfile::tempdir().expect("a folder is made");
    for (table, rows) in [("rows", &rows), ("others", &others), ("kept", &kept)] {
        let (schema, batch) = batch(rows);
        write_batches(&home.path().join("tables").join(table), &schema, vec![batch], WriteOptions::default());
    }
    let list = |assertions: &[Assertion]| {
        let named = assertions.iter().enumerate();
        named.map(|(at, it)| format!("\n      - {}", it.yaml(&format!("a{at}")))).collect::<String>()
    };
    let text = format!(
        "version: 4
input_relations: [{{logical_name: rows, delta_location: tables/rows}}, {{logical_name: others, delta_location: tables/others}}]
view_definitions:
  - name: view
    transform: {{kind: Project, source: rows}}
    assertions:{}
output_targets:
  - table_name: kept
    delta_location: tables/kept
    source_view: view
    materialization_mode: Append
    assertions:{}
",
        list(&of_view),
        list(&of_output)
    );
    let session = session(2, 8);
    let compiled = compile_text(&text, "random.yaml", "random", home.path(), &session);
    let errors: Vec<String> =
        compiled.diagnostics.iter().filter(|found| found.is_error()).map(ToString::to_string).collect();
    assert!(errors.is_empty(), "seed {seed}: {}\n{text}", errors.join("\n"));
    let last = compiled.stages.last().expect("passes ran");
    let outcome = execute(&last.graph, home.path(), &session).outcome;
    let found: BTreeMap<String, u64> =
        outcome.assertions.iter().map(|outcome| (outcome.check.clone(), outcome.failures)).collect();
    let all: Vec<Row> = kept.iter().chain(&rows).cloned().collect();
    let expected = |prefix: &str, assertions: &[Assertion], rows: &[Row]| {
        let named = assertions.iter().enumerate();
        let count = |it: &Assertion| u64::try_from(it.failures(rows, &others)).expect("it is small");
        named.map(|(at, it)| (format!("{prefix}@a{at}"), count(it))).collect::<BTreeMap<_, _>>()
    };
    let mut wanted = expected("view", &of_view, &rows);
    wanted.extend(expected("@kept", &of_output, &all));
    assert_eq!(
        found, wanted,
        "seed {seed}: failing rows, found (left) and by hand\n{rows:?}\n{others:?}\n{kept:?}\n{text}"
    );
}
