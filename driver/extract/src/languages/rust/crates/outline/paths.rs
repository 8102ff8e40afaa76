//! Paths, types and expressions, as far as they tell what a path names or which type a value has.

use super::collect::{Collector, Entity};
use super::{Entry, Expr, Head, Index, Path, Symbol, TypeRef, push};
use crate::lexical::{BindingIndex, Namespace};
use crate::tree::NodeIndex;

/// How far an expression is followed: the parts of a longer one are followed for themselves.
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
                TypeRef::Traits(bound.map(|bound| self.trait_paths(bound)).unwrap_or_default())
            }
            "bounded_type" => TypeRef::Traits(self.trait_paths(node)),
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

    /// The expression at a node.
    pub(super) fn expr(&mut self, node: NodeIndex, depth: usize) -> Index {
        if let Some(&known) = self.known_exprs.get(&node) {
            return known;
        }
        if depth > MAX_DEPTH {
            return push(&mut self.out.exprs, Expr::Unknown);
        }
        let expr = self.read_expr(node, depth + 1).unwrap_or(Expr::Unknown);
        let index = push(&mut self.out.exprs, expr);
        self.known_exprs.insert(node, index);
        index
    }

    fn read_expr(&mut self, node: NodeIndex, depth: usize) -> Option<Expr> {
        let tree = self.read.tree;
        let field = |name| tree.child_by_field(node, name);
        let same = |this: &mut Self, inner: NodeIndex| {
            let inner = this.expr(inner, depth);
            this.out.exprs.get(inner as usize).copied()
        };
        match tree.kind(node) {
            "identifier" | "self" => self.name_expr(node, depth),
            "scoped_identifier" => self.path(node).map(Expr::Path),
            "struct_expression" => self.path(field("name")?).map(Expr::Struct),
            "call_expression" => {
                let function = field("function")?;
                if tree.kind(function) == "field_expression" {
                    return self.method_expr(function, depth);
                }
                let generic = tree.kind(function) == "generic_function";
                let inner = if generic { tree.child_by_field(function, "function")? } else { function };
                if tree.kind(inner) == "field_expression" {
                    self.method_expr(inner, depth)
                } else {
                    self.path(function).map(Expr::Call)
                }
            }
            "field_expression" => {
                let value = self.expr(field("value")?, depth);
                Some(Expr::Field(value, self.symbol(field("field")?)))
            }
            "reference_expression" => same(self, field("value")?),
            "parenthesized_expression" | "await_expression" => same(self, tree.named_children(node).next()?),
            "unary_expression" if tree.text(node).starts_with('*') => {
                same(self, tree.named_children(node).next()?)
            }
            "try_expression" => {
                let inner = self.expr(tree.named_children(node).next()?, depth);
                Some(Expr::Inside(inner))
            }
            "type_cast_expression" => Some(Expr::Typed(self.type_ref(field("type")))),
            _ => None,
        }
    }

    fn method_expr(&mut self, function: NodeIndex, depth: usize) -> Option<Expr> {
        let tree = self.read.tree;
        let value = self.expr(tree.child_by_field(function, "value")?, depth);
        Some(Expr::Method(value, self.symbol(tree.child_by_field(function, "field")?)))
    }

    fn name_expr(&mut self, node: NodeIndex, depth: usize) -> Option<Expr> {
        let reference = *self.references.get(&node)?;
        let local = self
            .binding_at(reference)
            .filter(|&binding| matches!(self.entities.get(binding), Some(Entity::Local)));
        match local {
            Some(binding) => {
                let value = self.local(binding, depth)?;
                self.out.exprs.get(value as usize).copied()
            }
            None => self.path(node).map(Expr::Path),
        }
    }

    /// The value of a local variable: its written type, or what it begins with.
    fn local(&mut self, binding: BindingIndex, depth: usize) -> Option<Index> {
        if let Some(&known) = self.locals.get(&binding) {
            return known;
        }
        self.locals.insert(binding, None);
        let expr = self.read_local(binding, depth);
        let index = expr.map(|expr| push(&mut self.out.exprs, expr));
        self.locals.insert(binding, index);
        index
    }

    fn read_local(&mut self, binding: BindingIndex, depth: usize) -> Option<Expr> {
        let tree = self.read.tree;
        let node = self.read.facts.bindings.get(binding)?.node;
        let mut pattern = node;
        let mut inside = false;
        let declaration = loop {
            let parent = tree.parent(pattern)?;
            match tree.kind(parent) {
                "mut_pattern" | "ref_pattern" | "reference_pattern" => {}
                "tuple_struct_pattern" if !inside => {
                    let owner = tree.child_by_field(parent, "type")?;
                    inside = matches!(tree.text(owner), "Some" | "Ok") && owner != pattern;
                    if !inside {
                        return None;
                    }
                }
                _ => break parent,
            }
            pattern = parent;
        };
        match tree.kind(declaration) {
            "self_parameter" => Some(Expr::Receiver(self.enclosing_owner(node)?)),
            "parameter" | "let_declaration" | "let_condition" => {
                if tree.child_by_field(declaration, "pattern") != Some(pattern) {
                    return None;
                }
                if let Some(ty) = tree.child_by_field(declaration, "type") {
                    let receiver = tree.text(node) == "self" && tree.text(ty).ends_with("Self");
                    return match (inside, receiver) {
                        (true, _) => None,
                        (_, true) => Some(Expr::Receiver(self.enclosing_owner(node)?)),
                        _ => Some(Expr::Typed(self.type_ref(Some(ty)))),
                    };
                }
                let value = self.expr(tree.child_by_field(declaration, "value")?, depth);
                if inside { Some(Expr::Inside(value)) } else { self.out.exprs.get(value as usize).copied() }
            }
            _ => None,
        }
    }

    /// Whether an entry of the file is what the path's head was found to be.
    pub(super) fn is_import(&self, node: NodeIndex) -> bool {
        matches!(self.entity(node), Some(Entity::Entry(Entry::Use(_))))
    }
}
