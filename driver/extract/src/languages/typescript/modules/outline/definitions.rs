//! What definitions stand for, and what has members.

use std::collections::HashMap;

use super::collect::Collector;
use super::{Index, Meaning, Shape, ShapeKind, Symbol};
use crate::lexical::{BindingKind, Namespace, ScopeIndex, ScopeKind};
use crate::tree::NodeIndex;

/// How many definitions of one member are looked at, besides the last.
const MAX_MEMBERS: usize = 16;

impl Collector<'_, '_> {
    /// What has members; what members it has comes later.
    pub(super) fn shapes(&mut self) {
        let facts = self.read.facts;
        for (index, scope) in facts.scopes.iter().enumerate() {
            let kind = match scope.kind {
                ScopeKind::Class => ShapeKind::Class,
                ScopeKind::Interface => ShapeKind::Interface,
                ScopeKind::Object => ShapeKind::Object,
                ScopeKind::Enum => ShapeKind::Enum,
                ScopeKind::Module if index != 0 => ShapeKind::Namespace,
                ScopeKind::Module
                | ScopeKind::Function
                | ScopeKind::Lambda
                | ScopeKind::Comprehension
                | ScopeKind::TypeParameters
                | ScopeKind::Struct
                | ScopeKind::Trait
                | ScopeKind::Impl
                | ScopeKind::Block
                | ScopeKind::Let
                | ScopeKind::Closure
                | ScopeKind::For
                | ScopeKind::MatchArm
                | ScopeKind::IfLet
                | ScopeKind::Catch => continue,
            };
            self.shapes.insert(scope.node, self.out.shapes.len() as Index);
            self.out.shapes.push(Shape {
                kind,
                node_id: self.node_id(scope.node),
                members: HashMap::new(),
                statics: HashMap::new(),
                bases: Vec::new(),
                implements: Vec::new(),
                is_open: false,
            });
        }
    }

    fn shape_of_scope(&self, scope: ScopeIndex) -> Option<Index> {
        let node = self.read.facts.scopes.get(scope).filter(|_| scope != 0)?.node;
        self.shapes.get(&node).copied()
    }

    /// Puts members where they belong, and notes what shapes derive from.
    pub(super) fn members(&mut self) {
        let tree = self.read.tree;
        let facts = self.read.facts;
        for (index, binding) in facts.bindings.iter().enumerate() {
            let Some(shape) = self.shape_of_scope(binding.scope) else { continue };
            let is_static = tree.child_by_kind(binding.node, "static").is_some();
            let name = self.symbols.intern(binding.text);
            let Some(shape) = self.out.shapes.get_mut(shape as usize) else { continue };
            let holds = match shape.kind {
                ShapeKind::Class | ShapeKind::Interface | ShapeKind::Object => {
                    binding.namespace == Namespace::Member
                }
                ShapeKind::Enum | ShapeKind::Namespace => true,
            };
            if !holds {
                continue;
            }
            let list = if is_static { &mut shape.statics } else { &mut shape.members };
            let known = list.entry(name).or_default();
            if known.len() > MAX_MEMBERS {
                known.pop();
            }
            known.push(index as Index);
        }
        for (node, found) in tree.nodes.iter().enumerate() {
            match found.kind {
                "extends_clause" | "implements_clause" => self.heritage(node),
                "extends_type_clause" => {
                    let types = tree.named_children(node).map(|ty| self.term(ty)).collect();
                    self.derive(found.parent, types, true);
                }
                "index_signature" | "spread_element" | "computed_property_name" => self.opens(node),
                _ => {}
            }
        }
    }

    fn heritage(&mut self, node: NodeIndex) {
        let tree = self.read.tree;
        let class = tree.node(tree.node(node).parent).parent;
        if tree.kind(node) == "implements_clause" {
            let types = tree.named_children(node).map(|ty| self.term(ty)).collect();
            return self.derive(class, types, false);
        }
        if let Some(value) = self.field_term(node, "value") {
            self.derive(class, vec![value], true);
        }
    }

