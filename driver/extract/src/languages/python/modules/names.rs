//! Names of modules, from paths and in relative imports.

use crate::modules::{ModuleName, SourceLayout, split, stem};

/// Files that make a folder a package.
const PACKAGE_FILES: [&str; 2] = ["__init__.py", "__init__.pyi"];

/// Whether `folder` is a package with a file of its own.
pub(super) fn is_package(folder: &str, layout: &SourceLayout) -> bool {
    PACKAGE_FILES.iter().any(|file| layout.marks(file, folder))
}

/// The folder that holds the outermost package above a file; the file's own folder when it is in none. Folders inside a
/// package are packages, with an `__init__.py` or without (PEP 420).
pub(super) fn source_root<'p>(path: &'p str, layout: &SourceLayout) -> &'p str {
    let (own, _) = split(path);
    let mut root = own;
    let mut folder = own;
    while !folder.is_empty() {
        let (above, _) = split(folder);
        if is_package(folder, layout) {
            root = above;
        }
        folder = above;
    }
    root
}

/// The dotted name of a Python file, from its source root; an `__init__.py` is its package.
pub(in crate::languages::python) fn module_at(path: &str, layout: &SourceLayout) -> Option<ModuleName> {
    let (mut folder, name) = split(path);
    let is_package = stem(name) == "__init__";
    let root = source_root(path, layout);
    let mut parts: Vec<&str> = if is_package { Vec::new() } else { vec![stem(name)] };
    while folder != root {
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

/// The absolute name of what is `rest` in the package `level` dots above the file that defines `module`; none when
/// that is unknown or the import leaves its top-level package.
pub(super) fn absolute(module: Option<&ModuleName>, level: usize, rest: &str) -> Option<String> {
    let module = module?;
    let mut package: Vec<&str> = module.name.split('.').collect();
    if !module.is_package {
        package.pop();
    }
    let kept = package.len().checked_sub(level.saturating_sub(1)).filter(|&kept| kept > 0)?;
    package.truncate(kept);
    if !rest.is_empty() {
        package.push(rest);
    }
    Some(package.join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_climb_through_packages_only() {
        let files = ["lib/a/__init__.py", "lib/a/b/__init__.py", "x/Cargo.toml", "lib/c/d.py"];
        let layout = SourceLayout::new(files.into_iter(), super::super::MARKERS.iter().copied(), |_| true);
        let name = |path| module_at(path, &layout).map(|module| (module.name, module.source_root));
        assert_eq!(name("lib/a/b/m.py"), Some(("a.b.m".into(), "lib".into())));
        assert_eq!(name("lib/a/b/__init__.py"), Some(("a.b".into(), "lib".into())));
        assert_eq!(name("lib/a/ns/deep/m.py"), Some(("a.ns.deep.m".into(), "lib".into())));
        assert_eq!(name("lib/c/d.py"), Some(("d".into(), "lib/c".into())));
        assert_eq!(name("__init__.py"), None);
    }
}
