//! The places of a file whose answers other files may have: names, paths, members, calls. With the types of items.

use std::collections::HashMap;

use super::collect::{Collector, Entity};
use super::{
    Attributes, Entry, Expr, Head, Index, Item, Occurrence, Owner, Path, SPACES, Space, Symbol, Used,
    Visibility, push,
};
use crate::lexical::{BindingKind, Call, CallShape, Namespace, Reference, UseContext};
use crate::tree::{NodeIndex, Span};

const VALUE: &[Space] = &[Space::Value];
const TYPE: &[Space] = &[Space::Type];
const MACRO: &[Space] = &[Space::Macro];
const VALUE_OR_TYPE: &[Space] = &[Space::Value, Space::Type];

impl Collector<'_, '_> {
    /// The types of items, and what traits ask for.
    pub(super) fn types_of_items(&mut self) {
        let tree = self.read.tree;
        let facts = self.read.facts;
        for (index, binding) in facts.bindings.iter().enumerate() {
            let Some(&Entity::Entry(Entry::Item(item))) = self.entities.get(index) else { continue };
            if binding.kind == BindingKind::Trait {
                let bounds = tree.child_by_field(binding.node, "bounds");
                let paths = bounds.map(|bounds| self.trait_paths(bounds)).unwrap_or_default();
                self.out.supertraits.insert(item, paths);
                continue;
            }
            let is_function = matches!(binding.kind, BindingKind::Function | BindingKind::Method);
            if is_function {
                self.parameter_types(item, binding.node);
            }
            let field = if is_function { "return_type" } else { "type" };
            let Some(node) = tree.child_by_field(binding.node, field) else { continue };
            let ty = self.type_ref(Some(node));
            if let Some(item) = self.out.items.get_mut(item as usize) {
                item.ty = Some(ty);
            }
        }
    }

    fn parameter_types(&mut self, item: Index, node: NodeIndex) {
        let tree = self.read.tree;
        let Some(list) = tree.child_by_field(node, "parameters") else { return };
        let listed = tree.named_children(list).filter(|&node| tree.kind(node) == "parameter");
        let types: Vec<Option<NodeIndex>> = listed.map(|node| tree.child_by_field(node, "type")).collect();
        let types = types.into_iter().map(|ty| self.type_ref(ty)).collect();
        if let Some(item) = self.out.items.get_mut(item as usize) {
            item.parameters = types;
        }
    }

    /// The bounds of type parameters, where they are declared.
    pub(super) fn bounds(&mut self) {
        let tree = self.read.tree;
        let facts = self.read.facts;
        // The parameters of a list follow each other, and are counted once.
        let mut counted: (Option<NodeIndex>, HashMap<NodeIndex, usize>) = Default::default();
        for (index, binding) in facts.bindings.iter().enumerate() {
            let Some(&Entity::Parameter(parameter)) = self.entities.get(index) else { continue };
            let bounds = tree.child_by_field(binding.node, "bounds");
            let bounds = bounds.map(|bounds| self.trait_paths(bounds)).unwrap_or_default();
            let list = tree.parent(binding.node);
            let owner =
                list.and_then(|list| tree.parent(list)).and_then(|owner| self.owners.get(&owner).copied());
            if let Some(list) = list.filter(|&list| counted.0 != Some(list)) {
                let listed =
                    tree.named_children(list).filter(|&node| tree.kind(node) != "lifetime_parameter");
                counted = (Some(list), listed.enumerate().map(|(position, node)| (node, position)).collect());
            }
            let position = counted.1.get(&binding.node).copied().unwrap_or_default();
            let Some(known) = self.out.parameters.get_mut(parameter as usize) else { continue };
            known.bounds.extend(bounds);
            if let Some(Owner::Item(item)) = owner {
                known.of_item = Some((item, position));
            }
        }
    }

    /// `where T: Trait`.
    pub(super) fn where_predicate(&mut self, node: NodeIndex) {
        let tree = self.read.tree;
        let left = tree.child_by_field(node, "left");
        let Some(Entity::Parameter(parameter)) = left.and_then(|left| self.entity(left)) else { return };
        let Some(bounds) = tree.child_by_field(node, "bounds") else { return };
        let paths = self.trait_paths(bounds);
        if let Some(known) = self.out.parameters.get_mut(parameter as usize) {
            known.bounds.extend(paths);
        }
    }

