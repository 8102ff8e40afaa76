//! What symbols and languages are called in an index: numbers of `SymbolInformation.Kind`, names of `Language`.

/// The number of a kind of symbols. A trait and a type of Rust have kinds of their own; 0 is of kinds that have none.
pub(super) fn kind(kind: &str, language: &str) -> i32 {
    match (kind, language) {
        ("class", "rust") => 49,
        ("class", _) => 7,
        ("constant", _) => 8,
        ("enum", _) => 11,
        ("enum_member", _) => 12,
        ("field", _) => 15,
        ("function", _) => 17,
        ("interface", "rust") => 53,
        ("interface", _) => 21,
        ("macro", _) => 25,
        ("method", _) => 26,
        ("module", _) => 29,
        ("parameter", _) => 37,
        ("type", _) => 55,
        ("type_parameter", _) => 58,
        ("variable", _) => 61,
        _ => 0,
    }
}

/// The name of the language of a file.
pub(super) fn language(language: &str, path: &str) -> &'static str {
    let ending = path.rsplit('.').next().unwrap_or_default();
    match (language, ending) {
        ("python", _) => "Python",
        ("rust", _) => "Rust",
        ("typescript" | "javascript", "tsx") => "TypeScriptReact",
        ("typescript" | "javascript", "jsx") => "JavaScriptReact",
        ("typescript" | "javascript", "js" | "mjs" | "cjs") => "JavaScript",
        ("typescript", _) => "TypeScript",
        ("javascript", _) => "JavaScript",
        _ => "UnspecifiedLanguage",
    }
}
