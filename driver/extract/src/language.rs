//! The languages: one row per language, with its grammar and its front end.
//!
//! To add a language, add its grammar crate, write a [`FrontEnd`], and append a row to [`LANGUAGES`].

use std::sync::LazyLock;

use crate::lexical::Facts;
use crate::modules::{self, ModuleName, SourceLayout};
use crate::python::Python;
use crate::rust::Rust;
use crate::tree::{GrammarNames, NodeIndex, SyntaxTree};

/// One language.
pub(crate) struct Language {
    /// Name, as in the `files` table.
    pub(crate) name: &'static str,
    /// File name extensions, without the dot.
    pub(crate) extensions: &'static [&'static str],
    /// The grammar.
    pub(crate) grammar: fn() -> &'static Grammar,
    /// Finds the facts in a syntax tree.
    pub(crate) front_end: &'static dyn FrontEnd,
    /// Names the module a file defines.
    pub(crate) module: fn(&str, &SourceLayout) -> Option<ModuleName>,
}

/// All languages.
pub(crate) static LANGUAGES: &[Language] = &[
    Language {
        name: "python",
        extensions: &["py", "pyi", "pyw"],
        grammar: || &PYTHON,
        front_end: &Python,
        module: modules::python_module,
    },
    Language {
        name: "rust",
        extensions: &["rs"],
        grammar: || &RUST,
        front_end: &Rust,
        module: modules::rust_module,
    },
];

/// The language of the file at `path`, by its extension.
pub(crate) fn language_of(path: &str) -> Option<&'static Language> {
    let (_, extension) = path.rsplit('/').next()?.rsplit_once('.')?;
    LANGUAGES.iter().find(|language| language.extensions.contains(&extension))
}

/// A grammar and its names.
pub(crate) struct Grammar {
    /// The tree-sitter language.
    pub(crate) language: &'static tree_sitter::Language,
    /// Kind and field names.
    pub(crate) names: GrammarNames,
}

static PYTHON_LANGUAGE: LazyLock<tree_sitter::Language> =
    LazyLock::new(|| tree_sitter_python::LANGUAGE.into());
static RUST_LANGUAGE: LazyLock<tree_sitter::Language> = LazyLock::new(|| tree_sitter_rust::LANGUAGE.into());
static PYTHON: LazyLock<Grammar> = LazyLock::new(|| Grammar::new(&PYTHON_LANGUAGE));
static RUST: LazyLock<Grammar> = LazyLock::new(|| Grammar::new(&RUST_LANGUAGE));

impl Grammar {
    fn new(language: &'static tree_sitter::Language) -> Self {
        Self { language, names: GrammarNames::new(language) }
    }
}

/// Finds the facts of one language.
pub(crate) trait FrontEnd: Sync {
    /// The facts in `tree`, before scopes of bindings are settled.
    fn facts<'s>(&self, tree: &SyntaxTree<'s>, file: &FileContext<'_>) -> Facts<'s>;

    /// The node whose text is the name of the node at `index`: itself for identifiers, the field for named
    /// definitions.
    fn definition_name(&self, tree: &SyntaxTree<'_>, index: NodeIndex) -> Option<NodeIndex>;
}

/// What a front end may know about the file besides its text.
pub(crate) struct FileContext<'f> {
    /// The module the file defines.
    pub(crate) module: Option<&'f ModuleName>,
}

impl FileContext<'_> {
    /// The absolute name of a Python module given relative to this file's package; none when the file's
    /// module is unknown or the import leaves its top-level package.
    pub(crate) fn python_relative(&self, level: usize, rest: &str) -> Option<String> {
        let module = self.module?;
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
}
