//! Format strings: which macros have one, and the names in it.

use std::ops::Range;

/// The position of the format string among the arguments of a macro that has one: the standard library's, and those of
/// the crates `log`, `tracing` and `anyhow`.
pub(super) fn format_argument(macro_name: &str) -> Option<usize> {
    match macro_name {
        "format" | "format_args" | "print" | "println" | "eprint" | "eprintln" | "panic" | "todo"
        | "unimplemented" | "unreachable" | "trace" | "debug" | "info" | "warn" | "error" | "anyhow"
        | "bail" => Some(0),
        "write" | "writeln" | "assert" | "debug_assert" | "ensure" => Some(1),
        "assert_eq" | "assert_ne" | "debug_assert_eq" | "debug_assert_ne" => Some(2),
        _ => None,
    }
}

/// The names in the places of a format string (`std::fmt`): `{name}`, and `{:width$.precision$}`.
pub(super) fn names(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(open) = text.get(from..).and_then(|rest| rest.find('{')).map(|at| from + at + 1) {
        from = open;
        if text.get(open..).is_some_and(|rest| rest.starts_with('{')) {
            from += 1;
            continue;
        }
        let Some((inside, _)) = text.get(open..).and_then(|rest| rest.split_once('}')) else { break };
        let (argument, specification) = inside.split_once(':').unwrap_or((inside, ""));
        if is_name(argument.trim()) {
            let start = open + (argument.len() - argument.trim_start().len());
            found.push(start..start + argument.trim().len());
        }
        let mut at = open + argument.len() + 1;
        for part in specification.split_inclusive(['.', '$']) {
            let name = part.strip_suffix('$').map(last_name).filter(|name| is_name(name));
            if let Some(name) = name {
                let end = at + part.len() - 1;
                found.push(end - name.len()..end);
            }
            at += part.len();
        }
        from = open + inside.len();
    }
    found.into_iter()
}

/// The name at the end of a specification, behind the fill and the flags: digits before it are the flag `0`.
fn last_name(text: &str) -> &str {
    let start = text
        .rfind(|part: char| !(part.is_alphanumeric() || part == '_'))
        .map_or(0, |at| at + text.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8));
    text.get(start..).unwrap_or("").trim_start_matches('0')
}

fn is_name(text: &str) -> bool {
    let mut parts = text.chars();
    parts.next().is_some_and(|first| first.is_alphabetic() || first == '_')
        && parts.all(|part| part.is_alphanumeric() || part == '_')
        && text != "_"
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn names_stand_in_places_only() {
        let found =
            |text: &str| names(text).map(|place| text[place].to_owned()).collect::<Vec<_>>().join(" ");
        assert_eq!(found("{user} of {group:?} has {0} and {} {{not}} {x:>1$}"), "user group x");
        assert_eq!(found("{:width$.precision$} {value:<0w$}"), "width precision value w");
        assert_eq!(found("{{{deep}}} {open"), "deep");
    }
}
