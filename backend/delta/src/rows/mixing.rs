//! How cells become the hash of their row: the keys that they are multiplied by, and the permutation of what comes out.

use arrow::datatypes::{DataType, Schema};

use super::RowsError;
use super::types::{by_name, encoded};

/// Bytes of extended output for each block of keys.
const BLOCK: usize = 128;
/// Where in the first block the state stands that rows begin with. The seed stands at its beginning.
const START: usize = 16;

/// What the cells of a column, or of what lies inside a nested one, are mixed with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keys {
    /// What NULL adds to the state of its row.
    pub(super) null: u128,
    /// The factor of numbers, and of the place of an item in its list.
    number: u128,
    /// The factor of what a decimal has beyond 64 bits.
    wide: u128,
    /// For the pairs of words of a text.
    pairs: [[u64; 2]; PAIRS],
}

/// Pairs of words that a text has at the most, and one for the hash of a longer text.
const PAIRS: usize = 4;

impl Keys {
    /// Those in a block of extended output. Factors are odd, so that no two words have one product.
    fn of(block: &[u8]) -> Self {
        let pair = |at: usize| {
            let pair = number(block, at);
            [pair as u64, (pair >> 64) as u64]
        };
        Self {
            null: number(block, 0),
            number: number(block, 16) | 1,
            wide: number(block, 32) | 1,
            pairs: [pair(64), pair(80), pair(96), pair(112)],
        }
    }

    /// What a number adds to the state of its row.
    #[inline(always)]
    pub(super) fn number(&self, word: u64) -> u128 {
        self.number.wrapping_mul(word.into())
    }

    /// What a decimal adds: the first 64 bits, and what they leave.
    #[inline(always)]
    pub(super) fn decimal(&self, first: u64, left: u64) -> u128 {
        self.number(first).wrapping_add(self.wide.wrapping_mul(left.into()))
    }

    /// What the pair of words at a place adds.
    ///
    /// It is a product of two numbers of 65 bits, of which none is zero: no word keeps the other from counting.
    #[inline(always)]
    pub(super) fn pair<const PLACE: usize>(&self, words: [u64; 2]) -> u128 {
        const { assert!(PLACE < PAIRS) };
        let [first, second] = self.pairs[PLACE];
        let (first, second) = (words[0].wrapping_add(first), words[1].wrapping_add(second));
        let product = u128::from(first) * u128::from(second);
        product.wrapping_add(u128::from(first.wrapping_add(second)) << 64)
    }
}

/// 16 bytes of extended output.
fn number(block: &[u8], at: usize) -> u128 {
    block.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u128::from_le_bytes(*bytes))
}

/// The keys of a column, and of what lies inside it: the items of a list, the keys and the values of a map, the fields of a
/// struct.
#[derive(Clone, Debug)]
pub(super) struct KeyTree {
    pub(super) keys: Keys,
    pub(super) inner: Vec<Self>,
}

impl KeyTree {
    /// Those of a type; takes a block for the type itself and then those for what lies inside it.
    fn of<'a>(data_type: &DataType, blocks: &mut impl Iterator<Item = &'a [u8]>) -> Self {
        let keys = Keys::of(blocks.next().unwrap_or_default());
        let inner = inner(data_type).into_iter().map(|inside| Self::of(inside, blocks)).collect();
        Self { keys, inner }
    }
}

/// The types inside a type, which is one that a column of a Delta table has.
fn inner(data_type: &DataType) -> Vec<&DataType> {
    match data_type {
        DataType::Dictionary(_, values) => inner(values),
        DataType::RunEndEncoded(_, values) => inner(values.data_type()),
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            vec![item.data_type()]
        }
        DataType::Map(entries, _) => inner(entries.data_type()),
        DataType::Struct(fields) => fields.iter().map(|field| field.data_type()).collect(),
        _ => Vec::new(),
    }
}

/// How many blocks of keys a type has.
fn blocks(data_type: &DataType) -> usize {
    1 + inner(data_type).into_iter().map(blocks).sum::<usize>()
}

/// What stands for the columns of a table in the hashes of their rows.
#[derive(Clone, Debug)]
pub(super) struct SchemaKeys {
    /// Tables with other names or other types of columns have another.
    pub(super) seed: u64,
    /// The state that rows begin with.
    pub(super) start: u128,
    /// Those of the columns, in the order of their names.
    pub(super) columns: Vec<KeyTree>,
}

impl SchemaKeys {
    /// Those of the columns of `schema`.
    ///
    /// # Errors
    /// [`RowsError::UnsupportedType`].
    pub(super) fn of(schema: &Schema) -> Result<Self, RowsError> {
        let encoded = encoded(schema)?;
        let fields = by_name(schema).into_iter().filter_map(|place| schema.fields().get(place));
        let types: Vec<&DataType> = fields.map(|field| field.data_type()).collect();
        let mut bytes = vec![0; BLOCK * (1 + types.iter().map(|it| blocks(it)).sum::<usize>())];
        encoded.finish_into(&mut bytes);
        let mut blocks = bytes.chunks_exact(BLOCK);
        let first = blocks.next().unwrap_or_default();
        Ok(Self {
            seed: number(first, 0) as u64,
            start: number(first, START),
            columns: types.into_iter().map(|it| KeyTree::of(it, &mut blocks)).collect(),
        })
    }
}

/// Numbers without a pattern: the first 512 bits of the fraction of pi, but that factors are odd. Of each two rounds the one
/// has the first and the second, the other the third and the fourth: what the half is changed by, and the factor.
const ROUNDS: [[u64; 4]; 2] = [
    [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7345, 0xa409_3822_299f_31d0, 0x082e_fa98_ec4e_6c89],
    [0x4528_21e6_38d0_1377, 0xbe54_66cf_34e9_0c6d, 0xc0ac_29b7_c97c_50dd, 0x3f84_d5b5_b547_0917],
];

/// The hash of a row or of an item by its state.
///
/// It is a Feistel network: each round changes one half by a function of the other. So no two states have one hash, and
/// what a product forgets stays in the half that it was made of.
#[inline(always)]
pub(super) fn hash_of(state: u128) -> u128 {
    let (mut low, mut high) = (state as u64, (state >> 64) as u64);
    for [first, first_factor, second, second_factor] in ROUNDS {
        low ^= folded(high ^ first, first_factor);
        high ^= folded(low ^ second, second_factor);
    }
    u128::from(high) << 64 | u128::from(low)
}

/// The halves of a product, one over the other.
#[inline(always)]
fn folded(word: u64, factor: u64) -> u64 {
    let product = u128::from(word) * u128::from(factor);
    (product >> 64) as u64 ^ product as u64
}
