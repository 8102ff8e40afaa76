//! What a language is: how its files are known, how its modules are named, and how its facts are found.

use std::borrow::Cow;
use std::sync::LazyLock;

use crate::lexical::Facts;
use crate::linking::Linker;
use crate::modules::{ModuleName, SourceLayout};
use crate::symbols::SymbolRules;
use crate::tree::{Embedding, GrammarNames, NodeIndex, RespelledNames, SyntaxTree};
use crate::walk::FoundFile;

/// One language.
pub(crate) struct Language {
    /// Name, as in the `files` table.
    pub(crate) name: &'static str,
    /// File name extensions, without the dot.
    pub(crate) extensions: &'static [&'static str],
    /// The grammar.
    pub(crate) grammar: LazyLock<Grammar>,
    /// The grammar of files with some of the extensions, where it is another.
    pub(crate) dialect: Option<Dialect>,
    /// Finds syntax in what the grammar leaves as tokens.
    pub(crate) embedding: Option<Embedding>,
    /// Names of files whose folders the language's modules are named by.
    pub(crate) markers: &'static [&'static str],
    /// Names the module that the file at a path defines.
    pub(crate) module: fn(&str, &SourceLayout) -> Option<ModuleName>,
    /// Finds the facts in a syntax tree, before scopes of bindings are settled: [`crate::lexical::analyse`] with the
    /// language's rules.
    pub(crate) facts: for<'s> fn(&SyntaxTree<'s>, Option<&ModuleName>) -> Facts<'s>,
    /// The text of a file's bytes.
    pub(crate) decode: Decode,
    /// The text that the grammar is given for that of a file: of the same length, where it misreads the language.
    pub(crate) parsed_text: fn(&str) -> Cow<'_, str>,
    /// Another text of the same length, for a text that the grammar finds errors in; it is taken when it has none.
    pub(crate) other_text: Option<fn(&str) -> Option<String>>,
    /// The names that the language compares by another text than the one written.
    pub(crate) respelled: fn(&SyntaxTree<'_>) -> RespelledNames,
    /// Finds what names hold where they are used, once scopes are settled; none where a definition holds wherever it is
    /// seen.
    pub(crate) flow: Option<fn(&SyntaxTree<'_>, &mut Facts<'_>)>,
    /// How imports name modules, where that follows from paths alone.
    pub(crate) modules: Option<ModuleSearch>,
    /// What resolves the language's names over the files of a repository.
    pub(crate) linker: Option<MakeLinker>,
    /// The node whose text is the name of the node at an index: itself for identifiers, the field for named
    /// definitions.
    pub(crate) definition_name: fn(&SyntaxTree<'_>, NodeIndex) -> Option<NodeIndex>,
    /// What is said about its symbols.
    pub(crate) symbols: &'static SymbolRules,
}

/// A grammar for files with some of a language's extensions.
pub(crate) struct Dialect {
    /// File name extensions, without the dot.
    pub(crate) extensions: &'static [&'static str],
    /// The grammar.
    pub(crate) grammar: LazyLock<Grammar>,
}

impl Language {
    /// The grammar of the file at `path`.
    pub(crate) fn grammar_of(&self, path: &str) -> &Grammar {
        let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
        match &self.dialect {
            Some(dialect) if dialect.extensions.contains(&extension) => &dialect.grammar,
            Some(_) | None => &self.grammar,
        }
    }
}

/// The text of a file's bytes, or why there is none, as code and message of `extract_errors`.
pub(crate) type Decode = fn(&[u8]) -> Result<Cow<'_, str>, (&'static str, String)>;

/// Makes what resolves names over these files.
pub(crate) type MakeLinker = fn(&[FoundFile]) -> Box<dyn Linker>;

/// A module: its identifier, that of the module that contains it, and its last name.
pub(crate) type ContainingModule = (i64, Option<i64>, String);

/// How imports name modules of the repository.
pub(crate) struct ModuleSearch {
    /// Finds the modules that the imports of the file at a path name.
    pub(crate) link_imports: fn(&mut Facts<'_>, &str, &SourceLayout),
    /// The modules that exist because of the file at a path, each with the one that contains it and its last name.
    pub(crate) containing: fn(&str, &SourceLayout) -> Vec<ContainingModule>,
}

/// Source text that is UTF-8.
pub(crate) fn decode_utf8(bytes: &[u8]) -> Result<Cow<'_, str>, (&'static str, String)> {
    std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|error| {
        let at = error.valid_up_to();
        ("invalid_utf8", format!("byte {at} is not valid UTF-8; convert the file to UTF-8"))
    })
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
