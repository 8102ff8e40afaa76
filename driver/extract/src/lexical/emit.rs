//! Writes the facts about one file as table rows.

use std::collections::{HashMap, HashSet};

use super::facts::{BindingIndex, BoundValue, Facts, ScopeIndex};
use super::kinds::{Namespace, Unpacking, ValueKind};
use super::names::NameId;
use crate::tables::{
    BoundValueRow, CallArgRow, CallRow, DecoratorRow, DefinitionRow, DocstringRow, FileKey, ImportRow,
    RedirectRow, RefBindingRow, ReferenceRow, RowIds, ScopeRow, TableBuilders,
};
use crate::tree::{NodeIndex, Positions, Span, SyntaxTree};

/// Longest text copied into a row for callees, receivers and decorators, in bytes. Chained calls would
/// otherwise make a file's rows quadratic in its size.
const MAX_COPIED_TEXT: usize = 256;

/// Writes rows of one file.
pub(crate) struct Emitter<'e, 's> {
    /// The file.
    pub(crate) file: &'e FileKey<'e>,
    /// Its syntax.
    pub(crate) tree: &'e SyntaxTree<'s>,
    /// Its lines.
    pub(crate) positions: &'e Positions<'e>,
    /// Its facts, settled.
    pub(crate) facts: &'e Facts<'s>,
    /// The bindings that declare their names ([`declarations`]).
    pub(crate) declarations: &'e HashSet<BindingIndex>,
    /// Whether only what checks types reads an import.
    pub(crate) is_type_only: fn(&SyntaxTree<'_>, NodeIndex) -> bool,
    /// Identifiers of the syntax nodes, by index; 0 for anonymous ones.
    pub(crate) node_ids: &'e [i64],
    /// Identifier of the FILE node.
    pub(crate) file_node_id: i64,
}

impl Emitter<'_, '_> {
    /// Writes all tables that come from [`Facts`].
    pub(crate) fn emit(&self, ids: &mut RowIds, out: &mut TableBuilders) {
        let scope_ids = self.scopes(ids, out);
        let def_ids = self.definitions(ids, out, &scope_ids);
        self.redirects(out, &scope_ids);
        let (ref_ids, refs) = self.references(ids, out, &scope_ids, &def_ids);
        self.ref_bindings(out, &ref_ids, &def_ids);
        self.bound_values(out, &def_ids, &refs);
        self.calls(ids, out, &def_ids, &refs);
        self.call_args(ids, out);
        self.imports(ids, out, &def_ids);
        self.decorators(ids, out);
        self.docstrings(ids, out);
    }

    /// The identifier of a syntax node.
    pub(crate) fn node_id(&self, node: NodeIndex) -> i64 {
        self.node_ids.get(node).copied().unwrap_or(self.file_node_id)
    }

    fn scopes(&self, ids: &mut RowIds, out: &mut TableBuilders) -> Vec<i64> {
        let mut scope_ids: Vec<i64> = Vec::with_capacity(self.facts.scopes.len());
        let mut depths: Vec<i32> = Vec::with_capacity(self.facts.scopes.len());
        for scope in &self.facts.scopes {
            let scope_id = ids.next(ScopeRow::HASHED_AS, scope.span.start, scope.span.end);
            let place = self.positions.at(scope.span.start);
            let depth = scope.parent.and_then(|parent| depths.get(parent)).map_or(0, |depth| depth + 1);
            out.scopes(ScopeRow {
                scope_id,
                node_id: self.node_id(scope.node),
                parent_scope_id: scope.parent.and_then(|parent| scope_ids.get(parent).copied()),
                kind: scope.kind.as_str(),
                name: scope.name,
                bstart: i64::from(scope.span.start),
                bend: i64::from(scope.span.end),
                line: place.line,
                column_utf8: place.column_utf8,
                column_utf16: place.column_utf16,
                end_line: self.positions.last_line(scope.span.start, scope.span.end),
                depth,
                visible_to_nested: scope.visible_to_nested,
                file: self.file,
            });
            scope_ids.push(scope_id);
            depths.push(depth);
        }
        scope_ids
    }

    fn definitions(&self, ids: &mut RowIds, out: &mut TableBuilders, scope_ids: &[i64]) -> Vec<i64> {
        let bindings = &self.facts.bindings;
        let def_ids: Vec<i64> = bindings
            .iter()
            .map(|binding| ids.next(DefinitionRow::HASHED_AS, binding.span.start, binding.span.end))
            .collect();
        for (index, (binding, &def_id)) in bindings.iter().zip(&def_ids).enumerate() {
            let place = self.positions.at(binding.name_span.start);
            out.defs(DefinitionRow {
                def_id,
                node_id: self.node_id(binding.node),
                scope_id: lookup(scope_ids, binding.scope),
                name: binding.text,
                kind: binding.kind.as_str(),
                namespace: binding.namespace.as_str(),
                bstart: i64::from(binding.span.start),
                bend: i64::from(binding.span.end),
                name_bstart: i64::from(binding.name_span.start),
                name_bend: i64::from(binding.name_span.end),
                line: place.line,
                column_utf8: place.column_utf8,
                column_utf16: place.column_utf16,
                enclosing_def_id: optional_lookup(&def_ids, binding.enclosing),
                is_declaration: self.declarations.contains(&index),
                reaches_end: binding.reaches_end,
                file: self.file,
            });
        }
        def_ids
    }

