//! Medians with their spreads and confidence intervals, geometric means and fitted exponents.

use serde::Serialize;

/// The middle and the ends of several measurements of one thing.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Spread {
    /// The middle value; of an even number of values the mean of the two in the middle.
    pub(crate) median: f64,
    /// The smallest value.
    pub(crate) min: f64,
    /// The largest value.
    pub(crate) max: f64,
}

impl Spread {
    /// The spread of some values; none of no values.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let upper = *sorted.get(sorted.len() / 2)?;
        let lower = *sorted.get((sorted.len() - 1) / 2)?;
        Some(Self { median: f64::midpoint(lower, upper), min, max })
    }
}

/// A median, and where that of all possible measurements is to be expected.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Interval {
    /// The median of what was measured.
    pub(crate) median: f64,
    /// The lower end.
    pub(crate) low: f64,
    /// The upper end.
    pub(crate) high: f64,
}

impl Interval {
    /// The interval between two order statistics that holds the median with a probability of at least 95 %, whatever the
    /// distribution: each value is below the median with probability one half, so the number of those below it is binomial
    /// (Conover, Practical Nonparametric Statistics, 3.2). Fewer than six values have no such interval, and are between
    /// nothing and infinity; none of no values.
    pub(crate) fn of_median(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let median = Spread::of(sorted.iter().copied())?.median;
        let count = u32::try_from(sorted.len()).ok()?;
        // The probability that at most `below` values are below the median, starting from that of none.
        let (mut cut, mut exactly) = (0_usize, 0.5_f64.powi(i32::try_from(count).ok()?));
        let mut at_most = exactly;
        for below in 0..count / 2 {
            if 2.0 * at_most > 0.05 {
                break;
            }
            cut += 1;
            exactly *= f64::from(count - below) / f64::from(below + 1);
            at_most += exactly;
        }
        let end = |place: Option<usize>| place.and_then(|place| sorted.get(place)).copied();
        let low = end(cut.checked_sub(1)).unwrap_or(0.0);
        let high = end(sorted.len().checked_sub(cut)).unwrap_or(f64::INFINITY);
        Some(Self { median, low, high })
    }
}

/// The geometric mean of positive values; none of no values.
pub(crate) fn geometric_mean(values: &[f64]) -> Option<f64> {
    let count = u32::try_from(values.len()).ok().filter(|count| *count > 0)?;
    let logarithms: f64 = values.iter().map(|value| value.ln()).sum();
    Some((logarithms / f64::from(count)).exp())
}

/// The exponent `b` of the law `cost = a * size^b` that fits points (size, cost) best: the slope of the least squares
/// line through their logarithms. None when the points have fewer than two sizes.
pub(crate) fn fitted_exponent(points: &[(f64, f64)]) -> Option<f64> {
    let count = f64::from(u32::try_from(points.len()).ok()?);
    let logarithms: Vec<(f64, f64)> = points.iter().map(|(size, cost)| (size.ln(), cost.ln())).collect();
    let mean_size = logarithms.iter().map(|(size, _)| size).sum::<f64>() / count;
    let mean_cost = logarithms.iter().map(|(_, cost)| cost).sum::<f64>() / count;
    let spread: f64 = logarithms.iter().map(|(size, _)| (size - mean_size).powi(2)).sum();
    let together: f64 = logarithms.iter().map(|(size, cost)| (size - mean_size) * (cost - mean_cost)).sum();
    (spread > 0.0).then(|| together / spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle_whatever_the_order() {
        let odd = Spread::of([5.0, 1.0, 100.0]);
        assert_eq!(odd, Some(Spread { median: 5.0, min: 1.0, max: 100.0 }));
        let even = Spread::of([4.0, 1.0, 100.0, 2.0]);
        assert_eq!(even, Some(Spread { median: 3.0, min: 1.0, max: 100.0 }));
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn a_median_is_between_order_statistics() {
        let interval = |count: u32| {
            let found = Interval::of_median((1..=count).rev().map(f64::from)).expect("values");
            (found.low, found.median, found.high)
        };
        // Tables of the sign test: n = 9 leaves out one value at each end (96.1 %), n = 20 five (95.9 %).
        assert_eq!(interval(5), (0.0, 3.0, f64::INFINITY));
        assert_eq!(interval(6), (1.0, 3.5, 6.0));
        assert_eq!(interval(9), (2.0, 5.0, 8.0));
        assert_eq!(interval(20), (6.0, 10.5, 15.0));
        assert_eq!(Interval::of_median([]), None);
    }

    #[test]
    fn a_geometric_mean_cancels_reciprocals() {
        let mean = geometric_mean(&[4.0, 0.25, 8.0, 1.0]).expect("values");
        assert!((mean - 8f64.powf(0.25)).abs() < 1e-12, "{mean}");
        assert_eq!(geometric_mean(&[]), None);
    }

    #[test]
    fn an_exponent_is_found_again() {
        let law = |exponent: f64| [10.0, 70.0, 300.0].map(|size: f64| (size, 3.5 * size.powf(exponent)));
        for exponent in [0.0, 1.0, 1.5, 4.0] {
            let found = fitted_exponent(&law(exponent)).expect("three sizes");
            assert!((found - exponent).abs() < 1e-9, "{exponent}: {found}");
        }
    }

    #[test]
    fn one_size_has_no_exponent() {
        assert_eq!(fitted_exponent(&[(10.0, 1.0), (10.0, 2.0)]), None);
        assert_eq!(fitted_exponent(&[]), None);
    }
}
