//! Source bytes to text, as the compiler reads them: PEP 263, PEP 3120 and universal newlines.

use std::borrow::Cow;

use encoding_rs::Encoding;

/// The text of a file: in the encoding that a comment in its first two lines names, UTF-8 without one. A lone carriage
/// return is a line end, and is written as a line feed, so that positions stay.
///
/// # Errors
/// What is wrong with the bytes or the encoding, as code and message of `extract_errors`.
pub(in crate::languages::python) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, (&'static str, String)> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) if declared(bytes).is_none_or(is_compatible) => Cow::Borrowed(text),
        Ok(_) => decode_declared(bytes)?,
        Err(error) => match declared(bytes) {
            None => {
                let at = error.valid_up_to();
                let message = format!(
                    "byte {at} is not valid UTF-8; convert the file to UTF-8, or declare its encoding"
                );
                return Err(("invalid_utf8", message));
            }
            Some(_) => decode_declared(bytes)?,
        },
    };
    Ok(universal_newlines(text))
}

/// Whether text that is valid UTF-8 is the same text in this encoding.
fn is_compatible(label: &str) -> bool {
    let label = normalized(label);
    label == "utf-8" || label.starts_with("utf-8-") || label == "utf8"
}

fn decode_declared(bytes: &[u8]) -> Result<Cow<'_, str>, (&'static str, String)> {
    let label = normalized(declared(bytes).unwrap_or("utf-8"));
    if bytes.is_ascii() && !label.starts_with("utf-16") && !label.starts_with("utf-7") {
        return std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| undecodable(&label));
    }
    if matches!(label.as_str(), "latin-1" | "iso-8859-1" | "iso-latin-1" | "latin1" | "l1" | "iso8859-1") {
        return Ok(Cow::Owned(bytes.iter().copied().map(char::from).collect()));
    }
    let spelled = label.strip_prefix("cp").map(|page| format!("windows-{page}"));
    let encoding = Encoding::for_label(label.as_bytes())
        .or_else(|| Encoding::for_label(spelled.as_deref().unwrap_or_default().as_bytes()));
    let Some(encoding) = encoding.filter(|_| label != "ascii" && label != "us-ascii") else {
        return Err(undecodable(&label));
    };
    encoding.decode_without_bom_handling_and_without_replacement(bytes).ok_or_else(|| undecodable(&label))
}

fn undecodable(label: &str) -> (&'static str, String) {
    let message =
        format!("the file says that it is in `{label}`, and cannot be read so; convert it to UTF-8");
    ("invalid_encoding", message)
}

/// The label as the tokenizer compares it.
fn normalized(label: &str) -> String {
    label.to_ascii_lowercase().replace('_', "-")
}

/// The encoding that a comment in the first two lines names. The first line must be blank or a comment for the second to
/// count.
fn declared(bytes: &[u8]) -> Option<&str> {
    for line in bytes.split(|&byte| byte == b'\n' || byte == b'\r').take(2) {
        let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).trim_ascii_start();
        if line.is_empty() {
            continue;
        }
        if !line.starts_with(b"#") {
            return None;
        }
        if let Some(label) = label_in(line) {
            return Some(label);
        }
    }
    None
}

/// What follows `coding:` or `coding=` in a comment.
fn label_in(comment: &[u8]) -> Option<&str> {
    const MARK: &[u8] = b"coding";
    let at = comment
        .windows(MARK.len() + 1)
        .position(|found| found.starts_with(MARK) && matches!(found.last(), Some(b':' | b'=')))?;
    let rest = comment.get(at + MARK.len() + 1..)?.trim_ascii_start();
    let length = rest
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        .count();
    std::str::from_utf8(rest.get(..length)?).ok().filter(|label| !label.is_empty())
}

/// The same text with every carriage return that no line feed follows as a line feed.
fn universal_newlines(text: Cow<'_, str>) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let lone = |at: usize| bytes.get(at) == Some(&b'\r') && bytes.get(at + 1) != Some(&b'\n');
    if !(0..bytes.len()).any(lone) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_ref();
    while let Some((before, after)) = rest.split_once('\r') {
        out.push_str(before);
        out.push(if after.starts_with('\n') { '\r' } else { '\n' });
        rest = after;
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn files_are_decoded_as_their_first_lines_say() {
        let text = |bytes: &[u8]| decode(bytes).map(|text| text.into_owned()).map_err(|(code, _)| code);
        assert_eq!(text(b"# -*- coding: latin-1 -*-\n\xe9"), Ok("# -*- coding: latin-1 -*-\né".to_owned()));
        assert_eq!(
            text(b"#!/x\n# vim: set fileencoding=cp1252 :\n\x80"),
            Ok("#!/x\n# vim: set fileencoding=cp1252 :\n€".to_owned())
        );
        assert_eq!(text("# coding: utf-8\né".as_bytes()), Ok("# coding: utf-8\né".to_owned()));
        // Valid UTF-8, but not what the file says it is.
        assert_eq!(text("# coding: latin-1\né".as_bytes()), Ok("# coding: latin-1\nÃ©".to_owned()));
        assert_eq!(text(b"x = 1\n# coding: latin-1\n\xe9"), Err("invalid_utf8"));
        assert_eq!(text(b"# coding: nonsense\n\xe9"), Err("invalid_encoding"));
        assert_eq!(text(b"a\rb\r\nc\r"), Ok("a\nb\r\nc\n".to_owned()));
    }
}