    fn redirects(&self, out: &mut TableBuilders, scope_ids: &[i64]) {
        for redirect in &self.facts.redirects {
            out.scope_redirects(RedirectRow {
                scope_id: lookup(scope_ids, redirect.scope),
                name: self.facts.names.text(redirect.name),
                target_scope_id: lookup(scope_ids, redirect.target),
                kind: redirect.kind.as_str(),
                file: self.file,
            });
        }
    }

    fn references(
        &self,
        ids: &mut RowIds,
        out: &mut TableBuilders,
        scope_ids: &[i64],
        def_ids: &[i64],
    ) -> (Vec<i64>, HashMap<NodeIndex, i64>) {
        let mut by_node = HashMap::with_capacity(self.facts.references.len());
        let mut ref_ids = Vec::with_capacity(self.facts.references.len());
        for reference in &self.facts.references {
            let ref_id = ids.next(ReferenceRow::HASHED_AS, reference.span.start, reference.span.end);
            // Of several in one node the first stands for it.
            by_node.entry(reference.node).or_insert(ref_id);
            ref_ids.push(ref_id);
        }
        for (reference, &ref_id) in self.facts.references.iter().zip(&ref_ids) {
            let place = self.positions.at(reference.span.start);
            out.refs(ReferenceRow {
                ref_id,
                node_id: self.node_id(reference.node),
                name: reference.text,
                context: reference.context.as_str(),
                is_written: reference.is_written,
                namespace: reference.namespace.as_str(),
                bstart: i64::from(reference.span.start),
                bend: i64::from(reference.span.end),
                line: place.line,
                column_utf8: place.column_utf8,
                column_utf16: place.column_utf16,
                lookup_start: i64::from(reference.lookup.start),
                lookup_end: i64::from(reference.lookup.end),
                scope_id: lookup(scope_ids, reference.scope),
                receiver: reference.receiver.map(shorten),
                head_ref_id: reference.path.as_ref().and_then(|path| by_node.get(&path.head).copied()),
                steps: reference.path.as_ref().map(|path| path.steps.as_str()),
                class_node_id: reference.class.map(|class| self.node_id(class)),
                enclosing_def_id: optional_lookup(def_ids, reference.enclosing),
                file: self.file,
            });
        }
        (ref_ids, by_node)
    }

    fn ref_bindings(&self, out: &mut TableBuilders, ref_ids: &[i64], def_ids: &[i64]) {
        for &(reference, binding) in &self.facts.reaching {
            out.ref_bindings(RefBindingRow {
                ref_id: lookup(ref_ids, reference),
                def_id: optional_lookup(def_ids, binding),
                file: self.file,
            });
        }
    }

    fn bound_values(&self, out: &mut TableBuilders, def_ids: &[i64], refs: &HashMap<NodeIndex, i64>) {
        let bindings = self.facts.bindings.iter().zip(def_ids);
        let by_name: HashMap<NodeIndex, i64> =
            bindings.map(|(binding, &id)| (binding.name_node, id)).collect();
        let says_nothing = |value: &&BoundValue| {
            value.kind == ValueKind::Returned && self.facts.opaque.contains(&value.name_node)
        };
        for value in self.facts.values.iter().filter(|value| !says_nothing(value)) {
            let Some(&def_id) = by_name.get(&value.name_node) else { continue };
            out.bound_values(BoundValueRow {
                def_id,
                kind: value.kind.as_str(),
                head_ref_id: value.path.as_ref().and_then(|path| refs.get(&path.head).copied()),
                steps: value.path.as_ref().map(|path| path.steps.as_str()),
                class_node_id: value.class.map(|class| self.node_id(class)),
                position: value.position,
                file: self.file,
            });
        }
    }

