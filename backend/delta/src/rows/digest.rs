//! The digest itself: a sum of hashes and a number of rows.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};
use std::str::FromStr;

use super::RowsError;

/// The digest of a bag of rows: the sum of their hashes modulo 2^128, and how many they are. The digest of two bags
/// together is the sum of theirs, in any order.
///
/// Prints as `DEFINITION:SUM:COUNT`: [`RowsDigest::DEFINITION`], 32 hexadecimal digits in lower case, the highest first, and a
/// decimal number.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct RowsDigest {
    sum: u128,
    count: u64,
}

impl RowsDigest {
    /// The number of the definition that digests are made by. Those of another are not comparable with these.
    pub const DEFINITION: u64 = 2;

    /// Adds a row by its hash.
    pub fn add_row(&mut self, row: u128) {
        self.sum = self.sum.wrapping_add(row);
        self.count = self.count.wrapping_add(1);
    }

    /// Adds the rows of another digest.
    pub fn merge(&mut self, other: Self) {
        self.sum = self.sum.wrapping_add(other.sum);
        // Nobody writes 2^64 rows, but the log of a table may claim them.
        self.count = self.count.wrapping_add(other.count);
    }

    /// How many rows it is of.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }
}

impl Add for RowsDigest {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        self.merge(other);
        self
    }
}

impl AddAssign for RowsDigest {
    fn add_assign(&mut self, other: Self) {
        self.merge(other);
    }
}

impl Sum for RowsDigest {
    fn sum<I: Iterator<Item = Self>>(digests: I) -> Self {
        digests.fold(Self::default(), Add::add)
    }
}

impl fmt::Display for RowsDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{:032x}:{}", Self::DEFINITION, self.sum, self.count)
    }
}

impl fmt::Debug for RowsDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for RowsDigest {
    type Err = RowsError;

    /// Reads what [`Display`](fmt::Display) writes, and no other spelling of it.
    ///
    /// # Errors
    /// [`RowsError::OtherDefinition`] for the text of a digest by another definition, [`RowsError::NotADigest`] for others.
    fn from_str(text: &str) -> Result<Self, RowsError> {
        let not_a_digest = || RowsError::NotADigest { text: text.to_owned() };
        let (definition, digest) = match text.split(':').count() {
            // The first definition did not say its number.
            2 => (1, text),
            _ => {
                let (definition, digest) = text.split_once(':').ok_or_else(not_a_digest)?;
                (definition.parse().map_err(|_| not_a_digest())?, digest)
            }
        };
        let (sum, count) = digest.split_once(':').ok_or_else(not_a_digest)?;
        let sum = u128::from_str_radix(sum, 16).map_err(|_| not_a_digest())?;
        let count: u64 = count.parse().map_err(|_| not_a_digest())?;
        // Signs, capitals, leading zeros and missing ones are read above.
        let plain = format!("{sum:032x}:{count}");
        match definition {
            1 if plain == text => Err(RowsError::OtherDefinition { text: text.to_owned(), definition }),
            _ if format!("{definition}:{plain}") != text => Err(not_a_digest()),
            Self::DEFINITION => Ok(Self { sum, count }),
            _ => Err(RowsError::OtherDefinition { text: text.to_owned(), definition }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_read_as_it_is_printed() {
        let mut digest = RowsDigest::default();
        assert_eq!(digest.to_string(), "2:00000000000000000000000000000000:0");
        digest.add_row(u128::MAX);
        digest.add_row(0xab00_0000_0000_0000_0000_0000_0000_0002);
        assert_eq!(digest.to_string(), "2:ab000000000000000000000000000001:2");
        assert_eq!(digest.to_string().parse(), Ok(digest));
        let digits = "0123456789abcdef0123456789abcdef";
        let wrong = [
            "",
            ":",
            ":1",
            digits,
            &format!("{digits}:"),
            &format!("{digits}:-1"),
            &format!("{digits}:+1"),
            &format!("{digits}:01"),
            &format!("{digits}:1 "),
            &format!("{digits}:1:1"),
            &format!("{digits}:18446744073709551616"),
            &format!("0{digits}:1"),
            &format!("+{}:1", &digits[1..]),
            &format!("{}:1", &digits[1..]),
            &format!("{}:1", digits.to_uppercase()),
        ];
        for wrong in
            wrong.into_iter().flat_map(|wrong| ["", "2:", "3:", "02:", "+2:"].map(|it| it.to_owned() + wrong))
        {
            let error = RowsError::NotADigest { text: wrong.clone() };
            assert_eq!(wrong.parse::<RowsDigest>(), Err(error));
        }
        for wrong in [":", "+2:", "02:", "x:", "2:2:"].map(|it| format!("{it}{digits}:1")) {
            let error = RowsError::NotADigest { text: wrong.clone() };
            assert_eq!(wrong.parse::<RowsDigest>(), Err(error));
        }
    }

    #[test]
    fn a_digest_by_another_definition_is_named() {
        let digest = "0123456789abcdef0123456789abcdef:14";
        for (text, definition) in
            [(digest.to_owned(), 1), (format!("1:{digest}"), 1), (format!("3:{digest}"), 3)]
        {
            let error = text.parse::<RowsDigest>().unwrap_err();
            assert_eq!(error, RowsError::OtherDefinition { text, definition });
        }
    }

    #[test]
    fn digests_are_summed_in_any_order() {
        let of = |rows: &[u128]| {
            let mut digest = RowsDigest::default();
            rows.iter().for_each(|row| digest.add_row(*row));
            digest
        };
        let (one, two) = (of(&[1, u128::MAX]), of(&[7]));
        assert_eq!(one + two, of(&[7, u128::MAX, 1]));
        assert_eq!([two, one].into_iter().sum::<RowsDigest>(), one + two);
        assert_eq!((one + two).count(), 3);
        assert_ne!(of(&[7, 0]), of(&[7]), "a row counts, whatever its hash");
        let forged = RowsDigest { sum: 1, count: u64::MAX };
        assert_eq!((forged + forged).count(), u64::MAX - 1, "what a log claims stops nobody");
    }
}
