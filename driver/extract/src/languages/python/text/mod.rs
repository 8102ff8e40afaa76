//! The text of a Python file: how its bytes are decoded, how names and string literals in it are read.

mod continued_lines;
mod decoding;
mod literals;
mod soft_keywords;
mod spelling;

pub(super) use continued_lines::joined_text;
pub(super) use decoding::decode;
pub(super) use literals::is_extra;
pub(super) use soft_keywords::parsed_text;
pub(super) use spelling::respelled;