    fn calls(
        &self,
        ids: &mut RowIds,
        out: &mut TableBuilders,
        def_ids: &[i64],
        refs: &HashMap<NodeIndex, i64>,
    ) {
        for call in &self.facts.calls {
            let span = self.tree.span(call.node);
            let place = self.positions.at(span.start);
            out.calls(CallRow {
                call_id: ids.next(CallRow::HASHED_AS, span.start, span.end),
                node_id: self.node_id(call.node),
                callee_ref_id: call.callee_name.and_then(|node| refs.get(&node).copied()),
                callee_name: call.name,
                callee_text: shorten(self.tree.text(call.callee)),
                receiver: call.receiver.map(shorten),
                shape: call.shape.as_str(),
                head_ref_id: call.path.as_ref().and_then(|path| refs.get(&path.head).copied()),
                steps: call.path.as_ref().map(|path| path.steps.as_str()),
                arg_count: call.arg_count,
                bstart: i64::from(span.start),
                bend: i64::from(span.end),
                line: place.line,
                column_utf8: place.column_utf8,
                column_utf16: place.column_utf16,
                enclosing_def_id: optional_lookup(def_ids, call.enclosing),
                file: self.file,
            });
        }
    }

    fn call_args(&self, ids: &mut RowIds, out: &mut TableBuilders) {
        for arg in &self.facts.call_args {
            let span = self.tree.span(arg.node);
            let place = self.positions.at(span.start);
            out.call_args(CallArgRow {
                arg_id: ids.next(CallArgRow::HASHED_AS, span.start, span.end),
                node_id: self.node_id(arg.node),
                call_node_id: self.node_id(arg.call),
                arg_index: arg.index,
                keyword: arg.keyword,
                star: arg.star.map(Unpacking::as_str),
                bstart: i64::from(span.start),
                bend: i64::from(span.end),
                line: place.line,
                column_utf8: place.column_utf8,
                column_utf16: place.column_utf16,
                file: self.file,
            });
        }
    }

    fn imports(&self, ids: &mut RowIds, out: &mut TableBuilders, def_ids: &[i64]) {
        for import in &self.facts.imports {
            let span = self.tree.span(import.node);
            let place = self.positions.at(span.start);
            out.imports(ImportRow {
                import_id: ids.next(ImportRow::HASHED_AS, span.start, span.end),
                node_id: self.node_id(import.node),
                def_id: optional_lookup(def_ids, import.binding),
                kind: import.kind.as_str(),
                module: import.module.as_deref(),
                raw_module: import.raw_module.as_deref(),
                level: import.level,
                name: import.name,
                alias: import.alias,
                is_star: import.is_star,
                is_type_only: (self.is_type_only)(self.tree, import.node),
                module_id: import.target,
                bound_module_id: import.bound,
                bstart: i64::from(span.start),
                bend: i64::from(span.end),
                line: place.line,
                column_utf8: place.column_utf8,
                column_utf16: place.column_utf16,
                file: self.file,
            });
        }
    }

    fn decorators(&self, ids: &mut RowIds, out: &mut TableBuilders) {
        for decorator in &self.facts.decorators {
            let span = self.tree.span(decorator.node);
            out.decorators(DecoratorRow {
                decorator_id: ids.next(DecoratorRow::HASHED_AS, span.start, span.end),
                node_id: self.node_id(decorator.node),
                owner_node_id: self.node_id(decorator.owner),
                name: decorator.name.map(shorten),
                text: shorten(decorator.text),
                index: decorator.index,
                bstart: i64::from(span.start),
                bend: i64::from(span.end),
                file: self.file,
            });
        }
    }

    fn docstrings(&self, ids: &mut RowIds, out: &mut TableBuilders) {
        for docstring in &self.facts.docstrings {
            let Span { start, end } = docstring.span;
            out.docstrings(DocstringRow {
                docstring_id: ids.next(DocstringRow::HASHED_AS, start, end),
                node_id: self.node_id(docstring.node),
                owner_node_id: docstring.owner.map_or(self.file_node_id, |owner| self.node_id(owner)),
                text: &docstring.text,
                bstart: i64::from(start),
                bend: i64::from(end),
                file: self.file,
            });
        }
    }
}

/// The bindings that count as declarations: the first by position of each scope, name and namespace.
pub(crate) fn declarations(facts: &Facts<'_>) -> HashSet<BindingIndex> {
    let mut first: HashMap<(ScopeIndex, NameId, Namespace), (u32, BindingIndex)> = HashMap::new();
    for (index, binding) in facts.bindings.iter().enumerate() {
        let candidate = (binding.name_span.start, index);
        first
            .entry((binding.scope, binding.name, binding.namespace))
            .and_modify(|known| *known = (*known).min(candidate))
            .or_insert(candidate);
    }
    first.into_values().map(|(_, index)| index).collect()
}

/// The identifier at `index`; every index comes from the same file's facts, so the default is never used.
fn lookup(ids: &[i64], index: usize) -> i64 {
    ids.get(index).copied().unwrap_or_default()
}

fn optional_lookup(ids: &[i64], index: Option<usize>) -> Option<i64> {
    index.and_then(|index| ids.get(index).copied())
}

/// At most [`MAX_COPIED_TEXT`] bytes of `text`, cut at a character boundary.
fn shorten(text: &str) -> &str {
    let mut end = text.len().min(MAX_COPIED_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or(text)
}
