/// Something with an area.
pub trait Shape {
    fn area(&self) -> f64;
}

pub struct Circle {
    pub radius: f64,
}

impl Circle {
    pub fn area(&self) -> f64 {
        square(self.radius) * std::f64::consts::PI
    }
}

fn square(value: f64) -> f64 {
    value * value
}
