//! What a language is: how its files are known, how its modules are named, and how its facts are found.

use std::sync::LazyLock;

use crate::lexical::Facts;
use crate::modules::{ModuleName, SourceLayout};
use crate::tree::{GrammarNames, NodeIndex, SyntaxTree};

/// One language.
pub(crate) struct Language {
    /// Name, as in the `files` table.
    pub(crate) name: &'static str,
    /// File name extensions, without the dot.
    pub(crate) extensions: &'static [&'static str],
    /// The grammar.
    pub(crate) grammar: LazyLock<Grammar>,
    /// Names of files whose folders the language's modules are named by.
    pub(crate) markers: &'static [&'static str],
    /// Names the module that the file at a path defines.
    pub(crate) module: fn(&str, &SourceLayout) -> Option<ModuleName>,
    /// Finds the facts in a syntax tree, before scopes of bindings are settled: [`crate::lexical::analyse`] with the
    /// language's rules.
    pub(crate) facts: for<'s> fn(&SyntaxTree<'s>, Option<&ModuleName>) -> Facts<'s>,
    /// The node whose text is the name of the node at an index: itself for identifiers, the field for named
    /// definitions.
    pub(crate) definition_name: fn(&SyntaxTree<'_>, NodeIndex) -> Option<NodeIndex>,
}

/// A grammar and its names.
pub(crate) struct Grammar {
    /// The tree-sitter language.
    pub(crate) language: &'static tree_sitter::Language,
    /// Kind and field names.
    pub(crate) names: GrammarNames,
}

impl Grammar {
    /// A grammar for as long as the program lives, as the names in it do.
    pub(crate) fn new(language: impl Into<tree_sitter::Language>) -> Self {
        let language: &'static tree_sitter::Language = Box::leak(Box::new(language.into()));
        Self { language, names: GrammarNames::new(language) }
    }
}
