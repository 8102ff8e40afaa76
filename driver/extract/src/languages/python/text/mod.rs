//! The text of a Python file: how its bytes are decoded, how names and string literals in it are read.

mod decoding;
mod literals;
mod spelling;

pub(super) use decoding::decode;
pub(super) use literals::is_extra;
pub(super) use spelling::respelled;
