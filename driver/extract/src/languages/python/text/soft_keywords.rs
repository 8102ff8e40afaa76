//! Names that are keywords only where a statement begins with them, and that the grammar takes for keywords too often.

use std::borrow::Cow;

/// A keyword of some place, another name of the same length, and what follows it where it is that name.
struct Word {
    keyword: &'static str,
    name: &'static str,
    is_name: fn(&str) -> bool,
}

/// The name of an alias follows `type`; `print` begins a statement in Python 2 only.
const WORDS: [Word; 2] = [
    Word { keyword: "type", name: "typ_", is_name: |after| after.starts_with(['(', '[', '.']) },
    Word { keyword: "print", name: "prin_", is_name: |after| after.starts_with(">>") },
];

/// The text that the grammar is given, which has the same length and structure: it reads `type(x).y = z` as a type alias,
/// and `print >> x` as a statement. All names are read in the file's own text.
pub(in crate::languages::python) fn parsed_text(text: &str) -> Cow<'_, str> {
    let mut places: Vec<(usize, &Word)> = WORDS.iter().flat_map(|word| names(text, word)).collect();
    if places.is_empty() {
        return Cow::Borrowed(text);
    }
    places.sort_unstable_by_key(|&(at, _)| at);
    let mut read = String::with_capacity(text.len());
    let mut done = 0;
    for (at, word) in places {
        read.push_str(text.get(done..at).unwrap_or_default());
        read.push_str(word.name);
        done = at + word.keyword.len();
    }
    read.push_str(text.get(done..).unwrap_or_default());
    Cow::Owned(read)
}

/// Where a word stands that is a name there.
fn names<'w>(text: &str, word: &'w Word) -> Vec<(usize, &'w Word)> {
    let is_name = |&(at, _): &(usize, &str)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at + word.keyword.len()..).unwrap_or_default().trim_start_matches([' ', '\t']);
        !before.is_some_and(|before| before.is_alphanumeric() || before == '_') && (word.is_name)(after)
    };
    text.match_indices(word.keyword).filter(is_name).map(|(at, _)| (at, word)).collect()
}

#[cfg(test)]
mod tests {
    use super::parsed_text;

    #[test]
    fn only_names_are_replaced_and_places_stay() {
        assert_eq!(parsed_text("type(x).y = type (z)[0]"), "typ_(x).y = typ_ (z)[0]");
        assert_eq!(parsed_text("print >> type(x), print"), "prin_ >> typ_(x), print");
        for text in ["type X = int", "type X[T] = T", "subtype(x)", "types(x)", "type = 1"] {
            assert_eq!(parsed_text(text), text);
        }
    }
}
