//! Names that are keywords only where a statement begins with them, and that the grammar takes for keywords too often.

use std::borrow::Cow;

/// The keyword of type aliases.
const KEYWORD: &str = "type";
/// Another name of the same length, which is no keyword.
const NAME: &str = "typ_";

/// The text that the grammar is given, which has the same length and structure: it reads `type(x).y = z` as a type alias.
/// The name of an alias follows its keyword, so where something else follows `type` is a name. All names are read in the
/// file's own text.
pub(in crate::languages::python) fn parsed_text(text: &str) -> Cow<'_, str> {
    let is_name = |&(at, _): &(usize, &str)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at + KEYWORD.len()..).unwrap_or_default().trim_start_matches([' ', '\t']);
        !before.is_some_and(|before| before.is_alphanumeric() || before == '_')
            && after.starts_with(['(', '[', '.'])
    };
    let mut names = text.match_indices(KEYWORD).filter(is_name).peekable();
    if names.peek().is_none() {
        return Cow::Borrowed(text);
    }
    let mut read = String::with_capacity(text.len());
    let mut done = 0;
    for (at, keyword) in names {
        read.push_str(text.get(done..at).unwrap_or_default());
        read.push_str(NAME);
        done = at + keyword.len();
    }
    read.push_str(text.get(done..).unwrap_or_default());
    Cow::Owned(read)
}

#[cfg(test)]
mod tests {
    use super::parsed_text;

    #[test]
    fn only_names_are_replaced_and_places_stay() {
        assert_eq!(parsed_text("type(x).y = type (z)[0]"), "typ_(x).y = typ_ (z)[0]");
        for text in ["type X = int", "type X[T] = T", "subtype(x)", "types(x)", "type = 1"] {
            assert_eq!(parsed_text(text), text);
        }
    }
}
