//! Shapes.

mod area;

pub use area::{Circle, Shape};

/// The area of all shapes.
pub fn total(shapes: &[Circle]) -> f64 {
    let mut sum = 0.0;
    for shape in shapes {
        sum += shape.area();
    }
    rounded(sum)
}

fn rounded(value: f64) -> f64 {
    value.round()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn circles_have_areas() {
        let shapes = vec![Circle { radius: 1.0 }];
        assert_eq!(total(&shapes), rounded(std::f64::consts::PI));
    }
}
