//! Lines that go on inside of brackets. The grammar takes the indentation of one that stands further left than its block for
//! the end of the block, where a bracket may not be closed yet: `x = (1 +` before `2)`.

/// Where a place in a text is.
enum Frame {
    /// Between brackets.
    Brackets,
    /// In the braces of a formatted string.
    Field,
    /// In a string that ends with this quote, one or three times.
    Text { quote: u8, is_triple: bool, is_format: bool },
}

/// The text with blanks for the ends of lines, and for comments, between brackets: of the same length. None when there are no
/// such lines.
pub(in crate::languages::python) fn joined_text(text: &str) -> Option<String> {
    let mut read = text.as_bytes().to_vec();
    let mut frames: Vec<Frame> = Vec::new();
    let mut is_joined = false;
    let mut at = 0;
    while let Some(&byte) = text.as_bytes().get(at) {
        let rest = text.as_bytes().get(at..).unwrap_or_default();
        at += match frames.last() {
            Some(&Frame::Text { quote, is_triple, is_format }) => {
                in_string(rest, (quote, is_triple, is_format), &mut frames)
            }
            inside => {
                let between = matches!(inside, Some(Frame::Brackets));
                let blank = match byte {
                    b'#' => rest.iter().take_while(|&&it| it != b'\n').count(),
                    b'\n' | b'\r' => 1,
                    _ => 0,
                };
                if blank > 0 && between {
                    read.get_mut(at..at + blank).unwrap_or_default().fill(b' ');
                    is_joined = true;
                }
                if blank == 0 { in_code(text, at, &mut frames) } else { blank }
            }
        };
    }
    String::from_utf8(read).ok().filter(|_| is_joined)
}

/// Goes on outside of strings and comments; how many bytes.
fn in_code(text: &str, at: usize, frames: &mut Vec<Frame>) -> usize {
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    match rest.first() {
        Some(b'(' | b'[' | b'{') => frames.push(Frame::Brackets),
        Some(b')' | b']' | b'}') => {
            frames.pop();
        }
        Some(&quote @ (b'"' | b'\'')) => {
            let is_triple = rest.starts_with(&[quote; 3]);
            let before = text.as_bytes().get(..at).unwrap_or_default();
            let mut prefix = before.iter().rev().take(2).take_while(|byte| byte.is_ascii_alphabetic());
            let is_format = prefix.any(|byte| matches!(byte, b'f' | b'F' | b't' | b'T'));
            frames.push(Frame::Text { quote, is_triple, is_format });
            return if is_triple { 3 } else { 1 };
        }
        _ => {}
    }
    1
}

/// Goes on in a string; how many bytes.
fn in_string(rest: &[u8], (quote, is_triple, is_format): (u8, bool, bool), frames: &mut Vec<Frame>) -> usize {
    let length = if is_triple { 3 } else { 1 };
    match rest.first() {
        Some(b'\\') => 2,
        Some(b'{') if is_format && rest.starts_with(b"{{") => 2,
        Some(b'{') if is_format => {
            frames.push(Frame::Field);
            1
        }
        // A string that its line does not end is an error.
        Some(b'\n') if !is_triple => {
            frames.pop();
            1
        }
        Some(&byte) if byte == quote && (!is_triple || rest.starts_with(&[quote; 3])) => {
            frames.pop();
            length
        }
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::joined_text;

    #[test]
    fn lines_are_joined_between_brackets_only() {
        let joined = |text: &str| joined_text(text).unwrap_or_default();
        assert_eq!(joined("x = (1 + # é )\n2)\ny = [\r\n]\n"), "x = (1 +        2)\ny = [  ]\n");
        assert_eq!(joined("f'{a[\n1]}' '(' \"\"\"[\n\"\"\"\n(')', '\\'',\n)"), {
            "f'{a[ 1]}' '(' \"\"\"[\n\"\"\"\n(')', '\\'', )"
        });
        assert_eq!(joined_text("a = 1\nb = '(' # (\nc = 2\n"), None);
    }
}
