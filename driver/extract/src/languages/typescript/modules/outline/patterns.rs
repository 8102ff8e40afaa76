//! Where names that patterns bind come from, and what functions return.

use super::super::super::syntax::is_function;
use super::collect::Collector;
use super::{Index, Space, Term};
use crate::tree::NodeIndex;

/// How many results of a function are looked at.
const MAX_RESULTS: usize = 8;

impl Collector<'_, '_> {
    /// What declarations, parameters and loops take apart, from the outside in.
    pub(super) fn patterns(&mut self) {
        let tree = self.read.tree;
        for (node, found) in tree.nodes.iter().enumerate() {
            match found.kind {
                "variable_declarator" => {
                    let source = self.field_term(node, "type").or_else(|| self.field_term(node, "value"));
                    self.source_of(node, "name", source);
                }
                "required_parameter" | "optional_parameter" => {
                    let source = self.field_term(node, "type").or_else(|| self.said_of_parameter(node));
                    let source = source.or_else(|| self.field_term(node, "value"));
                    self.source_of(node, "pattern", source);
                }
                "for_in_statement" => {
                    let is_of =
                        tree.child_by_field(node, "operator").is_some_and(|word| tree.kind(word) == "of");
                    if let Some(right) = self.field_term(node, "right").filter(|_| is_of) {
                        let element = self.add(Term::Element(right));
                        self.source_of(node, "left", Some(element));
                    }
                }
                "assignment_pattern" => {
                    let own = self.sources.get(&node).copied();
                    let source = own.or_else(|| self.field_term(node, "right"));
                    self.source_of(node, "left", source);
                }
                "object_pattern" | "array_pattern" | "rest_pattern" => self.taken_apart(node, found.kind),
                _ => {}
            }
        }
    }

    fn source_of(&mut self, node: NodeIndex, field: &str, source: Option<Index>) {
        if let (Some(child), Some(source)) = (self.read.tree.child_by_field(node, field), source) {
            self.sources.insert(child, source);
        }
    }

    fn taken_apart(&mut self, node: NodeIndex, kind: &str) {
        let tree = self.read.tree;
        let Some(&source) = self.sources.get(&node) else { return };
        for child in tree.named_children(node) {
            let (name, inner) = match tree.kind(child) {
                "comment" => continue,
                "shorthand_property_identifier_pattern" => (Some(child), Some(child)),
                "pair_pattern" => (tree.child_by_field(child, "key"), tree.child_by_field(child, "value")),
                "object_assignment_pattern" => {
                    let left = tree.child_by_field(child, "left");
                    (left, left)
                }
                _ => (None, Some(child)),
            };
            let Some(inner) = inner else { continue };
            let term = match (kind, name) {
                ("rest_pattern", _) => source,
                ("array_pattern", _) if tree.kind(child) == "rest_pattern" => source,
                ("array_pattern", _) => self.add(Term::Element(source)),
                (_, Some(name)) if tree.kind(name) != "computed_property_name" => {
                    let name = self.symbol(name);
                    self.add(Term::Member(source, name, Space::Value))
                }
                _ => continue,
            };
            self.sources.insert(inner, term);
        }
    }

    /// What functions return: what is said of it, or what their bodies have.
    pub(super) fn results(&mut self) {
        let tree = self.read.tree;
        let mut around: Vec<Option<Index>> = Vec::with_capacity(tree.nodes.len());
        for (node, found) in tree.nodes.iter().enumerate() {
            let inherited = around.get(found.parent).copied().flatten();
            let own = self.functions.get(&node).copied();
            around.push(own.or(inherited));
            if let Some(own) = own {
                self.declared(node, own);
            }
            let returned = match found.kind {
                "return_statement" => self.first_child(node),
                _ if found.field == Some("body")
                    && found.kind != "statement_block"
                    && tree.kind(found.parent) == "arrow_function" =>
                {
                    Some(node)
                }
                _ => None,
            };
            if let (Some(returned), Some(function)) = (returned, inherited) {
                let is_this = tree.kind(returned) == "this";
                let term = self.term(returned);
                if let Some(function) = self.out.functions.get_mut(function as usize) {
                    if !function.says_this {
                        function.returns_this =
                            is_this && (function.results.is_empty() || function.returns_this);
                    }
                    if function.results.len() < MAX_RESULTS {
                        function.results.push(term);
                    }
                }
            }
        }
    }

    fn declared(&mut self, node: NodeIndex, function: Index) {
        let tree = self.read.tree;
        debug_assert!(is_function(tree.kind(node)));
        let annotation =
            tree.child_by_field(node, "return_type").or_else(|| tree.child_by_field(node, "type"));
        let Some(annotation) = annotation else {
            let said = self.said.get(&node).and_then(|said| said.returns);
            if let Some(function) = self.out.functions.get_mut(function as usize) {
                function.declared = said;
            }
            return;
        };
        let is_this = self.first_child(annotation).is_some_and(|ty| tree.kind(ty) == "this_type");
        let declared = self.term(annotation);
        if let Some(function) = self.out.functions.get_mut(function as usize) {
            function.declared = Some(declared);
            function.says_this = is_this;
            function.returns_this = is_this;
        }
    }
}
