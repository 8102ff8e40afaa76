//! Seeded randomness, and hostile values.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field, IntervalUnit, TimeUnit, UnionFields, UnionMode};

use crate::expr::{Query, ScalarExpr};
use crate::schema::Schema;

/// Numbers from a seed (xorshift64*, Vigna 2016).
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 33) as usize % bound
    }

    pub(super) fn chance(&mut self) -> bool {
        self.below(2) == 0
    }

    pub(super) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    /// Small numbers, and those at the ends of their types.
    pub(super) fn number(&mut self) -> u64 {
        let any = self.next();
        self.pick(&[0, 1, 7, u64::from(u32::MAX), i64::MAX as u64, u64::MAX, any])
    }

    pub(super) fn option<T>(&mut self, of: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.chance() { Some(of(self)) } else { None }
    }

    /// Up to `most` values.
    pub(super) fn list<T>(&mut self, most: usize, of: impl Fn(&mut Self) -> T) -> Vec<T> {
        (0..self.below(most + 1)).map(|_| of(self)).collect()
    }
}

/// Texts that mean something somewhere in the text form, in SQL or on a terminal.
const TEXTS: &[&str] = &[
    "",
    " ",
    "a",
    "_",
    "id",
    "Upper",
    "two words",
    "places",
    "placebo",
    "place",
    "expects",
    "expects_all",
    "of",
    "offer",
    "view",
    "output",
    "step",
    "graph",
    "parameter",
    "cache",
    "segment",
    "schedule",
    "op",
    "phase",
    "true",
    "trueish",
    "false",
    "null",
    "nullable",
    "non-null",
    "a.b",
    "a.b.c",
    "@x",
    "@",
    "@@",
    "a.",
    ".a",
    "@a.b",
    "@.",
    "a@b",
    "=",
    "a=b",
    "-",
    "~",
    "~1",
    "?2",
    "1st",
    "12",
    "-3",
    "1e5",
    "0: a",
    "left.x",
    "left.*",
    "right.y as z",
    " as ",
    "SELECT",
    "select",
    "current_date",
    "'",
    "''",
    "'''",
    "\"",
    "\"\"",
    "\\",
    "\\\\",
    "a\\",
    "\\\"",
    "\\'",
    "a\\'b",
    "`",
    "(",
    ")",
    "()",
    "(a b)",
    "a (b",
    "a ) b",
    "' (",
    "{",
    "}",
    "{}",
    "[",
    "]",
    ",",
    ":",
    ": {",
    ";",
    "#",
    "# remark",
    "\n",
    "\n\n",
    "a\nb",
    "\n# x",
    "\na = b",
    " a",
    "a ",
    "\r\n",
    "\t",
    "\0",
    "a\0b",
    "\u{7f}",
    "\u{85}",
    "\u{a0}",
    "\u{2028}",
    "\u{feff}",
    "\u{202e}cba",
    "e\u{301}",
    "ünï",
    "שלום",
    "日本語",
    "🦀",
    "µs",
    "!",
    "Int64",
    "Int64!",
    "x Int64",
    "--",
    "-- x",
    "/*",
    "/* x */",
    "$1",
    "%",
    "*",
    "a/b",
    "s3://a b/ü",
];

/// Characters that texts are put together from.
const CHARACTERS: &[char] = &[
    'a',
    'Z',
    '0',
    '_',
    '.',
    '@',
    '=',
    '-',
    '~',
    '?',
    ' ',
    '\n',
    '\r',
    '\t',
    '\0',
    '"',
    '\'',
    '`',
    '\\',
    '(',
    ')',
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    ';',
    '#',
    '!',
    '*',
    '$',
    '/',
    '\u{85}',
    '\u{a0}',
    '\u{202e}',
    '\u{301}',
    'ü',
    '語',
    '🦀',
    '\u{10ffff}',
];

pub(super) fn text(random: &mut Random) -> String {
    match random.below(24) {
        0 => random.pick(CHARACTERS).to_string().repeat(3000),
        1..=9 => random.list(12, |random| random.pick(CHARACTERS)).into_iter().collect(),
        _ => random.pick(TEXTS).to_owned(),
    }
}

/// SQL that is more than a text or a column.
const SQL: &[&str] = &[
    "1",
    "-1",
    "1.50",
    "1e10",
    "NULL",
    "true",
    "$1",
    "a > 1 AND b IS NOT NULL OR NOT c",
    "(a)",
    "((a + b) * 2)",
    "CAST('2026-01-31' AS DATE)",
    "a BETWEEN 1 AND 2",
    "a IN (1, 2, 3)",
    "a LIKE 'x%'",
    "CASE WHEN a = 'it''s' THEN 1 ELSE 2 END",
    "count(*)",
    "sum(DISTINCT a) FILTER (WHERE b > 1)",
    "array_agg(a ORDER BY b DESC NULLS LAST)",
    "row_number() OVER (PARTITION BY a ORDER BY b)",
    "lag(a, 1) OVER (ORDER BY b ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)",
    "s.field.inner",
    "a[1]",
    "INTERVAL '1' DAY",
    "DATE '2026-01-31'",
    "x || 'y'",
    "X'ab'",
    "E'a\\nb\\\\'",
    "\"select\"",
];