    fn derive(&mut self, node: NodeIndex, from: Vec<Index>, is_base: bool) {
        let Some(&shape) = self.shapes.get(&node) else { return };
        if let Some(shape) = self.out.shapes.get_mut(shape as usize) {
            let list = if is_base { &mut shape.bases } else { &mut shape.implements };
            list.extend(from);
        }
    }

    /// A member that the text does not name makes what it is in open.
    fn opens(&mut self, node: NodeIndex) {
        let tree = self.read.tree;
        let parent = tree.node(node).parent;
        for owner in [parent, tree.node(parent).parent] {
            if let Some(shape) =
                self.shapes.get(&owner).and_then(|&shape| self.out.shapes.get_mut(shape as usize))
            {
                shape.is_open = true;
                return;
            }
        }
    }

    /// What definitions stand for.
    pub(super) fn meanings(&mut self) {
        let facts = self.read.facts;
        let mut imports: HashMap<usize, Meaning> = HashMap::new();
        for import in &facts.imports {
            if let (Some(binding), Some(module)) = (import.binding, &import.module) {
                let module = self.specifier(module);
                let name: Option<Symbol> = import.name.map(|name| self.symbols.intern(name));
                imports.insert(binding, Meaning::Import(module, name));
            }
        }
        for (index, binding) in facts.bindings.iter().enumerate() {
            let meaning = match imports.get(&index) {
                Some(&import) => import,
                None => self.meaning(binding.kind, binding.node, binding.name_node),
            };
            let function = match meaning {
                Meaning::Function(function, _) | Meaning::Getter(function) => {
                    self.out.functions.get_mut(function as usize)
                }
                Meaning::Unknown
                | Meaning::Value(_)
                | Meaning::Shape(_)
                | Meaning::Alias(_)
                | Meaning::Import(..) => None,
            };
            if let Some(function) = function {
                function.def = Some(index as Index);
            }
            if let Some(def) = self.out.defs.get_mut(index) {
                def.meaning = meaning;
            }
        }
    }

    fn meaning(&self, kind: BindingKind, node: NodeIndex, name: NodeIndex) -> Meaning {
        let tree = self.read.tree;
        if let Some(&shape) = self.shapes.get(&node).filter(|_| tree.kind(node) != "object") {
            return Meaning::Shape(shape);
        }
        if let Some(&function) = self.functions.get(&node) {
            if tree.child_by_kind(node, "get").is_some() {
                return Meaning::Getter(function);
            }
            if tree.child_by_kind(node, "set").is_some() {
                return Meaning::Unknown;
            }
            return Meaning::Function(function, tree.child_by_field(node, "body").is_some());
        }
        let term = |field| self.field_term(node, field).filter(|&term| term != 0);
        match tree.kind(node) {
            "type_alias_declaration" => term("value").map_or(Meaning::Unknown, Meaning::Alias),
            "type_parameter" => term("constraint").map_or(Meaning::Unknown, Meaning::Alias),
            "import_alias" => {
                let target = tree.named_children(node).nth(1);
                target.map_or(Meaning::Unknown, |target| Meaning::Value(self.term(target)))
            }
            "variable_declarator"
            | "public_field_definition"
            | "property_signature"
            | "pair"
            | "assignment_expression" => {
                let value = ["value", "right"].into_iter().find_map(|field| tree.child_by_field(node, field));
                if let Some(&function) = value.and_then(|value| self.functions.get(&value)) {
                    return Meaning::Function(function, true);
                }
                let declared = self.field_term(node, "type").filter(|&ty| ty != 0);
                let declared = declared.or_else(|| self.said.get(&node).and_then(|said| said.own));
                declared
                    .or_else(|| value.map(|value| self.term(value)))
                    .map_or(Meaning::Unknown, Meaning::Value)
            }
            "shorthand_property_identifier" => Meaning::Value(self.term(node)),
            _ if kind == BindingKind::TypeParameter => Meaning::Unknown,
            _ => self.sources.get(&name).map_or(Meaning::Unknown, |&source| Meaning::Value(source)),
        }
    }
}
