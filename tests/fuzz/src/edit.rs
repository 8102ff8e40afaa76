//! Changes bytes: single ones, tokens, numbers, lines; splices two inputs; nests deeply and repeats.

use std::ops::Range;

use arbitrary::{Result, Unstructured};

/// Larger inputs are cut.
const MAX_BYTES: usize = 1 << 20;
/// The most edits of one input.
const MAX_EDITS: usize = 6;
/// Once in so many times what is repeated is repeated very often.
const RARELY: u32 = 40;

/// Characters that mean something to some reader, and bytes that are not UTF-8.
const CHARACTERS: [&[u8]; 48] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"(",
    b")",
    b":",
    b",",
    b"\"",
    b"'",
    b"#",
    b"-",
    b"- ",
    b"\n",
    b"\r\n",
    b"\t",
    b" ",
    b"&",
    b"*",
    b"!",
    b"|",
    b">",
    b"%",
    b"@",
    b"`",
    b"\\",
    b"/",
    b"--",
    b"/*",
    b"*/",
    b"$1",
    b";",
    b"?",
    b"~",
    b"=",
    b"\0",
    b"\x7f",
    b"\xff",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xef\xbb\xbf",
    "\u{2028}".as_bytes(),
    "é".as_bytes(),
    "\u{1f600}".as_bytes(),
    "\u{202e}".as_bytes(),
    b"\\ud800",
    b"\\u0000",
];

/// Numbers at the ends of types, and texts that some readers take for numbers.
pub const NUMBERS: [&str; 30] = [
    "0",
    "-1",
    "1",
    "127",
    "128",
    "255",
    "256",
    "32768",
    "65536",
    "2147483647",
    "2147483648",
    "-2147483648",
    "4294967295",
    "4294967296",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "340282366920938463463374607431768211456",
    "1e308",
    "1e309",
    "-0.0",
    "1e-400",
    ".5",
    "0x10",
    ".inf",
    "NaN",
];

/// What opens a nesting, and what closes it.
const NESTINGS: [(&str, &str); 26] = [
    ("(", ")"),
    ("[", "]"),
    ("{", "}"),
    ("{a: ", "}"),
    ("{\"a\":", "}"),
    ("- ", ""),
    ("? ", ""),
    ("NOT ", ""),
    ("- - ", ""),
    ("-", ""),
    ("a.", "a"),
    ("(SELECT * FROM ", ") x"),
    ("(SELECT ", ")"),
    ("CASE WHEN ", " THEN 1 END"),
    ("CAST(", " AS BIGINT)"),
    ("WITH a AS (SELECT 1 UNION ALL ", ") SELECT 1"),
    ("List(", ")"),
    ("Struct(\"a\": ", ")"),
    ("{\"type\":\"array\",\"containsNull\":true,\"elementType\":", "}"),
    ("1 + ", "1"),
    ("ARRAY<", ">"),
    ("STRUCT<a ", ">"),
    ("Nullable(", ")"),
    ("MAP{a: ", "}"),
    ("x[", "]"),
    (" ", "[]"),
];

/// `text` with some edits, in which parts of `other` and words may be put.
///
/// # Errors
/// Those of `arbitrary`.
pub fn edited(u: &mut Unstructured<'_>, text: &[u8], other: &[u8], words: &[String]) -> Result<Vec<u8>> {
    let mut bytes = text.to_vec();
    let edits = if u.ratio(1, 2)? { 1 } else { u.int_in_range(1..=MAX_EDITS)? };
    for _ in 0..edits {
        edit(u, &mut bytes, other, words)?;
        bytes.truncate(MAX_BYTES);
    }
    Ok(bytes)
}

