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

// The same trait, with other arguments.
impl From<u32> for Square {
    fn from(side: u32) -> Self {
        Square(side)
    }
}

impl From<u8> for Square {
    fn from(side: u8) -> Self {
        Square(side.into())
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
