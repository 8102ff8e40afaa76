//! Paths and types, as far as they tell what a path names.

use super::super::types::{ARRAY, FUNCTION, SLICE, TUPLE};
use super::collect::{Collector, Entity};
use super::{Entry, Head, Index, Path, Symbol, TypeRef, push};
use crate::lexical::{BindingIndex, Namespace};
use crate::tree::NodeIndex;

/// How deep a type is followed into itself.
const MAX_DEPTH: usize = 24;

impl Collector<'_, '_> {
    /// What the use of a name at `node` was found to be in the file; none when it is no use or is not bound there.
    pub(super) fn entity(&self, node: NodeIndex) -> Option<Entity> {
        let binding = self.binding_at(*self.references.get(&node)?)?;
        self.entities.get(binding).copied()
    }

    /// The binding that a use finds in the file: of its own namespace before any other, the first of them.
    pub(super) fn binding_at(&self, reference: usize) -> Option<BindingIndex> {
        let facts = self.read.facts;
        let used = facts.references.get(reference).filter(|used| used.context.is_lexical())?;
        let scope = (*facts.answers.get(reference)?)?;
        let bound = self.bound.get(&(scope, self.symbols.intern(used.text)))?;
        let namespace = |binding: BindingIndex| facts.bindings.get(binding).map(|bound| bound.namespace);
        let own = bound.iter().find(|&&binding| namespace(binding) == Some(used.namespace));
        let finds = |namespace: Namespace| used.namespace.finds(namespace);
        own.or_else(|| bound.iter().find(|&&binding| namespace(binding).is_some_and(finds))).copied()
    }

    fn head_of(&self, node: NodeIndex) -> Head {
        match self.entity(node) {
            Some(Entity::Entry(entry)) => Head::Entry(entry),
            Some(Entity::Parameter(parameter)) => Head::Parameter(parameter),
            Some(Entity::SelfType(opener)) => {
                self.owners.get(&opener).map_or(Head::Local, |&owner| Head::SelfType(owner))
            }
            Some(Entity::Local) => Head::Local,
            None => Head::Free,
        }
    }

    /// The path at `node`; none when it is something else.
    pub(super) fn path(&mut self, node: NodeIndex) -> Option<Index> {
        if let Some(&known) = self.known_paths.get(&node) {
            return known;
        }
        let path = self.read_path(node);
        let index = path.map(|path| push(&mut self.out.paths, path));
        self.known_paths.insert(node, index);
        index
    }

    fn read_path(&mut self, node: NodeIndex) -> Option<Path> {
        let tree = self.read.tree;
        let mut names: Vec<Symbol> = Vec::new();
        let mut current = node;
        let head = loop {
            match tree.kind(current) {
                "scoped_identifier" | "scoped_type_identifier" => {
                    names.push(self.symbol(tree.child_by_field(current, "name")?));
                    match tree.child_by_field(current, "path") {
                        Some(path) => current = path,
                        None => break Head::Global,
                    }
                }
                "generic_type" | "generic_type_with_turbofish" => {
                    current = tree.child_by_field(current, "type")?
                }
                "generic_function" => current = tree.child_by_field(current, "function")?,
                "identifier" | "type_identifier" => {
                    names.push(self.symbol(current));
                    break self.head_of(current);
                }
                "self" | "super" | "crate" | "primitive_type" => {
                    names.push(self.symbol(current));
                    break Head::Free;
                }
                "metavariable" if tree.text(current) == "$crate" => {
                    names.push(self.symbols.intern("crate"));
                    break Head::Free;
                }
                "bracketed_type" => break self.qualified(current)?,
                _ => return None,
            }
        };
        names.reverse();
        let scope = self.references.get(&current).and_then(|&used| self.read.facts.references.get(used));
        let container = match scope {
            Some(used) => self.container(used.scope),
            None => self.container_at(node),
        };
        Some(Path { container, head, segments: names })
    }

    /// `<Type>` and `<Type as Trait>` before a path.
    fn qualified(&mut self, node: NodeIndex) -> Option<Head> {
        let tree = self.read.tree;
        let inner = tree.named_children(node).next()?;
        if tree.kind(inner) != "qualified_type" {
            return Some(Head::Qualified { ty: self.type_ref(Some(inner)), of_trait: None });
        }
        let ty = self.type_ref(tree.child_by_field(inner, "type"));
        let of_trait = self.path(tree.child_by_field(inner, "alias")?);
        Some(Head::Qualified { ty, of_trait })
    }

