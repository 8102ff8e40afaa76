//! One file: reading, parsing, and writing its rows.

mod deadline;
mod generated;
mod syntax;

use std::borrow::Cow;
use std::fs::File;
use std::io::Read;

use sha2::{Digest, Sha256};
use tree_sitter::{Parser, Tree};

use crate::error::ExtractError;
use crate::language::{Language, ModuleSearch};
use crate::languages::Linkers;
use crate::lexical::{Emitter, Facts, declarations, settle};
use crate::modules::{ModuleName, SourceLayout};
use crate::options::{Options, Summary};
use crate::symbols::symbol_rows;
use crate::tables::{
    ExtractErrorRow, FileKey, FileRow, ModuleRow, ParseErrorRow, RowIds, TableBuilders, file_id,
};
use crate::tree::{Positions, SyntaxTree};
use crate::walk::FoundFile;
pub(crate) use deadline::Deadline;
use generated::{Look, is_generated};
use syntax::{Nodes, node_ids};

/// Longest excerpt of skipped text in a parse error, in characters.
const MAX_EXCERPT: usize = 40;

/// Extracts files one after the other, reusing the parser.
pub(crate) struct FileExtractor<'x> {
    options: &'x Options,
    layout: &'x SourceLayout,
    linkers: &'x Linkers,
    parser: Parser,
}

/// What reading a file gave.
struct Content {
    /// The bytes; empty when the file has no language or is over the limit.
    bytes: Vec<u8>,
    sha256: String,
    size: u64,
    over_limit: bool,
    is_generated: bool,
}

/// A file that is parsed.
struct Source<'c> {
    language: &'static Language,
    text: &'c str,
    positions: &'c Positions<'c>,
    module: Option<&'c ModuleName>,
}

impl<'x> FileExtractor<'x> {
    /// An extractor for the repository with this layout.
    pub(crate) fn new(options: &'x Options, layout: &'x SourceLayout, linkers: &'x Linkers) -> Self {
        Self { options, layout, linkers, parser: Parser::new() }
    }

    /// Writes the rows of one file. What is wrong with the file becomes a row of `extract_errors`.
    ///
    /// # Errors
    /// When a grammar does not fit the parser, which no input causes.
    pub(crate) fn extract(
        &mut self,
        found: &FoundFile,
        out: &mut TableBuilders,
    ) -> Result<Summary, ExtractError> {
        let file = FileKey { file_id: file_id(&found.path), path: &found.path };
        let mut summary = Summary { files: 1, ..Summary::default() };
        let content = match self.read(found) {
            Ok(content) => content,
            Err(error) => {
                summary.extract_errors = 1;
                report(out, &file, "unreadable", &format!("the file cannot be read: {error}"));
                return Ok(summary);
            }
        };
        summary.bytes = content.size;
        let module = found.language.and_then(|language| (language.module)(&found.path, self.layout));
        let mut ids = RowIds::new(&found.path);
        let node_id = ids.next("FILE", 0, u32::try_from(content.size).unwrap_or(u32::MAX));
        let text = found.language.map(|language| (language, check_text(&content, language, self.options)));
        let readable = text.as_ref().and_then(|(_, text)| text.as_ref().ok());
        let positions = readable.map(|text| Positions::of(text)).unwrap_or_default();
        out.files(FileRow {
            repository: found.repository.as_deref(),
            sha256: &content.sha256,
            size: i64::try_from(content.size).unwrap_or(i64::MAX),
            language: found.language.map(|language| language.name),
            module: module.as_ref().map(|module| module.name.as_str()),
            source_root: module.as_ref().map(|module| module.source_root.as_str()),
            line_starts: positions.line_starts(),
            is_generated: content.is_generated,
            node_id,
            file: &file,
        });
        match &text {
            None => {}
            Some((_, Err((code, message)))) => {
                summary.extract_errors = 1;
                report(out, &file, code, message);
            }
            Some((language, Ok(text))) => {
                let source = Source { language, text, positions: &positions, module: module.as_ref() };
                let parsed = self.parse(&source, &file, node_id, &mut ids, out)?;
                summary.add(&parsed);
            }
        }
        Ok(summary)
    }