fn edit(u: &mut Unstructured<'_>, bytes: &mut Vec<u8>, other: &[u8], words: &[String]) -> Result<()> {
    match u.int_in_range(0..=17)? {
        0 => {
            let at = index(u, bytes.len())?;
            let bit = 1_u8 << u.int_in_range(0..=7_u8)?;
            bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= bit);
        }
        1 => {
            let what = character(u)?;
            put(u, bytes, what)?;
        }
        2 => drop(bytes.splice(range(u, bytes, 32)?, character(u)?.to_vec())),
        3 => drop(bytes.drain(range(u, bytes, 64)?)),
        4 => {
            let part = bytes.get(range(u, bytes, 200)?).unwrap_or_default().to_vec();
            put_often(u, bytes, &part)?;
        }
        5 => {
            let part = other.get(range(u, other, 400)?).unwrap_or_default();
            put(u, bytes, part)?;
        }
        6 => {
            bytes.truncate(index(u, bytes.len())?);
            bytes.extend(other.get(index(u, other.len())?..).unwrap_or_default());
        }
        7 | 8 => extreme_number(u, bytes)?,
        9 => swapped_tokens(u, bytes)?,
        10 => {
            let with = other.get(token(u, other)?).unwrap_or_default();
            drop(bytes.splice(token(u, bytes)?, with.to_vec()));
        }
        11 => drop(bytes.splice(token(u, bytes)?, word(u, words)?.to_vec())),
        12 => {
            let what = word(u, words)?;
            put(u, bytes, what)?;
        }
        13 => lines(u, bytes, other)?,
        14 => nested(u, bytes)?,
        15 => {
            let what = if u.ratio(1, 2)? { word(u, words)? } else { character(u)? };
            put_often(u, bytes, what)?;
        }
        16 => bytes.truncate(index(u, bytes.len())?),
        _ => {
            let noise: [u8; 4] = u.arbitrary()?;
            put(u, bytes, &noise)?;
        }
    }
    Ok(())
}

/// A place in something of this length, its end included.
fn index(u: &mut Unstructured<'_>, length: usize) -> Result<usize> {
    u.int_in_range(0..=length)
}

/// A part of these bytes with no more than `most` of them.
fn range(u: &mut Unstructured<'_>, bytes: &[u8], most: usize) -> Result<Range<usize>> {
    let start = index(u, bytes.len())?;
    let length = u.int_in_range(0..=most)?;
    Ok(start..start.saturating_add(length).min(bytes.len()))
}

