//! Modules: their names, and which file an import names.

mod imports;
mod names;
mod search;
mod standard;

pub(super) use names::module_at;
pub(super) use search::{containing_modules, link_imports};

/// Files by whose folders modules are named and found: those of packages, and those of projects.
pub(super) const MARKERS: &[&str] =
    &["__init__.py", "__init__.pyi", "pyproject.toml", "setup.py", "setup.cfg"];