pub(super) fn expr(random: &mut Random) -> ScalarExpr {
    match random.below(8) {
        0 | 1 => ScalarExpr::column(&text(random)),
        2 | 3 => ScalarExpr::text(&text(random)),
        4 => expr(random).and(expr(random)),
        5 => ScalarExpr::call("coalesce", vec![expr(random), ScalarExpr::text(&text(random))]),
        6 => ScalarExpr::column(&text(random)).arrow_cast(&data_type(random, 2)),
        _ => ScalarExpr::parse(random.pick(SQL)).unwrap(),
    }
}

pub(super) fn query(random: &mut Random) -> Query {
    let mut name = || ScalarExpr::column(&text(random)).to_string();
    let (column, alias, table, other) = (name(), name(), name(), name());
    let value = ScalarExpr::text(&text(random));
    let text = match random.below(3) {
        0 => format!(
            "SELECT {other}.{column} AS {alias} FROM {table} AS {other} WHERE {other}.{column} = {value}"
        ),
        1 => format!(
            "WITH {alias} AS (SELECT {column} FROM {table}) SELECT * FROM {alias} JOIN {table} USING ({column})"
        ),
        _ => format!(
            "SELECT count(*), {value} FROM (SELECT * FROM {table}) AS {alias} GROUP BY {alias}.{column} ORDER BY 1 LIMIT 3"
        ),
    };
    Query::parse(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

pub(super) fn schema(random: &mut Random) -> Schema {
    Schema::new(random.list(4, |random| (text(random), data_type(random, 0), random.chance())))
}

/// A field with metadata, which a schema drops.
fn field(random: &mut Random, depth: usize) -> Field {
    let metadata: HashMap<String, String> =
        random.list(2, |random| (text(random), text(random))).into_iter().collect();
    Field::new(text(random), data_type(random, depth), random.chance()).with_metadata(metadata)
}

fn elements(random: &mut Random, depth: usize) -> Arc<Field> {
    let field = field(random, depth);
    let name = if random.chance() { Field::LIST_FIELD_DEFAULT_NAME.to_owned() } else { text(random) };
    Arc::new(field.with_name(name))
}

/// A type of any kind; below a few levels only such as hold no other.
pub(super) fn data_type(random: &mut Random, depth: usize) -> DataType {
    let unit =
        random.pick(&[TimeUnit::Second, TimeUnit::Millisecond, TimeUnit::Microsecond, TimeUnit::Nanosecond]);
    let precision = random.pick(&[0, 1, 9, 18, 38, 76, u8::MAX]);
    let scale = random.pick(&[0, 1, 38, -1, i8::MAX, i8::MIN]);
    let size = random.pick(&[0, 1, 16, i32::MAX]);
    let inside = depth + 1;
    match random.below(if depth < 3 { 41 } else { 31 }) {
        0 => DataType::Null,
        1 => DataType::Boolean,
        2 => DataType::Int8,
        3 => DataType::Int16,
        4 => DataType::Int32,
        5 => DataType::Int64,
        6 => DataType::UInt8,
        7 => DataType::UInt16,
        8 => DataType::UInt32,
        9 => DataType::UInt64,
        10 => DataType::Float16,
        11 => DataType::Float32,
        12 => DataType::Float64,
        13 => DataType::Date32,
        14 => DataType::Date64,
        15 => DataType::Utf8,
        16 => DataType::LargeUtf8,
        17 => DataType::Utf8View,
        18 => DataType::Binary,
        19 => DataType::LargeBinary,
        20 => DataType::BinaryView,
        21 => DataType::Timestamp(unit, random.option(text).map(Into::into)),
        22 => DataType::Time32(unit),
        23 => DataType::Time64(unit),
        24 => DataType::Duration(unit),
        25 => DataType::Interval(random.pick(&[
            IntervalUnit::YearMonth,
            IntervalUnit::DayTime,
            IntervalUnit::MonthDayNano,
        ])),
        26 => DataType::FixedSizeBinary(size),
        27 => DataType::Decimal32(precision, scale),
        28 => DataType::Decimal64(precision, scale),
        29 => DataType::Decimal128(precision, scale),
        30 => DataType::Decimal256(precision, scale),
        31 => DataType::List(elements(random, inside)),
        32 => DataType::LargeList(elements(random, inside)),
        33 => DataType::ListView(elements(random, inside)),
        34 => DataType::LargeListView(elements(random, inside)),
        35 => DataType::FixedSizeList(elements(random, inside), size),
        36 => DataType::Struct(random.list(3, |random| field(random, inside)).into()),
        37 => DataType::Map(Arc::new(field(random, inside)), random.chance()),
        38 => {
            let fields = random.list(3, |random| field(random, inside));
            let ids = [0, 5, i8::MAX];
            let fields = UnionFields::try_new(ids.into_iter().take(fields.len()), fields).unwrap();
            DataType::Union(fields, random.pick(&[UnionMode::Sparse, UnionMode::Dense]))
        }
        39 => DataType::RunEndEncoded(Arc::new(field(random, inside)), Arc::new(field(random, inside))),
        _ => DataType::Dictionary(Box::new(data_type(random, inside)), Box::new(data_type(random, inside))),
    }
}
