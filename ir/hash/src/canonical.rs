//! The one encoding of everything that is hashed, and hashes of it.
//!
//! A hash is BLAKE3-256 of the encoding of a *domain*, a text that says what is hashed and in which version of its
//! definition, followed by the encoding of one value. Values are those of JSON: null, booleans, integers, floats, texts,
//! lists and maps. Digests are texts of 64 hexadecimal digits. Each begins with a byte that says of which kind it is, and what has a length
//! has it before its content, so no two values have one encoding and none is the beginning of another.
//!
//! | value | encoding |
//! |---|---|
//! | null | `00` |
//! | false, true | `01`, `02` |
//! | integer | `03`, 16 bytes: two's complement, least byte first |
//! | float | `04`, 8 bytes: IEEE 754 bits of the double, least byte first |
//! | text | `05`, length in bytes, UTF-8 |
//! | list | `06`, number of items, the items |
//! | map | `07`, number of entries, for each its key, a text, and its value; in the order of the keys' UTF-8 bytes |
//!
//! Lengths and numbers of items are 8 bytes, least byte first.

use serde::Serialize;
use serde_json::Value;

use crate::ContentHash;

/// The hash of a value in a domain, by its JSON form. A float that is no number is null there.
///
/// # Errors
/// When the value has no JSON form: it says so itself, a key of a map is no text, or an integer does not fit into 64 bits.
pub fn hash_of(domain: &str, value: &(impl Serialize + ?Sized)) -> Result<ContentHash, serde_json::Error> {
    let value = serde_json::to_value(value)?;
    let mut encoder = Encoder::new(domain);
    push_value(&mut encoder.bytes, &value);
    Ok(encoder.finish())
}

/// Encodes a value part by part: for values that are not all there at once, and where nothing can fail.
#[derive(Clone, Debug)]
pub struct Encoder {
    bytes: Vec<u8>,
}

impl Encoder {
    /// An encoder in this domain. One value is to follow.
    #[must_use]
    pub fn new(domain: &str) -> Self {
        let mut bytes = Vec::with_capacity(256);
        push_text(&mut bytes, domain);
        Self { bytes }
    }

    /// Null.
    pub fn null(&mut self) -> &mut Self {
        self.bytes.push(Tag::Null as u8);
        self
    }

    /// A truth value.
    pub fn boolean(&mut self, value: bool) -> &mut Self {
        push_boolean(&mut self.bytes, value);
        self
    }

    /// A whole number.
    pub fn integer(&mut self, value: impl Into<i128>) -> &mut Self {
        push_integer(&mut self.bytes, value.into());
        self
    }

    /// A text.
    pub fn text(&mut self, value: &str) -> &mut Self {
        push_text(&mut self.bytes, value);
        self
    }

    /// A text, or null.
    pub fn optional_text(&mut self, value: Option<&str>) -> &mut Self {
        match value {
            Some(text) => self.text(text),
            None => self.null(),
        }
    }

    /// A digest: the text of its hexadecimal digits.
    pub fn hash(&mut self, value: &ContentHash) -> &mut Self {
        self.text(&value.to_string())
    }

    /// A list; its items are to follow.
    pub fn list(&mut self, items: usize) -> &mut Self {
        push_head(&mut self.bytes, Tag::List, items);
        self
    }

    /// A map; its entries are to follow, each its key by [`Self::text`] and its value, in the order of the keys.
    pub fn map(&mut self, entries: usize) -> &mut Self {
        push_head(&mut self.bytes, Tag::Map, entries);
        self
    }

    /// Fills `bytes` with the extended output of BLAKE3 for what was encoded. Its first 32 bytes are the hash.
    pub fn finish_into(&self, bytes: &mut [u8]) {
        blake3::Hasher::new().update(&self.bytes).finalize_xof().fill(bytes);
    }

    /// The hash of what was encoded.
    #[must_use]
    pub fn finish(&self) -> ContentHash {
        ContentHash::of(&self.bytes)
    }
}

/// The first byte of a value.
#[derive(Clone, Copy)]
enum Tag {
    Null,
    False,
    True,
    Integer,
    Float,
    Text,
    List,
    Map,
}

fn push_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.push(Tag::Null as u8),
        Value::Bool(value) => push_boolean(out, *value),
        Value::Number(number) => match number.as_i128() {
            Some(integer) => push_integer(out, integer),
            None => push_float(out, number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => push_text(out, text),
        Value::Array(items) => {
            push_head(out, Tag::List, items.len());
            items.iter().for_each(|item| push_value(out, item));
        }
        Value::Object(fields) => {
            let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
            fields.sort_unstable_by_key(|(key, _)| *key);
            push_head(out, Tag::Map, fields.len());
            for (key, value) in fields {
                push_text(out, key);
                push_value(out, value);
            }
        }
    }
}

