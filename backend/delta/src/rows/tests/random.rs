//! Random tables: each has one digest, by a slow and simple reading of the definition, and however its rows are ordered,
//! divided into batches, cut out of larger arrays and encoded.

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::Schema;

use super::batch_of;
use super::model::{Kind, Value, array, blocks, members, permuted, zero};
use crate::rows::types::encoded;
use crate::rows::{RowHasher, RowsDigest};

/// Numbers without a pattern.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn bits(&mut self) -> u64 {
        self.below(1 << 31) << 40 ^ self.below(1 << 31) << 20 ^ self.below(1 << 31)
    }

    fn kind(&mut self, depth: u64) -> Kind {
        let inner = |random: &mut Self| Box::new(random.kind(depth + 1));
        match self.below(if depth < 2 { 18 } else { 15 }) {
            0 => Kind::Void,
            1 => Kind::Boolean,
            2 => Kind::Byte,
            3 => Kind::Short,
            4 => Kind::Integer,
            5 => Kind::Long,
            6 => Kind::Float,
            7 => Kind::Double,
            8 => Kind::Date,
            9 => Kind::Timestamp,
            10 => Kind::TimestampNtz,
            11 => Kind::Decimal([5, 9, 15, 18, 38][self.below(5) as usize]),
            12 | 13 => Kind::Text,
            14 => Kind::Binary,
            15 => Kind::List(inner(self)),
            16 => {
                let key = [Kind::Text, Kind::Long][self.below(2) as usize].clone();
                Kind::Map(Box::new(key), inner(self))
            }
            _ => Kind::Struct((0..1 + self.below(3)).map(|_| self.kind(depth + 1)).collect()),
        }
    }

    /// NULL once in `nulls` times.
    fn value(&mut self, kind: &Kind, nulls: u64) -> Value {
        if matches!(kind, Kind::Void) || self.below(nulls) == 0 {
            return Value::Null;
        }
        let signed = |bits: u64, width: u32| i128::from((bits as i64) >> (64 - width));
        match kind {
            Kind::Void => Value::Null,
            Kind::Boolean => Value::Number(self.below(2).into()),
            Kind::Byte => Value::Number(signed(self.bits(), 8)),
            Kind::Short => Value::Number(signed(self.bits(), 16)),
            Kind::Integer | Kind::Date => Value::Number(signed(self.bits(), 32)),
            Kind::Long | Kind::Timestamp | Kind::TimestampNtz => Value::Number(signed(self.bits(), 64)),
            Kind::Float => {
                let special = [0.0_f32, -0.0, f32::NAN, -f32::NAN, f32::INFINITY].map(f32::to_bits);
                let special = special.get(self.below(20) as usize).copied();
                Value::Number(special.unwrap_or(self.bits() as u32).into())
            }
            Kind::Double => {
                let special = [0.0_f64, -0.0, f64::NAN, -f64::NAN, f64::INFINITY].map(f64::to_bits);
                let special = special.get(self.below(20) as usize).copied();
                Value::Number(special.unwrap_or(self.bits()).into())
            }
            Kind::Decimal(precision) => {
                let wide = i128::from(self.bits()) << 64 | i128::from(self.bits());
                Value::Number(wide % 10_i128.pow(u32::from(*precision)))
            }
            Kind::Text | Kind::Binary => {
                let (least, more) =
                    [(0, 4), (0, 16), (35, 20), (100, 200), (900, 400)][self.below(5) as usize];
                let length = least + self.below(more);
                Value::Bytes((0..length).map(|_| b'a' + self.below(26) as u8).collect())
            }
            Kind::List(item) => Value::Several((0..self.below(4)).map(|_| self.value(item, nulls)).collect()),
            Kind::Map(key, value) => {
                let entry =
                    |random: &mut Self| [random.value(key, u64::MAX >> 33), random.value(value, nulls)];
                Value::Several((0..self.below(4)).flat_map(|_| entry(self)).collect())
            }
            Kind::Struct(fields) => {
                Value::Several(fields.iter().map(|field| self.value(field, nulls)).collect())
            }
        }
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u64 + 1) as usize);
        }
    }

    /// A batch of these rows, cut out of one with more of them.
    fn batch(&mut self, kinds: &[Kind], rows: &[Vec<Value>]) -> RecordBatch {
        let (before, after) = (self.below(10) as usize, self.below(10) as usize);
        let names: Vec<String> = (0..kinds.len()).map(name).collect();
        let column = |(place, kind): (usize, &Kind)| -> ArrayRef {
            let around = |random: &mut Self, rows: usize| -> Vec<Value> {
                (0..rows).map(|_| random.value(kind, 3)).collect()
            };
            let mut values = around(self, before);
            values.extend(rows.iter().map(|row| row[place].clone()));
            values.extend(around(self, after));
            array(kind, &values, &zero(kind), self.below(42) as usize)
        };
        let columns: Vec<ArrayRef> = kinds.iter().enumerate().map(column).collect();
        let columns = names.iter().map(String::as_str).zip(columns).collect();
        batch_of(before + rows.len() + after, columns).slice(before, rows.len())
    }
}

