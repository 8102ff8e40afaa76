//! Module names from paths.

use std::collections::HashSet;

/// The module a file defines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ModuleName {
    /// Dotted (Python) or `crate::…` (Rust).
    pub(crate) name: String,
    /// Whether relative names start at the module itself: `__init__.py`, `mod.rs`, crate roots.
    pub(crate) is_package: bool,
    /// The folder names are relative to: import root or crate folder; empty for the repository's root.
    pub(crate) source_root: String,
}

/// Which folders of the repository are packages and crates.
#[derive(Debug, Default)]
pub(crate) struct SourceLayout {
    packages: HashSet<String>,
    crates: HashSet<String>,
}

impl SourceLayout {
    /// The layout seen in the repository's paths.
    pub(crate) fn new<'p>(paths: impl Iterator<Item = &'p str>) -> Self {
        let mut layout = Self::default();
        for path in paths {
            let (folder, name) = split(path);
            match name {
                "__init__.py" | "__init__.pyi" => {
                    layout.packages.insert(folder.to_owned());
                }
                "Cargo.toml" => {
                    layout.crates.insert(folder.to_owned());
                }
                _ => {}
            }
        }
        layout
    }
}

/// Folder and file name of a POSIX path.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// The name before the last dot.
fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// The dotted name of a Python file: the folders above it count as long as they hold an `__init__.py`; an
/// `__init__.py` is its package.
pub(crate) fn python_module(path: &str, layout: &SourceLayout) -> Option<ModuleName> {
    let (mut folder, name) = split(path);
    let is_package = stem(name) == "__init__";
    let mut parts: Vec<&str> = if is_package { Vec::new() } else { vec![stem(name)] };
    while !folder.is_empty() && layout.packages.contains(folder) {
        let (above, last) = split(folder);
        parts.push(last);
        folder = above;
    }
    if parts.is_empty() {
        // An `__init__.py` at the root of the repository: its package's name is not in the repository.
        return None;
    }
    parts.reverse();
    Some(ModuleName { name: parts.join("."), is_package, source_root: folder.to_owned() })
}

/// The crate-relative name of a Rust file. Files that are crates of their own (binaries, tests, examples,
/// benches, build scripts) are `crate` with themselves as the root; files outside of any crate have no name.
pub(crate) fn rust_module(path: &str, layout: &SourceLayout) -> Option<ModuleName> {
    let mut root = split(path).0;
    while !layout.crates.contains(root) {
        if root.is_empty() {
            return None;
        }
        root = split(root).0;
    }
    let inner = path.strip_prefix(root)?.trim_start_matches('/');
    let own_crate = || {
        Some(ModuleName { name: "crate".to_owned(), is_package: true, source_root: stem(path).to_owned() })
    };
    let segments: Vec<&str> = inner.split('/').collect();
    match segments.as_slice() {
        ["src", "bin", _] | ["tests" | "examples" | "benches", _] | ["build.rs"] => own_crate(),
        ["src", "bin", _, "main.rs"] | ["tests" | "examples" | "benches", _, "main.rs"] => own_crate(),
        ["src", below @ .., file] => {
            let mut parts = vec!["crate"];
            parts.extend(below);
            let name = stem(file);
            let top = below.is_empty() && matches!(name, "lib" | "main");
            let is_package = top || name == "mod";
            if !is_package {
                parts.push(name);
            }
            Some(ModuleName { name: parts.join("::"), is_package, source_root: root.to_owned() })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout() -> SourceLayout {
        SourceLayout::new(
            ["lib/a/__init__.py", "lib/a/b/__init__.py", "x/Cargo.toml", "lib/c/d.py"].into_iter(),
        )
    }

    #[test]
    fn python_names_climb_through_packages_only() {
        let name = |path| python_module(path, &layout()).map(|module| (module.name, module.source_root));
        assert_eq!(name("lib/a/b/m.py"), Some(("a.b.m".into(), "lib".into())));
        assert_eq!(name("lib/a/b/__init__.py"), Some(("a.b".into(), "lib".into())));
        assert_eq!(name("lib/c/d.py"), Some(("d".into(), "lib/c".into())));
        assert_eq!(name("__init__.py"), None);
    }

    #[test]
    fn rust_names_are_relative_to_their_crate() {
        let name = |path| rust_module(path, &layout()).map(|module| (module.name, module.source_root));
        assert_eq!(name("x/src/lib.rs"), Some(("crate".into(), "x".into())));
        assert_eq!(name("x/src/a/mod.rs"), Some(("crate::a".into(), "x".into())));
        assert_eq!(name("x/src/a/b.rs"), Some(("crate::a::b".into(), "x".into())));
        assert_eq!(name("x/tests/t.rs"), Some(("crate".into(), "x/tests/t".into())));
        assert_eq!(name("y/src/lib.rs"), None);
    }
}