fn push_head(out: &mut Vec<u8>, tag: Tag, length: usize) {
    out.push(tag as u8);
    out.extend_from_slice(&(length as u64).to_le_bytes());
}

fn push_boolean(out: &mut Vec<u8>, value: bool) {
    out.push(if value { Tag::True } else { Tag::False } as u8);
}

fn push_integer(out: &mut Vec<u8>, value: i128) {
    out.push(Tag::Integer as u8);
    out.extend_from_slice(&value.to_le_bytes());
}

fn push_float(out: &mut Vec<u8>, value: f64) {
    out.push(Tag::Float as u8);
    out.extend_from_slice(&value.to_bits().to_le_bytes());
}

fn push_text(out: &mut Vec<u8>, value: &str) {
    push_head(out, Tag::Text, value.len());
    out.extend_from_slice(value.as_bytes());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// One value of each kind, written out by hand from the table above.
    #[test]
    fn each_kind_of_value_has_its_encoding() {
        let length = |length: u64| length.to_le_bytes().to_vec();
        let text = |text: &str| [vec![5], length(text.len() as u64), text.as_bytes().to_vec()].concat();
        let integer = |value: i128| [vec![3], value.to_le_bytes().to_vec()].concat();
        for (value, encoding) in [
            (json!(null), vec![0]),
            (json!(false), vec![1]),
            (json!(true), vec![2]),
            (json!(-1), integer(-1)),
            (json!(u64::MAX), integer(u64::MAX.into())),
            (json!(1.5), [vec![4], 1.5_f64.to_le_bytes().to_vec()].concat()),
            (json!("é"), text("é")),
            (json!(["a", null]), [vec![6], length(2), text("a"), vec![0]].concat()),
            (
                json!({"b": 1, "a": {}, "B": 2}),
                [
                    vec![7],
                    length(3),
                    text("B"),
                    integer(2),
                    text("a"),
                    vec![7],
                    length(0),
                    text("b"),
                    integer(1),
                ]
                .concat(),
            ),
        ] {
            let mut found = Vec::new();
            push_value(&mut found, &value);
            assert_eq!(found, encoding, "{value}");
            let whole = [text("domain"), encoding].concat();
            assert_eq!(hash_of("domain", &value).unwrap(), ContentHash::of(&whole), "{value}");
        }
    }

    /// The table of the page: made with Python's `blake3` from what the page says.
    #[test]
    fn the_vectors_of_the_page_hold() {
        let page = include_str!("../HASHES.md");
        let cells = |line: &str| -> Vec<String> { line.split('`').map(str::to_owned).collect() };
        let rows = page.lines().map(cells).filter(|row| row.len() == 7 && row[5].len() == 64);
        let mut vectors = 0;
        for row in rows {
            let value: Value = serde_json::from_str(&row[3]).unwrap();
            assert_eq!(hash_of(&row[1], &value).unwrap().to_string(), row[5], "{}", row[3]);
            vectors += 1;
        }
        assert!(vectors >= 16, "the table has {vectors} vectors");
    }

    #[test]
    fn values_are_encoded_alike_at_once_and_part_by_part() {
        let digest = ContentHash::of(b"x");
        let value = json!({"a": [1, "t", null, true], "b": digest, "c": "u"});
        let mut parts = Encoder::new("test");
        parts.map(3).text("a").list(4).integer(1).text("t").null().boolean(true);
        parts.text("b").hash(&digest).text("c").optional_text(Some("u"));
        assert_eq!(parts.finish(), hash_of("test", &value).unwrap());
        assert_ne!(parts.finish(), hash_of("test2", &value).unwrap());
    }

    #[test]
    fn values_of_other_kinds_and_other_nesting_differ() {
        let values = [
            json!(null),
            json!(0),
            json!(0.0),
            json!(-0.0),
            json!(1),
            json!(1.0),
            json!(false),
            json!(""),
            json!("0"),
            json!([]),
            json!({}),
            json!([[], []]),
            json!([[[]]]),
            json!(["ab", "c"]),
            json!(["a", "bc"]),
            json!(["a", "b", "c"]),
            json!({"a": "b"}),
            json!({"a": null}),
            json!([["a", "b"]]),
        ];
        let hashes: std::collections::BTreeSet<_> =
            values.iter().map(|value| hash_of("test", value).unwrap()).collect();
        assert_eq!(hashes.len(), values.len());
    }
}