/// The name of a column; not in the order of the columns.
fn name(place: usize) -> String {
    format!("{}{place}", ["c", "a", "é", "B", ""][place % 5])
}

/// The digest by the definition.
fn defined(schema: &Schema, kinds: &[Kind], rows: &[Vec<Value>]) -> RowsDigest {
    let mut places: Vec<usize> = (0..kinds.len()).collect();
    places.sort_by_key(|place| name(*place));
    let blocks = 1 + kinds.iter().map(blocks).sum::<usize>();
    let mut keys = vec![[0; 128]; blocks];
    encoded(schema).unwrap().finish_into(keys.as_flattened_mut());
    let start = u128::from_le_bytes(keys[0][16..32].try_into().unwrap());
    let mut digest = RowsDigest::default();
    for row in rows {
        let cells = places.iter().map(|place| (&kinds[*place], &row[*place]));
        digest.add_row(permuted(start.wrapping_add(members(cells, &keys[1..]))));
    }
    digest
}

#[test]
fn a_table_has_one_digest() {
    for seed in 0..150 {
        let mut random = Random(seed);
        let kinds: Vec<Kind> = (0..random.below(8)).map(|_| random.kind(0)).collect();
        let nulls = [2, 8, 1 << 30][random.below(3) as usize];
        let count = [1, 20, 300, 700][random.below(4) as usize];
        let count = random.below(count) as usize;
        let mut rows: Vec<Vec<Value>> =
            (0..count).map(|_| kinds.iter().map(|kind| random.value(kind, nulls)).collect()).collect();
        let whole = random.batch(&kinds, &rows);
        let mut hasher = RowHasher::new(&whole.schema()).unwrap();
        let expected = defined(&whole.schema(), &kinds, &rows);
        let case = format!("seed {seed}: {} rows of {kinds:?}", rows.len());
        assert_eq!(hasher.digest(&whole), Ok(expected), "{case}");
        random.shuffle(&mut rows);
        let mut parts = RowsDigest::default();
        let mut rest = rows.as_slice();
        while !rest.is_empty() {
            let (part, after) = rest.split_at(1 + random.below(rest.len() as u64) as usize);
            let part = random.batch(&kinds, part);
            parts += hasher.digest(&part).unwrap_or_else(|error| panic!("{case}: {error}"));
            rest = after;
        }
        assert_eq!(parts, expected, "{case}, in other encodings and another order");
    }
}

/// Rows of very different sizes.
#[test]
fn large_rows_are_hashed_like_small_ones() {
    let kinds = [Kind::Text, Kind::List(Box::new(Kind::Binary)), Kind::Long];
    let text = |bytes: usize| Value::Bytes(vec![b'x'; bytes]);
    let sizes = [0, 300_000, 1, 20_000, 0, 0, 70_000, 33_000];
    let row = |(number, size): (usize, usize)| {
        let (one, two) = if number % 3 == 0 { (size, 2 * size) } else { (size / 2, 40) };
        vec![text(one), Value::Several(vec![text(two), Value::Null, text(7)]), Value::Number(number as i128)]
    };
    let rows: Vec<Vec<Value>> = sizes.iter().copied().cycle().take(500).enumerate().map(row).collect();
    let whole = Random(1).batch(&kinds, &rows);
    let mut hasher = RowHasher::new(&whole.schema()).unwrap();
    let expected = defined(&whole.schema(), &kinds, &rows);
    assert_eq!(hasher.digest(&whole), Ok(expected));
    assert_eq!(hasher.digest(&whole), Ok(expected), "what was left from before makes no difference");
}
