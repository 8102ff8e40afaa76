//! Numbers.

use arrow::compute::kernels::cast_utils::Parser;
use arrow::datatypes::ArrowPrimitiveType;

use super::Misfit;

/// The value of an integer.
pub(crate) fn integer<T: ArrowPrimitiveType + Parser>(text: &str) -> Result<T::Native, Misfit> {
    T::parse(text).ok_or("")
}

/// A float type, as far as its values are compared with texts.
pub(crate) trait Float: Copy + Into<f64> {
    /// Integers up to here are floats, each.
    const EXACT: f64;
}

impl Float for f32 {
    const EXACT: f64 = 16_777_216.0;
}

impl Float for f64 {
    const EXACT: f64 = 9_007_199_254_740_992.0;
}

/// The value of a float: the nearest to a fraction, as floats are, but for an integer itself.
pub(crate) fn float<T>(text: &str) -> Result<T::Native, Misfit>
where
    T: ArrowPrimitiveType + Parser,
    T::Native: Float,
{
    let value = T::parse(text).ok_or("")?;
    let wide: f64 = value.into();
    let has_digits = |wanted: fn(&u8) -> bool| text.bytes().any(|byte| wanted(&byte));
    if wide.is_infinite() && has_digits(u8::is_ascii_digit) {
        return Err("it is out of range");
    }
    if wide == 0.0 && mantissa(text).bytes().any(|byte| matches!(byte, b'1'..=b'9')) {
        return Err("it is closer to zero than a value of the type can be");
    }
    let is_integer = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'+'));
    if is_integer && wide.abs() >= T::Native::EXACT && !is_written(wide, text) {
        return Err("the integer has more digits than the type holds");
    }
    Ok(value)
}

/// Whether a text of digits is the number.
fn is_written(number: f64, text: &str) -> bool {
    let digits = text.trim_start_matches(['-', '+']).trim_start_matches('0');
    // Without an exponent, all digits of an integral float are printed.
    format!("{:.0}", number.abs()) == digits
}

/// What stands before the exponent.
fn mantissa(text: &str) -> &str {
    text.split(['e', 'E']).next().unwrap_or_default()
}

/// The digits of a decimal of so many digits, so many of them behind the point: `-1230` for `-12.3`, if two are.
pub(crate) fn decimal(text: &str, precision: u8, scale: i8) -> Result<String, Misfit> {
    let (sign, unsigned) = match text.as_bytes().first() {
        Some(b'-') => ("-", text.get(1..).unwrap_or_default()),
        Some(b'+') => ("", text.get(1..).unwrap_or_default()),
        _ => ("", text),
    };
    let mut halves = unsigned.splitn(2, ['e', 'E']);
    let mantissa = halves.next().unwrap_or_default();
    let exponent = match halves.next() {
        Some(exponent) => exponent.parse::<i32>().map_err(|_| "")?,
        None => 0,
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = [whole, fraction].concat();
    if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("");
    }
    let digits = all.trim_start_matches('0').trim_end_matches('0');
    if digits.is_empty() {
        return Ok("0".to_owned());
    }
    let zeros = all.len() - all.trim_end_matches('0').len();
    let counted = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    // How many of the digits stand behind the point; less than none, if zeros follow before it.
    let behind = counted(fraction.len()) - counted(zeros) - i64::from(exponent);
    let missing = i64::from(scale) - behind;
    if missing < 0 {
        return Err("it has more digits behind the point");
    }
    if counted(digits.len()) + missing > i64::from(precision) {
        return Err("it has more digits before the point");
    }
    let missing = usize::try_from(missing).unwrap_or_default();
    Ok([sign, digits, &"0".repeat(missing)].concat())
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::{Float32Type, Float64Type};

    use super::*;

    #[test]
    fn decimals_are_exact_or_none() {
        let behind = Err("it has more digits behind the point");
        let before = Err("it has more digits before the point");
        for (text, wanted) in [
            ("1.23", Ok("123")),
            ("-1.230000", Ok("-123")),
            ("+5", Ok("500")),
            (".5", Ok("50")),
            ("5.", Ok("500")),
            ("000", Ok("0")),
            ("-0.00", Ok("0")),
            ("12e-2", Ok("12")),
            ("1.5E2", Ok("15000")),
            ("999.99", Ok("99999")),
            ("1.239", behind),
            ("1e-3", behind),
            ("1000", before),
            ("1e3", before),
            ("1e999999999", before),
            ("", Err("")),
            (".", Err("")),
            ("-", Err("")),
            ("e5", Err("")),
            ("1e", Err("")),
            ("1.2.3", Err("")),
            ("1 ", Err("")),
            ("--1", Err("")),
        ] {
            assert_eq!(decimal(text, 5, 2).as_deref(), wanted.as_ref().map(|text| *text), "{text}");
        }
        let many = format!("1{}", "0".repeat(400));
        assert_eq!(decimal(&many, 5, 2), before.map(str::to_owned));
    }

    #[test]
    fn floats_that_are_others_are_none() {
        let doubles = |text| float::<Float64Type>(text).ok();
        let singles = |text| float::<Float32Type>(text).ok();
        assert_eq!(doubles("0.1"), Some(0.1));
        assert_eq!(doubles("-1e308"), Some(-1e308));
        assert_eq!(doubles("9007199254740992"), Some(9_007_199_254_740_992.0));
        assert_eq!(doubles("-0018014398509481984"), Some(-18_014_398_509_481_984.0));
        assert_eq!(doubles("inf"), Some(f64::INFINITY));
        assert_eq!(doubles("0e5"), Some(0.0));
        assert!(doubles("NaN").is_some_and(f64::is_nan));
        assert_eq!(singles("16777216"), Some(16_777_216.0));
        for text in ["1e400", "-1e400", "1e-400", "9007199254740993", "-9007199254740993", "x", ""] {
            assert_eq!(doubles(text), None, "{text}");
        }
        for text in ["1e39", "16777217", "1e-50"] {
            assert_eq!(singles(text), None, "{text}");
        }
    }
}