fn character(u: &mut Unstructured<'_>) -> Result<&'static [u8]> {
    u.choose(&CHARACTERS).copied()
}

fn word<'w>(u: &mut Unstructured<'_>, words: &'w [String]) -> Result<&'w [u8]> {
    if words.is_empty() { Ok(b"word") } else { u.choose(words).map(|word| word.as_bytes()) }
}

/// How often something is repeated.
fn count(u: &mut Unstructured<'_>) -> Result<usize> {
    if u.ratio(1, RARELY)? { u.int_in_range(1_000..=100_000) } else { u.int_in_range(1..=200) }
}

fn put(u: &mut Unstructured<'_>, bytes: &mut Vec<u8>, what: &[u8]) -> Result<()> {
    let at = index(u, bytes.len())?;
    drop(bytes.splice(at..at, what.iter().copied()));
    Ok(())
}

fn put_often(u: &mut Unstructured<'_>, bytes: &mut Vec<u8>, what: &[u8]) -> Result<()> {
    let times = count(u)?.min(MAX_BYTES / what.len().max(1));
    put(u, bytes, &what.repeat(times))
}

/// The letters, digits and `_` around a place, or the one character there.
fn token(u: &mut Unstructured<'_>, bytes: &[u8]) -> Result<Range<usize>> {
    let at = index(u, bytes.len())?;
    Ok(around(bytes, at, |byte| byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()))
}

fn around(bytes: &[u8], at: usize, is_part: impl Fn(u8) -> bool) -> Range<usize> {
    let (before, after) = bytes.split_at(at.min(bytes.len()));
    let start = before.iter().rev().take_while(|byte| is_part(**byte)).count();
    let end = after.iter().take_while(|byte| is_part(**byte)).count();
    let range = before.len() - start..before.len() + end;
    if range.is_empty() { range.start..(range.start + 1).min(bytes.len()) } else { range }
}

/// Puts an extreme number in the place of one that is there.
fn extreme_number(u: &mut Unstructured<'_>, bytes: &mut Vec<u8>) -> Result<()> {
    let at = index(u, bytes.len())?;
    let digit = |bytes: &[u8]| bytes.iter().position(u8::is_ascii_digit);
    let place = digit(bytes.get(at..).unwrap_or_default()).map(|found| at + found).or_else(|| digit(bytes));
    let number = if u.ratio(1, 8)? { "9".repeat(count(u)?) } else { (*u.choose(&NUMBERS)?).to_owned() };
    if let Some(place) = place {
        drop(bytes.splice(around(bytes, place, |byte| byte.is_ascii_digit()), number.bytes()));
    }
    Ok(())
}

fn swapped_tokens(u: &mut Unstructured<'_>, bytes: &mut Vec<u8>) -> Result<()> {
    let (one, two) = (token(u, bytes)?, token(u, bytes)?);
    let (first, second) = if one.start <= two.start { (one, two) } else { (two, one) };
    if first.end > second.start {
        return Ok(());
    }
    let (before, after) =
        (bytes.get(first.clone()).map(<[u8]>::to_vec), bytes.get(second.clone()).map(<[u8]>::to_vec));
    drop(bytes.splice(second, before.unwrap_or_default()));
    drop(bytes.splice(first, after.unwrap_or_default()));
    Ok(())
}

/// Doubles, removes, moves or indents a line, or takes one from another input.
fn lines(u: &mut Unstructured<'_>, bytes: &mut Vec<u8>, other: &[u8]) -> Result<()> {
    let line = |u: &mut Unstructured<'_>, bytes: &[u8]| -> Result<Range<usize>> {
        let at = index(u, bytes.len())?;
        let Range { start, end } = around(bytes, at, |byte| byte != b'\n');
        Ok(start..(end + 1).min(bytes.len()))
    };
    let which = line(u, bytes)?;
    let content = bytes.get(which.clone()).unwrap_or_default().to_vec();
    match u.int_in_range(0..=4)? {
        0 => drop(bytes.splice(which.start..which.start, content.repeat(count(u)?.min(2_000)))),
        1 => drop(bytes.drain(which)),
        2 => {
            drop(bytes.drain(which));
            let to = line(u, bytes)?.start;
            drop(bytes.splice(to..to, content));
        }
        3 => {
            let spaces = u.int_in_range(0..=12)?;
            let rest = content.trim_ascii_start().iter().copied();
            drop(bytes.splice(which, std::iter::repeat_n(b' ', spaces).chain(rest).collect::<Vec<u8>>()));
        }
        _ => {
            let taken = other.get(line(u, other)?).unwrap_or_default().to_vec();
            drop(bytes.splice(which.start..which.start, taken));
        }
    }
    Ok(())
}

/// Opens something many times around a token, and closes it as often, or not.
fn nested(u: &mut Unstructured<'_>, bytes: &mut Vec<u8>) -> Result<()> {
    let (open, close) = *u.choose(&NESTINGS)?;
    let times = count(u)?.min(MAX_BYTES / open.len());
    let at = token(u, bytes)?;
    let inside = bytes.get(at.clone()).unwrap_or_default().to_vec();
    let closed = if u.ratio(3, 4)? { times } else { times / 2 };
    let parts = [open.repeat(times).into_bytes(), inside, close.repeat(closed).into_bytes()];
    drop(bytes.splice(at, parts.concat()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_determined_by_their_bytes_and_end() {
        let words = ["view".to_owned()];
        for seed in 0..2_000 {
            let bytes = crate::seed::bytes("edits", seed);
            let edited =
                |text: &[u8]| edited(&mut Unstructured::new(&bytes), text, b"b: 2\nc: 3\n", &words).unwrap();
            assert_eq!(edited(b"a: 1\n"), edited(b"a: 1\n"), "seed {seed}");
            assert!(edited(b"").len() <= MAX_BYTES, "seed {seed}");
        }
    }
}
