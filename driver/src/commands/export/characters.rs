//! What takes the place of characters that a form cannot hold: a picture of the control character (U+2400 and its neighbours), and
//! U+FFFD for what no picture is of.

/// The character that stands for a control character or one that is none.
pub(super) fn picture(character: char) -> char {
    match u32::from(character) {
        code @ 0..=0x1f => char::from_u32(0x2400 + code).unwrap_or(char::REPLACEMENT_CHARACTER),
        0x7f => '\u{2421}',
        _ => char::REPLACEMENT_CHARACTER,
    }
}

#[cfg(test)]
mod tests {
    use super::picture;

    #[test]
    fn control_characters_have_pictures() {
        assert_eq!(
            ['\0', '\u{1b}', '\u{7f}', '\u{fffe}', '\u{9f}'].map(picture),
            ['␀', '␛', '␡', '\u{fffd}', '\u{fffd}']
        );
    }
}
