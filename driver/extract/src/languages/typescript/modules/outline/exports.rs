//! What a module exports.

use super::super::super::syntax::{assigned_exports, unquoted};
use super::collect::Collector;
use super::{Export, Index};
use crate::lexical::{ImportKind, Namespace};
use crate::tree::NodeIndex;

impl Collector<'_, '_> {
    /// Exports of declarations, of lists, of other modules, and those of CommonJS.
    pub(super) fn exports(&mut self) {
        let tree = self.read.tree;
        for (node, found) in tree.nodes.iter().enumerate().filter(|(_, found)| found.named) {
            match found.kind {
                // Those inside a namespace are its members already.
                "export_statement" if found.parent == 0 => self.export_statement(node),
                "assignment_expression" if assigned_exports(tree, node) => {
                    let Some(right) = tree.child_by_field(node, "right") else { continue };
                    self.out.assigned = Some((self.value(right), self.node_id(right)));
                }
                _ => {}
            }
        }
        let facts = self.read.facts;
        for import in facts.imports.iter().filter(|import| import.kind == ImportKind::Export) {
            let Some(module) = &import.module else { continue };
            let module = self.specifier(module);
            if import.is_star {
                self.out.stars.push(module);
                continue;
            }
            let Some(exported) = import.alias.or(import.name) else { continue };
            let name = import.name.map(|name| self.symbols.intern(name));
            self.export(exported, Export::From(module, name));
        }
        for (index, binding) in facts.bindings.iter().enumerate() {
            if binding.scope == 0 && binding.namespace == Namespace::Member {
                self.export(binding.text, Export::Def(index as Index));
            }
        }
    }

    fn export(&mut self, name: &str, export: Export) {
        let known = self.out.exports.entry(self.symbols.intern(name)).or_default();
        if known.len() < super::collect::MAX_GROUP && !known.contains(&export) {
            known.push(export);
        }
    }

    /// The term of an expression or of a class without a name.
    fn value(&self, node: NodeIndex) -> Index {
        self.term(node)
    }

    fn export_statement(&mut self, node: NodeIndex) {
        let tree = self.read.tree;
        let is_default = tree.child_by_kind(node, "default").is_some();
        if let Some(declaration) = tree.child_by_field(node, "declaration") {
            return self.exported_declaration(declaration, is_default);
        }
        if let Some(value) = tree.child_by_field(node, "value") {
            let export = match self.group_of(value) {
                Some(group) => Export::Group(group),
                None => Export::Term(self.value(value), self.node_id(value)),
            };
            return self.export("default", export);
        }
        if tree.child_by_field(node, "source").is_some() {
            return;
        }
        for part in tree.named_children(node) {
            match tree.kind(part) {
                "export_clause" => {
                    for item in tree.named_children(part) {
                        self.exported_name(item);
                    }
                }
                "comment" | "decorator" => {}
                _ if tree.child_by_kind(node, "=").is_some() => {
                    self.out.assigned = Some((self.term(part), self.node_id(part)));
                }
                _ => {}
            }
        }
    }

    fn exported_name(&mut self, item: NodeIndex) {
        let tree = self.read.tree;
        let Some(name) = tree.child_by_field(item, "name") else { return };
        let exported = tree.child_by_field(item, "alias").unwrap_or(name);
        if let Some(group) = self.group_of(name) {
            self.export(unquoted(tree.text(exported)), Export::Group(group));
        }
    }

    /// The names that a declaration binds in the module.
    fn exported_declaration(&mut self, declaration: NodeIndex, is_default: bool) {
        let tree = self.read.tree;
        let end = tree.node(declaration).subtree_end;
        let mut found = false;
        let mut node = declaration;
        while node < end {
            // What a declaration contains is no part of it, but for what it takes apart.
            let inside = matches!(
                tree.kind(node),
                "ambient_declaration"
                    | "lexical_declaration"
                    | "variable_declaration"
                    | "variable_declarator"
                    | "object_pattern"
                    | "array_pattern"
                    | "pair_pattern"
                    | "rest_pattern"
                    | "assignment_pattern"
                    | "object_assignment_pattern"
                    | "import_alias"
            ) || node == declaration;
            let group = self.bindings.get(&node).and_then(|&binding| self.group_at(binding));
            if let Some(group) = group {
                let name = if is_default { "default" } else { unquoted(tree.text(node)) };
                self.export(name, Export::Group(group));
                found = true;
                if !matches!(tree.kind(tree.node(node).parent), "variable_declarator" | "import_alias")
                    && !inside_pattern(tree.kind(tree.node(node).parent))
                {
                    break;
                }
            }
            node = if inside { node + 1 } else { tree.node(node).subtree_end };
        }
        if is_default && !found {
            let function = self.functions.get(&declaration).copied();
            let shape = self.shapes.get(&declaration).copied();
            let term = match (function, shape) {
                (Some(function), _) => super::Term::Function(function),
                (None, Some(shape)) => super::Term::Class(shape),
                (None, None) => return,
            };
            let term = self.add(term);
            self.export("default", Export::Term(term, self.node_id(declaration)));
        }
    }
}

/// Whether a node is part of what takes a value apart.
fn inside_pattern(kind: &str) -> bool {
    matches!(
        kind,
        "object_pattern"
            | "array_pattern"
            | "pair_pattern"
            | "rest_pattern"
            | "assignment_pattern"
            | "object_assignment_pattern"
    )
}
