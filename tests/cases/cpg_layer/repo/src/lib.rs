//! A crate.

/// What has an area.
pub trait Area {
    fn area(&self) -> u32;
}

pub struct Square(pub u32);

impl Area for Square {
    fn area(&self) -> u32 {
        double(self.0)
    }
}

fn double(value: u32) -> u32 {
    value.max(1) * 2
}

#[cfg(test)]
mod tests {
    #[test]
    fn squares_have_areas() {
        use super::{Area, Square};
        assert_eq!(Square(2).area(), 4);
    }
}