    /// The fields of a tuple have numbers for names, and no nodes of definitions.
    pub(super) fn tuple_fields(&mut self, list: NodeIndex) {
        let tree = self.read.tree;
        let Some(&owner) = tree.parent(list).and_then(|owner| self.owners.get(&owner)) else { return };
        let fields = tree.named_children(list).filter(|&node| tree.node(node).field == Some("type"));
        for (position, node) in fields.enumerate() {
            let ty = Some(self.type_ref(Some(node)));
            let name = self.symbols.intern(&position.to_string());
            let item = push(
                &mut self.out.items,
                Item {
                    name,
                    kind: BindingKind::Field,
                    node_id: 0,
                    container: 0,
                    owner: Some(owner),
                    visibility: Visibility::Public,
                    start: tree.span(node).start,
                    ty,
                    parameters: Vec::new(),
                    takes_self: false,
                    attributes: Attributes::default(),
                },
            );
            self.out.members.entry((owner, name)).or_default().push(item);
        }
    }

    /// `include!("file")`: the file's text stands here.
    pub(super) fn include(&mut self, node: NodeIndex) {
        let tree = self.read.tree;
        if tree.child_by_field(node, "macro").map(|name| tree.text(name)) != Some("include") {
            return;
        }
        let Some(arguments) = tree.named_children(node).last() else { return };
        let Some(literal) = tree.named_children(arguments).next() else { return };
        let Some(path) = tree.child_by_kind(literal, "string_content").map(|path| tree.text(path)) else {
            return;
        };
        let container = self.container_at(node);
        if let Some(container) = self.out.containers.get_mut(container as usize) {
            container.includes.push(path.to_owned());
        }
    }

    /// Uses of names and paths, and of fields.
    pub(super) fn occurrences(&mut self) {
        let tree = self.read.tree;
        let facts = self.read.facts;
        for used in &facts.references {
            let Some(parent) = tree.parent(used.node) else { continue };
            let in_path = matches!(tree.kind(parent), "scoped_identifier" | "scoped_type_identifier");
            match (used.context, tree.kind(parent)) {
                (UseContext::Attribute, "field_expression") => self.field_use(used, parent),
                (UseContext::Attribute, "field_initializer" | "field_pattern") => {
                    self.named_field(used, parent);
                }
                (UseContext::Attribute, _) if in_path => self.path_use(used, parent),
                (UseContext::Attribute, _) => {}
                _ if in_path && tree.node(used.node).field == Some("path") => {}
                _ => self.name_use(used),
            }
        }
    }

    /// A single name, when the file does not bind it or an import does.
    fn name_use(&mut self, used: &Reference<'_>) {
        let is_free = self.entity(used.node).is_none();
        if !(is_free || self.is_import(used.node)) {
            return;
        }
        let spaces = match used.namespace {
            Namespace::Value => VALUE,
            Namespace::Type => TYPE,
            Namespace::Macro => MACRO,
            Namespace::Member | Namespace::Any => &SPACES,
        };
        let known = self.path(used.node);
        let path = known.unwrap_or_else(|| {
            let name = self.symbols.intern(used.text);
            let container = self.container(used.scope);
            push(&mut self.out.paths, Path { container, head: Head::Free, segments: vec![name] })
        });
        let must_answer = is_free && used.context != UseContext::MacroBody;
        let segments = vec![Some((self.node_id(used.node), used.span))];
        self.add(used.node, used.span, Used::Path { path, spaces, segments, must_answer });
    }

    fn add(&mut self, node: NodeIndex, span: Span, used: Used) {
        let node_id = self.node_id(node);
        self.out.occurrences.push(Occurrence { node_id, span, used });
    }

    /// A path, when `parent` is the whole of it.
    fn path_use(&mut self, used: &Reference<'_>, parent: NodeIndex) {
        let tree = self.read.tree;
        let around = tree.parent(parent).map_or("", |around| tree.kind(around));
        let is_part = match around {
            "scoped_identifier" | "scoped_type_identifier" => tree.node(parent).field == Some("path"),
            "generic_type" | "generic_type_with_turbofish" => {
                let outer = tree.parent(parent).and_then(|around| tree.parent(around));
                matches!(
                    outer.map_or("", |outer| tree.kind(outer)),
                    "scoped_identifier" | "scoped_type_identifier"
                )
            }
            _ => false,
        };
        if is_part {
            return;
        }
        let Some(path) = self.path(parent) else { return };
        let spaces = match around {
            "macro_invocation" => MACRO,
            "call_expression" | "tuple_struct_pattern" | "generic_function" => VALUE,
            "generic_type" | "struct_expression" => TYPE,
            _ if tree.kind(parent) == "scoped_type_identifier" => TYPE,
            _ => VALUE_OR_TYPE,
        };
        let (segments, head) = self.segments(parent);
        let is_free = head.is_some_and(|head| {
            tree.kind(head) == "identifier"
                && self.references.contains_key(&head)
                && self.entity(head).is_none()
        });
        self.add(used.node, used.span, Used::Path { path, spaces, segments, must_answer: is_free });
    }

