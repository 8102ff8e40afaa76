//! Medians, spreads, geometric means and fitted exponents.

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
