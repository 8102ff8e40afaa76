//! Numbers as they are written: digits, and where the point is. Nothing is lost before a type is known.

use arrow::datatypes::i256;

/// A decimal number, in one form: no zeros at either end of its digits, and none for zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::testing) struct Exact {
    negative: bool,
    digits: String,
    /// The value is the digits times ten to this power.
    exponent: i64,
}

/// No type has more digits than this, before and after the point.
const MOST_DIGITS: i64 = 400;

impl Exact {
    /// Reads `-12.50`, `.5`, `+1.5E-3`; nothing for what is no number.
    pub(in crate::testing) fn parse(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (mantissa, power) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, power)) => (mantissa, power.parse::<i32>().ok()?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let significant = all.trim_start_matches('0').trim_end_matches('0');
        let zeros = all.len() - all.trim_end_matches('0').len();
        let places = i64::try_from(zeros).ok()? - i64::try_from(fraction.len()).ok()?;
        if significant.is_empty() {
            return Some(Self { negative: false, digits: String::new(), exponent: 0 });
        }
        Some(Self { negative, digits: significant.to_owned(), exponent: i64::from(power) + places })
    }

    /// How many digits stand before the point.
    pub(super) fn whole_digits(&self) -> i64 {
        let digits = i64::try_from(self.digits.len()).unwrap_or(i64::MAX);
        digits.saturating_add(self.exponent).max(0)
    }

    /// How many digits must stand after the point.
    pub(super) fn scale(&self) -> i64 {
        self.exponent.saturating_neg().max(0)
    }

    /// The number times ten to this power.
    fn shifted(&self, power: i64) -> Self {
        let exponent = if self.digits.is_empty() { 0 } else { self.exponent.saturating_add(power) };
        Self { exponent, ..self.clone() }
    }

    /// Without an exponent, as every reader of numbers takes it; nothing for one that is longer than any type holds.
    pub(super) fn plain(&self) -> Option<String> {
        if self.whole_digits() > MOST_DIGITS || self.scale() > MOST_DIGITS {
            return None;
        }
        let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or(0));
        let sign = if self.negative { "-" } else { "" };
        if self.digits.is_empty() {
            return Some("0".to_owned());
        }
        if self.exponent >= 0 {
            return Some(format!("{sign}{}{}", self.digits, zeros(self.exponent)));
        }
        let padded =
            format!("{}{}", zeros(self.scale() + 1 - i64::try_from(self.digits.len()).ok()?), self.digits);
        let point = padded.len().checked_sub(usize::try_from(self.scale()).ok()?)?;
        let (whole, fraction) = (padded.get(..point)?, padded.get(point..)?);
        Some(format!("{sign}{whole}.{fraction}"))
    }

    /// The whole number, if it is one that is not too large.
    pub(super) fn whole(&self) -> Option<i128> {
        if self.scale() > 0 { None } else { self.plain()?.parse().ok() }
    }

    /// How many units of this scale it has, without what is less than one; nothing for more than any decimal has.
    pub(in crate::testing) fn units(&self, scale: i8) -> Option<i256> {
        let plain = self.shifted(i64::from(scale)).plain()?;
        i256::from_string(plain.split_once('.').map_or(plain.as_str(), |(whole, _)| whole))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exact(text: &str) -> Exact {
        Exact::parse(text).unwrap()
    }

    #[test]
    fn one_number_has_one_form_however_it_is_written() {
        for (texts, plain) in [
            (&["1.50", "1.5", "+1.5", "15e-1", "0.15E1", "001.500"][..], "1.5"),
            (&["-0", "0", "0.000", "0e9", "-.0"], "0"),
            (&["1e3", "1000", "1000.", "1.E3"], "1000"),
            (&["-.05", "-5e-2"], "-0.05"),
            (&["12345678901234567.89"], "12345678901234567.89"),
        ] {
            for text in texts {
                assert_eq!(exact(text), exact(plain), "{text}");
                assert_eq!(exact(text).plain().unwrap(), plain, "{text}");
            }
        }
        for text in ["", ".", "-", "1e", "e5", "1.2.3", "0x10", "1_000", "NaN", "inf", " 1", "1e99999999999"]
        {
            assert_eq!(Exact::parse(text), None, "{text}");
        }
    }

    #[test]
    fn sizes_are_known_without_the_digits_of_large_powers() {
        let large = exact("1e1000000000");
        assert_eq!((large.whole_digits(), large.scale(), large.plain()), (1_000_000_001, 0, None));
        assert_eq!(exact("1e-1000000000").plain(), None);
        assert_eq!((exact("12.5").whole(), exact("1e2").whole()), (None, Some(100)));
    }

    #[test]
    fn units_of_a_scale_leave_out_what_is_less_than_one() {
        assert_eq!(exact("0.29").units(2), Some(i256::from_i128(29)));
        assert_eq!(exact("0.299").units(2), Some(i256::from_i128(29)));
        assert_eq!(exact("5").units(-1), Some(i256::from_i128(0)));
        assert_eq!(exact("1e400").units(0), None);
    }
}
