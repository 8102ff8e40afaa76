//! Tables, and how inputs name them.

use crate::choice::Choice;
use crate::plan::{Column, Input};
use crate::table::{Commit, Layout, Statistics, Table};
use crate::value::{Type, Value};

const TEXTS: [&str; 12] = ["", "a", "b", "ab", "Äpfel", "ß", "日本", "a b", "x'y", "z%", "NULL", "é"];
/// Halves and quarters, and what is no number.
const FLOATS: [f64; 12] =
    [0.0, -0.0, 0.25, 1.5, -2.75, 3.0, 1_000_000.5, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 2.0];

/// Characters that texts of wide tables have more than others.
const WIDTH: usize = 2000;

/// The tables of a case.
pub(super) fn tables(choice: &mut Choice) -> Vec<Table> {
    let is_wide = choice.one_in(10);
    let mut tables =
        vec![table(choice, "a", if is_wide { 400 } else { 45 }), table(choice, "b", 30), spans(choice)];
    if is_wide {
        widen(&mut tables[0]);
    }
    if choice.one_in(3) {
        // A copy of a table, after which both have gone on by themselves.
        let mut copy = tables[0].clone();
        copy.name = "copy".to_owned();
        for one in [&mut tables[0], &mut copy] {
            let rows = rows(choice, &one.columns, 5);
            one.commits.push(Commit { overwrites: choice.one_in(4), files: vec![rows], deleted: Vec::new() });
            without_empty_partitions(one);
        }
        tables.push(copy);
    }
    tables
}

fn table(choice: &mut Choice, name: &str, most_rows: usize) -> Table {
    let mut columns: Vec<Column> = vec![("i0".to_owned(), Type::Int), ("i1".to_owned(), Type::Int)];
    for of in Type::ALL.iter().skip(1) {
        // Nested columns are rarer: a relation that has one is in no total order.
        let most = if of.is_scalar() { choice.below(3) } else { usize::from(choice.one_in(3)) };
        for number in 0..most {
            columns.push((format!("{}{number}", of.letter()), *of));
        }
    }
    let first = choice.below(columns.len());
    columns.rotate_left(first);
    let mut partition_by = Vec::new();
    if choice.one_in(3) {
        for _ in 0..=choice.below(2) {
            let (name, of) = choice.of(&columns).clone();
            let can_divide = matches!(
                of,
                Type::Int | Type::Text | Type::Date | Type::Bool | Type::Decimal | Type::Timestamp
            );
            if can_divide && !partition_by.contains(&name) && partition_by.len() + 1 < columns.len() {
                partition_by.push(name);
            }
        }
        // Logs list partition columns in their own order; here it is that of the columns.
        partition_by.sort_by_key(|name| columns.iter().position(|(column, _)| column == name));
    }
    let commits =
        (0..=choice.below(3)).map(|version| commit(choice, &columns, most_rows, version > 0)).collect();
    let mut table = Table {
        name: name.to_owned(),
        id: format!("00000000-0000-4000-8000-{:012x}", choice.below(1 << 40)),
        columns,
        partition_by,
        commits,
        layout: layout(choice),
    };
    if table.layout.feed && table.has_deletion_vectors() {
        // The changes of other files with deletion vectors cannot be read; nor can the Delta library find such a file
        // where a folder has a name that logs spell with `%`.
        table.layout.row_group = 1000;
        let of = |name: &String| table.columns.iter().find(|(column, _)| column == name).map(|(_, of)| *of);
        if table.partition_by.iter().any(|name| matches!(of(name), Some(Type::Text | Type::Timestamp))) {
            table.partition_by.clear();
        }
    }
    without_empty_partitions(&mut table);
    table
}

/// Makes texts long, so that operators with little memory spill.
fn widen(table: &mut Table) {
    let places: Vec<usize> = (0..table.columns.len())
        .filter(|at| {
            table.columns[*at].1 == Type::Text && !table.partition_by.contains(&table.columns[*at].0)
        })
        .collect();
    for row in table.commits.iter_mut().flat_map(|commit| &mut commit.files).flatten() {
        for at in &places {
            if let Value::Text(text) = &mut row[*at] {
                text.push_str(&"x".repeat(WIDTH));
            }
        }
    }
}

/// Files with positions, most of which nest.
fn spans(choice: &mut Choice) -> Table {
    let columns: Vec<Column> = [("i0", Type::Int), ("i1", Type::Int), ("i2", Type::Int), ("t0", Type::Text)]
        .map(|(name, of)| (name.to_owned(), of))
        .to_vec();
    let row = |choice: &mut Choice| {
        let start = choice.between(0, 24);
        let end = if choice.one_in(10) { choice.between(0, 24) } else { start + choice.between(0, 12) };
        let mut row = vec![
            Value::Int(choice.between(0, 2)),
            Value::Int(start),
            Value::Int(end),
            Value::Text((*choice.of(&TEXTS)).to_owned()),
        ];
        if choice.one_in(8) {
            let at = choice.below(row.len());
            row[at] = Value::Null;
        }
        row
    };
    let rows = (0..choice.below(40)).map(|_| row(choice)).collect();
    Table {
        name: "spans".to_owned(),
        id: "00000000-0000-4000-8000-5ba45ba45ba4".to_owned(),
        columns,
        partition_by: Vec::new(),
        commits: vec![Commit { overwrites: false, files: vec![rows], deleted: Vec::new() }],
        layout: layout(choice),
    }
}