    /// The nodes of a path's names, first to last, without those for which the file answers; and the node of its head.
    fn segments(&self, path: NodeIndex) -> (Vec<Option<(i64, Span)>>, Option<NodeIndex>) {
        let tree = self.read.tree;
        let mut found = Vec::new();
        let mut current = Some(path);
        let mut head = None;
        while let Some(node) = current {
            current = match tree.kind(node) {
                "scoped_identifier" | "scoped_type_identifier" => {
                    let name = tree.child_by_field(node, "name");
                    found.push(name.map(|name| (self.node_id(name), tree.span(name))));
                    tree.child_by_field(node, "path")
                }
                "generic_type" | "generic_type_with_turbofish" => tree.child_by_field(node, "type"),
                "bracketed_type" => None,
                _ => {
                    let answers = self.entity(node).is_some() && !self.is_import(node);
                    let is_use = self.references.contains_key(&node);
                    found.push((is_use && !answers).then(|| (self.node_id(node), tree.span(node))));
                    head = Some(node);
                    None
                }
            };
        }
        found.reverse();
        (found, head)
    }

    /// A field in an expression or pattern of a structure.
    fn named_field(&mut self, used: &Reference<'_>, part: NodeIndex) {
        let tree = self.read.tree;
        let owner = match tree.parent(part) {
            Some(pattern) if tree.kind(pattern) == "struct_pattern" => tree.child_by_field(pattern, "type"),
            Some(list) => tree.parent(list).and_then(|owner| tree.child_by_field(owner, "name")),
            None => None,
        };
        let Some(path) = owner.and_then(|owner| self.path(owner)) else { return };
        let name = self.symbols.intern(used.text);
        self.add(used.node, used.span, Used::NamedField { path, name });
    }

    fn field_use(&mut self, used: &Reference<'_>, field: NodeIndex) {
        let tree = self.read.tree;
        let is_called = tree.parent(field).is_some_and(|around| {
            matches!(tree.kind(around), "call_expression" | "generic_function")
                && tree.node(field).field == Some("function")
        });
        let Some(value) = tree.child_by_field(field, "value").filter(|_| !is_called) else { return };
        let of = self.expr(value, 0);
        if matches!(self.out.exprs.get(of as usize), Some(Expr::Unknown)) {
            return;
        }
        let name = self.symbols.intern(used.text);
        self.add(used.node, used.span, Used::Member { of, name });
    }

    /// Calls, the inner ones first: each receiver is then known when it is asked for.
    pub(super) fn calls(&mut self) {
        let facts = self.read.facts;
        for call in facts.calls.iter().rev() {
            let used = self.call(call);
            self.add(call.node, self.read.tree.span(call.node), used);
        }
    }

    fn call(&mut self, call: &Call<'_>) -> Used {
        let tree = self.read.tree;
        let name = call.name.map(|name| self.symbols.intern(name));
        let unknown = Used::CallUnknown { name };
        match call.shape {
            CallShape::Attribute => {
                let Some(value) = tree.child_by_field(call.callee, "value") else { return unknown };
                let Some(name) = name else { return unknown };
                let container = self.container_at(call.node);
                Used::CallMember { of: self.expr(value, 0), name, container }
            }
            CallShape::Name | CallShape::Path | CallShape::Macro => {
                let is_macro = call.shape == CallShape::Macro;
                let Some(path) = self.path(call.callee) else { return unknown };
                let text = self.path_text(path);
                Used::CallPath { path, text, is_macro }
            }
            CallShape::Subscript | CallShape::Other => unknown,
        }
    }

    fn path_text(&self, path: Index) -> Symbol {
        let segments =
            self.out.paths.get(path as usize).map(|path| path.segments.as_slice()).unwrap_or_default();
        let texts: Vec<String> = segments.iter().map(|&segment| self.symbols.text(segment)).collect();
        self.symbols.intern(&texts.join("::"))
    }
}
