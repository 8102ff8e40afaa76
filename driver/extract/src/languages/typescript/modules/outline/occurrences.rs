//! The places where names, members, calls and modules are used.

use super::super::super::syntax::called;
use super::collect::Collector;
use super::{Index, Meaning, Occurrence, Space, Used};
use crate::lexical::{BindingKind, Namespace, UseContext};
use crate::tree::NodeIndex;

impl Collector<'_, '_> {
    pub(super) fn occurrences(&mut self) {
        let facts = self.read.facts;
        for (index, reference) in facts.references.iter().enumerate() {
            if reference.context == UseContext::Attribute {
                self.member_use(reference.node, reference.namespace);
            } else if facts.answers.get(index).copied().flatten().is_none() {
                let name = self.symbols.intern(reference.text);
                self.push(reference.node, Used::Free { name });
            }
        }
        for call in &facts.calls {
            self.call(call.node, call.callee_name);
        }
        for import in &facts.imports {
            let Some(module) = &import.module else { continue };
            let module = self.specifier(module);
            let name = import.name.map(|name| self.symbols.intern(name));
            self.push(import.node, Used::Import { module, name });
        }
        let mut shapes: Vec<(NodeIndex, Index)> =
            self.shapes.iter().map(|(&node, &shape)| (node, shape)).collect();
        shapes.sort_unstable();
        for (node, shape) in shapes {
            let derives = super::at(&self.out.shapes, shape)
                .is_some_and(|shape| !shape.bases.is_empty() || !shape.implements.is_empty());
            if derives {
                self.push(node, Used::Inherits { shape });
            }
        }
        self.signatures();
        self.out.occurrences.sort_by_key(|used| (used.span.start, used.span.end));
    }

    fn push(&mut self, node: NodeIndex, used: Used) {
        let (node_id, span) = (self.node_id(node), self.read.tree.span(node));
        self.out.occurrences.push(Occurrence { node_id, span, used });
    }

    fn member_use(&mut self, name: NodeIndex, namespace: Namespace) {
        let tree = self.read.tree;
        let Some(parent) = tree.parent(name) else { return };
        let object = if tree.kind(parent) == "nested_type_identifier" { "module" } else { "object" };
        let of = self.field_term(parent, object).unwrap_or(0);
        let space = match namespace {
            Namespace::Value => Space::Value,
            Namespace::Type => Space::Type,
            Namespace::Any | Namespace::Macro | Namespace::Member => Space::Either,
        };
        let symbol = self.symbol(name);
        self.push(name, Used::Member { of, name: symbol, space });
    }

    fn call(&mut self, node: NodeIndex, name: Option<NodeIndex>) {
        let tree = self.read.tree;
        let is_new = tree.kind(node) == "new_expression";
        let field = if is_new { "constructor" } else { "function" };
        let Some(function) = tree.child_by_field(node, field) else { return };
        let inner = called(tree, function);
        let callee = self.term(inner);
        let name = name.map(|name| self.symbol(name));
        self.push(node, Used::Call { callee, name, is_new });
    }

    /// Signatures without a body, and the one definition of the same name in the same scope that has one.
    fn signatures(&mut self) {
        let facts = self.read.facts;
        let mut implementations = std::collections::HashMap::new();
        let mut signatures = Vec::new();
        for (index, binding) in facts.bindings.iter().enumerate() {
            let is_function = matches!(
                binding.kind,
                BindingKind::Function | BindingKind::AsyncFunction | BindingKind::Method
            );
            let is_static = self.read.tree.child_by_kind(binding.node, "static").is_some();
            let key = (binding.scope, binding.name, is_static, binding.namespace);
            match super::at(&self.out.defs, index as Index).map(|def| def.meaning) {
                Some(Meaning::Function(_, true)) if is_function => {
                    implementations.entry(key).or_insert(index as Index);
                }
                Some(Meaning::Function(_, false)) if is_function => signatures.push((key, binding.name_node)),
                _ => {}
            }
        }
        for (key, name) in signatures {
            if let Some(&implementation) = implementations.get(&key) {
                self.push(name, Used::Signature { implementation });
            }
        }
    }
}