    /// The type at a node. References to it are it: methods are found through them.
    pub(super) fn type_ref(&mut self, node: Option<NodeIndex>) -> Index {
        let ty = node.map_or(TypeRef::Unknown, |node| self.read_type(node, 0));
        push(&mut self.out.types, ty)
    }

    fn read_type(&mut self, node: NodeIndex, depth: usize) -> TypeRef {
        let tree = self.read.tree;
        if depth > MAX_DEPTH {
            return TypeRef::Unknown;
        }
        match tree.kind(node) {
            "reference_type" | "pointer_type" => tree
                .child_by_field(node, "type")
                .map_or(TypeRef::Unknown, |inner| self.read_type(inner, depth + 1)),
            "dynamic_type" | "abstract_type" => {
                let bound = tree.child_by_field(node, "trait");
                if let Some(function) = bound.filter(|&bound| tree.kind(bound) == "function_type") {
                    return self.read_type(function, depth + 1);
                }
                TypeRef::Traits(bound.map(|bound| self.trait_paths(bound)).unwrap_or_default())
            }
            "bounded_type" => TypeRef::Traits(self.trait_paths(node)),
            "tuple_type" if !tree.children(node).any(|part| tree.kind(part) == ",") => {
                // What stands in parentheses alone; the empty tuple has a kind of its own.
                let inner = tree.named_children(node).find(|&part| !is_comment(tree.kind(part)));
                inner.map_or(TypeRef::Unknown, |inner| self.read_type(inner, depth + 1))
            }
            kind @ ("array_type" | "tuple_type" | "unit_type" | "function_type") => {
                self.read_built_in(node, kind, depth)
            }
            kind => {
                let Some(path) = self.path(node) else { return TypeRef::Unknown };
                let generic = matches!(kind, "generic_type" | "generic_type_with_turbofish");
                let list = if generic { tree.child_by_field(node, "type_arguments") } else { None };
                let listed: Vec<NodeIndex> = list
                    .into_iter()
                    .flat_map(|list| tree.named_children(list))
                    .filter(|&argument| tree.kind(argument) != "lifetime")
                    .collect();
                let mut arguments = Vec::with_capacity(listed.len());
                for argument in listed {
                    let argument = self.read_type(argument, depth + 1);
                    arguments.push(push(&mut self.out.types, argument));
                }
                TypeRef::Path { path, arguments }
            }
        }
    }

    /// Types that have no path: arrays, slices, tuples and functions.
    fn read_built_in(&mut self, node: NodeIndex, kind: &str, depth: usize) -> TypeRef {
        let tree = self.read.tree;
        let (name, parts): (&str, Vec<NodeIndex>) = match kind {
            "array_type" => {
                let is_slice = tree.child_by_field(node, "length").is_none();
                (
                    if is_slice { SLICE } else { ARRAY },
                    tree.child_by_field(node, "element").into_iter().collect(),
                )
            }
            "function_type" => (FUNCTION, tree.child_by_field(node, "return_type").into_iter().collect()),
            _ => (TUPLE, tree.named_children(node).filter(|&part| !is_comment(tree.kind(part))).collect()),
        };
        let mut arguments = Vec::with_capacity(parts.len());
        for part in parts {
            let part = self.read_type(part, depth + 1);
            arguments.push(push(&mut self.out.types, part));
        }
        TypeRef::BuiltIn { name: self.symbols.intern(name), arguments }
    }

    /// The paths of the traits in a bound.
    pub(super) fn trait_paths(&mut self, node: NodeIndex) -> Vec<Index> {
        let tree = self.read.tree;
        let mut pending = vec![node];
        let mut found = Vec::new();
        while let Some(node) = pending.pop() {
            match tree.kind(node) {
                "trait_bounds" | "bounded_type" => pending.extend(tree.named_children(node)),
                "abstract_type" | "dynamic_type" => pending.extend(tree.child_by_field(node, "trait")),
                "higher_ranked_trait_bound" => pending.extend(tree.child_by_field(node, "type")),
                "lifetime" | "removed_trait_bound" | "use_bounds" => {}
                _ => found.extend(self.path(node)),
            }
        }
        found.reverse();
        found
    }

    /// Whether an entry of the file is what the path's head was found to be.
    pub(super) fn is_import(&self, node: NodeIndex) -> bool {
        matches!(self.entity(node), Some(Entity::Entry(Entry::Use(_))))
    }
}

/// Whether nodes of this kind are comments.
pub(super) fn is_comment(kind: &str) -> bool {
    matches!(kind, "line_comment" | "block_comment")
}
