//! The files of settings that say where modules are: JSON, with comments and trailing commas where editors allow them.

use serde_json::Value;

/// Reads a text as JSON, with `//` and `/* */` comments and trailing commas.
///
/// # Errors
/// For what is none.
pub(super) fn parse(text: &str) -> serde_json::Result<Value> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    serde_json::from_str(&plain(text))
}

/// The text without comments and trailing commas.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // Where the last comma stands in `out`, while nothing but blanks follows it.
    let mut comma: Option<usize> = None;
    let mut rest = text.char_indices().peekable();
    while let Some((at, next)) = rest.next() {
        let following = rest.peek().map(|&(_, next)| next);
        match next {
            '"' => {
                comma = None;
                out.push(next);
                let mut escaped = false;
                for (_, inner) in rest.by_ref() {
                    out.push(inner);
                    if inner == '"' && !escaped {
                        break;
                    }
                    escaped = inner == '\\' && !escaped;
                }
            }
            '/' if following == Some('/') => while rest.next_if(|&(_, inner)| inner != '\n').is_some() {},
            '/' if following == Some('*') => {
                let end = text
                    .get(at + 2..)
                    .and_then(|inner| inner.find("*/"))
                    .map_or(text.len(), |end| at + end + 4);
                while rest.next_if(|&(inner, _)| inner < end).is_some() {}
            }
            ',' => {
                comma = Some(out.len());
                out.push(next);
            }
            ']' | '}' => {
                if let Some(comma) = comma.take() {
                    out.truncate(comma);
                }
                out.push(next);
            }
            _ => {
                if !next.is_whitespace() {
                    comma = None;
                }
                out.push(next);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn comments_and_trailing_commas_are_read_over() {
        let text = "\u{feff}{ // one\n \"a\": \"//\\\"/*\", /* two, */ \"b\": [1, 2 , /* x */ ], }";
        assert_eq!(parse(text).ok(), serde_json::from_str("{\"a\": \"//\\\"/*\", \"b\": [1, 2]}").ok());
        assert!(parse("{ \"a\": 1 /* not closed").is_err());
        assert_eq!(parse("{ , }").ok(), serde_json::from_str("{}").ok());
    }
}
