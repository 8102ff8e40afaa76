//! The name somebody probably meant.

/// The candidate nearest to `found`, if it is near enough to be worth saying: at most one edit in three
/// characters (Damerau-Levenshtein, case and the separators `_`, `-`, space ignored). Of equally near ones,
/// the first in order of names.
#[must_use]
pub fn nearest_name<'a>(found: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = folded(found);
    if wanted.is_empty() || wanted.len() > 256 {
        return None;
    }
    candidates
        .into_iter()
        .filter(|candidate| *candidate != found)
        .map(|candidate| (strsim::damerau_levenshtein(&wanted, &folded(candidate)), candidate))
        .filter(|(distance, candidate)| {
            *distance <= wanted.chars().count().max(candidate.chars().count()).div_ceil(3).min(6)
                && *distance < wanted.chars().count()
        })
        .min()
        .map(|(_, candidate)| candidate)
}

/// The name as it is compared.
fn folded(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).flat_map(char::to_lowercase).collect()
}
