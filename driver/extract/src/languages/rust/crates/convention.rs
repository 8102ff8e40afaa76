//! Names of modules, from paths.

use crate::modules::{ModuleName, SourceLayout, split, stem};

/// The file that makes a folder a crate.
pub(crate) const CRATE_FILE: &str = "Cargo.toml";

/// The crate-relative name of a Rust file. Files that are crates of their own (binaries, tests, examples,
/// benches, build scripts) are `crate` with themselves as the root; files outside of any crate have no name.
pub(crate) fn module_at(path: &str, layout: &SourceLayout) -> Option<ModuleName> {
    let mut root = split(path).0;
    while !layout.marks(CRATE_FILE, root) {
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

    #[test]
    fn names_are_relative_to_their_crate() {
        let files = ["lib/a/__init__.py", "x/Cargo.toml", "x/src/lib.rs"];
        let layout = SourceLayout::new(files.into_iter(), std::iter::once(CRATE_FILE), |_| true);
        let name = |path| module_at(path, &layout).map(|module| (module.name, module.source_root));
        assert_eq!(name("x/src/lib.rs"), Some(("crate".into(), "x".into())));
        assert_eq!(name("x/src/a/mod.rs"), Some(("crate::a".into(), "x".into())));
        assert_eq!(name("x/src/a/b.rs"), Some(("crate::a::b".into(), "x".into())));
        assert_eq!(name("x/tests/t.rs"), Some(("crate".into(), "x/tests/t".into())));
        assert_eq!(name("y/src/lib.rs"), None);
    }
}