    /// Reads the content of files with a language up to the limit, and only the hash of all others.
    fn read(&self, found: &FoundFile) -> std::io::Result<Content> {
        let limit = self.options.effective_limit();
        let mut source = File::open(&found.location)?;
        let mut hasher = Sha256::new();
        let mut bytes = Vec::new();
        let mut size = 0_u64;
        let keep = found.language.is_some() && found.size <= limit;
        let mut over_limit = found.language.is_some() && found.size > limit;
        let mut buffer = vec![0_u8; 64 << 10];
        let (mut head, mut line_feeds) = (Vec::new(), 0_u64);
        loop {
            let count = source.read(&mut buffer)?;
            let Some(read) = buffer.get(..count).filter(|read| !read.is_empty()) else { break };
            hasher.update(read);
            size += count as u64;
            if head.is_empty() {
                head.extend_from_slice(read);
            }
            line_feeds += read.iter().filter(|&&byte| byte == b'\n').count() as u64;
            // The file may have grown since the walk.
            over_limit |= found.language.is_some() && size > limit;
            if keep && !over_limit {
                bytes.extend_from_slice(read);
            }
        }
        let sha256 = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let has_language = found.language.is_some();
        let look = Look { path: &found.path, head: &head, size, line_feeds, has_language };
        Ok(Content { bytes, sha256, size, over_limit, is_generated: is_generated(&look) })
    }

    fn parse(
        &mut self,
        source: &Source<'_>,
        file: &FileKey<'_>,
        file_node_id: i64,
        ids: &mut RowIds,
        out: &mut TableBuilders,
    ) -> Result<Summary, ExtractError> {
        let Source { language, text, module, .. } = *source;
        let grammar = language.grammar_of(file.path);
        self.parser
            .set_language(grammar.language)
            .map_err(|source| ExtractError::Grammar { language: language.name, source })?;
        let deadline = Deadline::after(self.options.file_time_limit, &self.options.stop);
        let Some(parsed) = self.syntax(language, text, &deadline) else {
            if !deadline.is_over() {
                report(out, file, "parse_failed", "the parser gave up without a syntax tree");
                return Ok(Summary { extract_errors: 1, ..Summary::default() });
            }
            return Ok(self.took_too_long(file, out));
        };
        let embedding = language.embedding.map(|embedding| (&mut self.parser, embedding));
        let tree = SyntaxTree::flatten(&parsed, text, &grammar.names, embedding, deadline);
        drop(parsed);
        let respelled = (language.respelled)(&tree);
        let tree = tree.with_names(&respelled);
        let mut summary = Summary { parsed: 1, ..Summary::default() };
        let mut facts = (language.facts)(&tree, module);
        summary.ambiguous_lookups = settle(&mut facts) as u64;
        if let Some(flow) = language.flow {
            flow(&tree, &mut facts);
        }
        if let Some(modules) = &language.modules {
            (modules.link_imports)(&mut facts, file.path, self.layout);
        }
        // Nothing of a file is written before everything of it is known.
        if deadline.is_over() {
            return Ok(self.took_too_long(file, out));
        }
        self.write(source, &tree, &facts, (file, file_node_id), &mut summary, ids, out);
        Ok(summary)
    }

    /// The syntax of a text, as the grammar reads the language best; none when the time is over before.
    fn syntax(&mut self, language: &Language, text: &str, deadline: &Deadline<'_>) -> Option<Tree> {
        let text = (language.parsed_text)(text);
        let parsed = deadline.parse(&mut self.parser, &text)?;
        let other = language.other_text.filter(|_| parsed.root_node().has_error());
        let Some(other) = other.and_then(|other| other(&text)) else { return Some(parsed) };
        let other = deadline.parse(&mut self.parser, &other)?;
        Some(if other.root_node().has_error() { parsed } else { other })
    }