fn layout(choice: &mut Choice) -> Layout {
    Layout {
        statistics: *choice.of(&[
            Statistics::None,
            Statistics::Rows,
            Statistics::Some,
            Statistics::All,
            Statistics::All,
        ]),
        raw_paths: choice.one_in(3),
        row_group: *choice.of(&[3, 16, 1000]),
        feed: choice.one_in(4),
        late_feed: choice.one_in(3),
        // More than a reader opens at a time.
        empty_files: if choice.one_in(250) { 520 + choice.below(100) } else { 0 },
        narrow: choice.one_in(10),
    }
}

fn commit(choice: &mut Choice, columns: &[Column], most_rows: usize, later: bool) -> Commit {
    let mut files: Vec<Vec<Vec<Value>>> =
        (0..=choice.below(3)).map(|_| rows(choice, columns, most_rows / 3)).collect();
    if choice.one_in(8) {
        files.clear();
    }
    if choice.one_in(3) {
        // Sorted by a column, in runs of files.
        let at = choice.below(columns.len());
        files.iter_mut().for_each(|rows| rows.sort_by(|a, b| a[at].order(&b[at])));
    }
    let count: usize = files.iter().map(Vec::len).sum();
    let deleted =
        if choice.one_in(5) { (0..count).filter(|_| choice.one_in(4)).collect() } else { Vec::new() };
    Commit { overwrites: later && choice.one_in(3), files, deleted }
}

fn rows(choice: &mut Choice, columns: &[Column], most: usize) -> Vec<Vec<Value>> {
    let nulls = *choice.of(&[3, 6, 1000]);
    let few = choice.one_in(3);
    let row = |choice: &mut Choice| columns.iter().map(|(_, of)| value(choice, *of, nulls, few)).collect();
    let mut rows: Vec<Vec<Value>> = (0..choice.below(most + 1)).map(|_| row(choice)).collect();
    if choice.one_in(3) {
        // Copies of rows.
        let copies: Vec<Vec<Value>> = rows.iter().take(choice.below(5)).cloned().collect();
        rows.extend(copies);
    }
    rows
}

/// A value; NULL once in `nulls` times, and one of few where there is skew.
pub(super) fn value(choice: &mut Choice, of: Type, nulls: usize, few: bool) -> Value {
    if choice.one_in(nulls) {
        return Value::Null;
    }
    let element = |choice: &mut Choice, of| value(choice, of, 5, few);
    match of {
        Type::Int => Value::Int(if few { choice.between(0, 2) } else { choice.between(-5, 20) }),
        Type::Float => Value::Float(*choice.of(&FLOATS[..if few { 3 } else { FLOATS.len() }])),
        Type::Text | Type::Token => {
            Value::Text((*choice.of(&TEXTS[..if few { 3 } else { TEXTS.len() }])).to_owned())
        }
        Type::Bool => Value::Bool(choice.one_in(2)),
        Type::Decimal => Value::Decimal(i128::from(choice.between(-300, if few { -299 } else { 2000 }))),
        Type::Date => {
            Value::Date(i32::try_from(choice.between(-3, if few { 0 } else { 20_500 })).unwrap_or(0))
        }
        Type::Timestamp => {
            let seconds = choice.between(-10, if few { -8 } else { 1_800_000_000 });
            Value::Timestamp(seconds * 1_000_000 + choice.between(0, 2) * 333_333)
        }
        Type::Ints => Value::List((0..choice.below(4)).map(|_| element(choice, Type::Int)).collect()),
        Type::Texts => Value::List((0..choice.below(4)).map(|_| element(choice, Type::Text)).collect()),
        Type::Pair => Value::Pair(Box::new([element(choice, Type::Int), element(choice, Type::Text)])),
    }
}

/// Delta cannot tell an empty text from NULL in a partition.
fn without_empty_partitions(table: &mut Table) {
    let keys: Vec<usize> =
        (0..table.columns.len()).filter(|at| table.partition_by.contains(&table.columns[*at].0)).collect();
    for row in table.commits.iter_mut().flat_map(|commit| &mut commit.files).flatten() {
        for key in &keys {
            if matches!(&row[*key], Value::Text(text) if text.is_empty()) {
                row[*key] = Value::Null;
            }
        }
    }
}

/// Names for the tables; some for an earlier version, some a second one by another spelling.
pub(super) fn inputs(choice: &mut Choice, tables: &[Table]) -> Vec<Input> {
    let mut inputs = Vec::new();
    for table in tables {
        for again in 0..=usize::from(choice.one_in(5)) {
            let latest = table.commits.len().saturating_sub(1);
            let version = (again == 1 && choice.one_in(2)).then(|| choice.below(latest + 1) as u64);
            let name = &table.name;
            let place = format!("tables/{name}");
            let location =
                if again == 0 { place } else { choice.of(&super::rounds::spellings(&place)).clone() };
            let suffix = if again == 0 { "" } else { "_again" };
            inputs.push(Input {
                name: format!("{name}{suffix}"),
                table: name.clone(),
                location,
                version,
                columns: table.columns.clone(),
            });
        }
    }
    inputs
}