    /// Writes all rows of a file that was parsed.
    #[expect(
        clippy::too_many_arguments,
        reason = "one call site; what is known of the file, and where it goes"
    )]
    fn write(
        &self,
        source: &Source<'_>,
        tree: &SyntaxTree<'_>,
        facts: &Facts<'_>,
        (file, file_node_id): (&FileKey<'_>, i64),
        summary: &mut Summary,
        ids: &mut RowIds,
        out: &mut TableBuilders,
    ) {
        let Source { language, positions, module, .. } = *source;
        // Most nodes are named, and most of what is said about them is less than the anonymous ones are.
        ids.reserve(tree.nodes.len());
        let node_ids = &*node_ids(tree, ids);
        let nodes = Nodes { tree, node_ids, file_node_id, source };
        nodes.write(facts, self.options.syntax, file, out);
        summary.nodes = node_ids.iter().filter(|&&id| id != 0).count() as u64;
        summary.parse_errors = error_rows(tree, node_ids, file, out);
        if let Some(modules) = &language.modules {
            self.module_rows(modules, facts, file, out);
        }
        let declarations = &declarations(facts);
        let is_type_only = language.symbols.is_type_only;
        let emitter =
            Emitter { file, tree, positions, facts, declarations, is_type_only, node_ids, file_node_id };
        emitter.emit(ids, out);
        let linker = self.linkers.get(language.name);
        let outer_name =
            module.and_then(|module| linker.and_then(|linker| linker.outer_name(file.path, module)));
        let module_name = outer_name.as_deref().or(module.map(|module| module.name.as_str()));
        symbol_rows(&emitter, language.symbols, module_name, language.definition_name, out);
        if let Some(linker) = linker {
            linker.add(&emitter);
        }
    }

    /// Says that the time for a file is over.
    fn took_too_long(&self, file: &FileKey<'_>, out: &mut TableBuilders) -> Summary {
        let limit = self.options.file_time_limit.as_secs_f64();
        let message = format!("the file takes longer than the limit of {limit} s; raise the limit");
        report(out, file, "time_limit", &message);
        Summary { extract_errors: 1, ..Summary::default() }
    }

    /// Writes the modules that exist because of the file.
    fn module_rows(
        &self,
        search: &ModuleSearch,
        facts: &Facts<'_>,
        file: &FileKey<'_>,
        out: &mut TableBuilders,
    ) {
        let exports = facts
            .exports
            .as_ref()
            .map(|names| names.iter().map(|name| format!("{name}/")).collect::<String>());
        for (module_id, parent_id, name) in (search.containing)(file.path, self.layout) {
            let exports = exports.as_deref().filter(|_| module_id == file.file_id);
            out.modules(ModuleRow { module_id, parent_id, name: &name, exports, file });
        }
    }
}

/// The text of a file, or why there is none.
fn check_text<'c>(
    content: &'c Content,
    language: &Language,
    options: &Options,
) -> Result<Cow<'c, str>, (&'static str, String)> {
    if content.over_limit {
        let limit = options.effective_limit();
        let message =
            format!("the file has {} bytes, over the limit of {limit}; raise the limit", content.size);
        return Err(("file_too_large", message));
    }
    if let Some(at) = content.bytes.iter().position(|&byte| byte == 0) {
        return Err(("binary", format!("byte {at} is NUL; the file is not source text")));
    }
    (language.decode)(&content.bytes)
}

/// Writes the places the parser could not make sense of; returns how many there are.
fn error_rows(tree: &SyntaxTree<'_>, node_ids: &[i64], file: &FileKey<'_>, out: &mut TableBuilders) -> u64 {
    let mut count = 0;
    for (node, &node_id) in tree.nodes.iter().zip(node_ids) {
        let (kind, message) = if node.missing {
            ("missing", format!("expected `{}`", node.kind))
        } else if node.error {
            let text = tree.slice(node.span);
            let excerpt: String = text.chars().take(MAX_EXCERPT).collect();
            let more = if excerpt.len() < text.len() { "…" } else { "" };
            ("error", format!("unexpected `{}{more}`", excerpt.escape_debug()))
        } else {
            continue;
        };
        count += 1;
        out.parse_errors(ParseErrorRow {
            node_id: (node_id != 0).then_some(node_id),
            kind,
            message: &message,
            bstart: i64::from(node.span.start),
            bend: i64::from(node.span.end),
            file,
        });
    }
    count
}

/// Writes a row of `extract_errors`.
pub(crate) fn report(out: &mut TableBuilders, file: &FileKey<'_>, code: &str, message: &str) {
    out.extract_errors(ExtractErrorRow { code, message, file });
}
