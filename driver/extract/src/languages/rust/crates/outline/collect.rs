//! The outline of a file: its modules, items, imports and implementations.

use std::collections::HashMap;

use super::around::{Around, around};
use super::{
    Container, Entry, Impl, Index, Item, Outline, Owner, Parameter, Space, Symbol, Symbols, Use, Visibility,
};
use crate::lexical::{
    Binding, BindingIndex, BindingKind, Decorator, Emitter, Import, ImportKind, Namespace, ScopeIndex,
    ScopeKind,
};
use crate::tree::NodeIndex;

/// What a binding is in the outline.
#[derive(Clone, Copy, Debug)]
pub(super) enum Entity {
    Entry(Entry),
    Parameter(Index),
    SelfType(NodeIndex),
    Local,
}

/// A file whose outline is being made.
pub(super) struct Collector<'c, 's> {
    pub(super) read: &'c Emitter<'c, 's>,
    pub(super) symbols: &'c Symbols,
    pub(super) out: Outline,
    /// The module or block of each scope.
    pub(super) containers: Vec<Index>,
    /// The scope that a node opens, of modules and bodies.
    opened: HashMap<NodeIndex, ScopeIndex>,
    /// What is around each node.
    around: Vec<Around>,
    /// The `use` declarations, in order.
    use_declarations: Vec<NodeIndex>,
    /// The attributes of each item.
    pub(super) decorators: HashMap<NodeIndex, Vec<&'c Decorator<'s>>>,
    /// The scopes that are modules or blocks of their own.
    pub(super) own_scopes: HashMap<ScopeIndex, Index>,
    pub(super) entities: Vec<Entity>,
    /// The first binding in each namespace of each scope and name, first to last.
    pub(super) bound: HashMap<(ScopeIndex, Symbol), Vec<BindingIndex>>,
    /// The use of a name at each node.
    pub(super) references: HashMap<NodeIndex, usize>,
    /// What the members of each implementation, trait and type belong to, by its node.
    pub(super) owners: HashMap<NodeIndex, Owner>,
    pub(super) known_paths: HashMap<NodeIndex, Option<Index>>,
    pub(super) known_exprs: HashMap<NodeIndex, Index>,
    /// Types of local variables, as expressions; none while they are being found.
    pub(super) locals: HashMap<BindingIndex, Option<Index>>,
}

/// The outline of a file that was read.
pub(in super::super) fn outline(read: &Emitter<'_, '_>, symbols: &Symbols) -> Outline {
    let mut collector = Collector::new(read, symbols);
    collector.containers();
    collector.items();
    collector.imports();
    collector.implementations();
    collector.bounds();
    collector.types_of_items();
    collector.occurrences();
    collector.calls();
    collector.out
}

impl<'c, 's> Collector<'c, 's> {
    fn new(read: &'c Emitter<'c, 's>, symbols: &'c Symbols) -> Self {
        let facts = read.facts;
        let mut bound: HashMap<(ScopeIndex, Symbol), Vec<BindingIndex>> = HashMap::new();
        for (index, binding) in facts.bindings.iter().enumerate() {
            let known = bound.entry((binding.scope, symbols.intern(binding.text))).or_default();
            let namespace = |index: &BindingIndex| facts.bindings.get(*index).map(|known| known.namespace);
            if !known.iter().any(|known| namespace(known) == Some(binding.namespace)) {
                known.push(index);
            }
        }
        let opened: HashMap<NodeIndex, ScopeIndex> = facts
            .scopes
            .iter()
            .enumerate()
            .filter(|(_, scope)| {
                matches!(
                    scope.kind,
                    ScopeKind::Module | ScopeKind::Function | ScopeKind::Block | ScopeKind::Closure
                )
            })
            .map(|(index, scope)| (scope.node, index))
            .collect();
        let mut decorators: HashMap<NodeIndex, Vec<&Decorator<'_>>> = HashMap::new();
        for decorator in &facts.decorators {
            decorators.entry(decorator.owner).or_default().push(decorator);
        }
        let references =
            facts.references.iter().enumerate().map(|(index, used)| (used.node, index)).collect();
        Self {
            read,
            symbols,
            out: Outline::new(read.file.path, read.file_node_id),
            containers: Vec::with_capacity(facts.scopes.len()),
            around: around(read.tree, &opened),
            use_declarations: (0..read.tree.nodes.len())
                .filter(|&node| read.tree.kind(node) == "use_declaration")
                .collect(),
            opened,
            decorators,
            own_scopes: HashMap::new(),
            entities: Vec::with_capacity(facts.bindings.len()),
            bound,
            references,
            owners: HashMap::new(),
            known_paths: HashMap::new(),
            known_exprs: HashMap::new(),
            locals: HashMap::new(),
        }
    }

    pub(super) fn node_id(&self, node: NodeIndex) -> i64 {
        self.read.node_ids.get(node).copied().unwrap_or(self.read.file_node_id)
    }

    pub(super) fn symbol(&self, node: NodeIndex) -> Symbol {
        let text = self.read.tree.text(node);
        self.symbols.intern(text.strip_prefix("r#").unwrap_or(text))
    }

    pub(super) fn container(&self, scope: ScopeIndex) -> Index {
        self.containers.get(scope).copied().unwrap_or(0)
    }

    /// Items and members, from the bindings; type parameters.
    fn items(&mut self) {
        let facts = self.read.facts;
        for binding in &facts.bindings {
            let entity = match binding.kind {
                BindingKind::Variable | BindingKind::Parameter => Entity::Local,
                BindingKind::SelfType => Entity::SelfType(self.opener(binding.scope)),
                BindingKind::TypeParameter => self.type_parameter(),
                // Imports come next, in the order of their own list.
                BindingKind::Import => Entity::Local,
                BindingKind::Function
                | BindingKind::AsyncFunction
                | BindingKind::Method
                | BindingKind::Class
                | BindingKind::Struct
                | BindingKind::Union
                | BindingKind::Enum
                | BindingKind::Variant
                | BindingKind::Field
                | BindingKind::Trait
                | BindingKind::Interface
                | BindingKind::TypeAlias
                | BindingKind::Module
                | BindingKind::Const
                | BindingKind::Static
                | BindingKind::Macro => self.item(binding),
            };
            self.entities.push(entity);
        }
    }

    /// The node that opens a scope.
    fn opener(&self, scope: ScopeIndex) -> NodeIndex {
        self.read.facts.scopes.get(scope).map_or(0, |scope| scope.node)
    }

    fn type_parameter(&mut self) -> Entity {
        self.out.parameters.push(Parameter::default());
        Entity::Parameter(self.out.parameters.len() as Index - 1)
    }

    fn item(&mut self, binding: &Binding<'s>) -> Entity {
        let tree = self.read.tree;
        let node = binding.node;
        let owner = self.owner(binding);
        let item = self.out.items.len() as Index;
        let name = self.symbols.intern(binding.text);
        let container = self.container(binding.scope);
        let of_trait = matches!(owner, Some(Owner::Item(_)));
        let is_shared = of_trait && binding.kind != BindingKind::Field;
        let visibility = if is_shared { Visibility::Public } else { self.visibility(node) };
        let parameters = tree.child_by_field(node, "parameters");
        let takes_self = parameters.is_some_and(|list| tree.child_by_kind(list, "self_parameter").is_some());
        self.out.items.push(Item {
            name,
            kind: binding.kind,
            node_id: self.node_id(node),
            container,
            owner,
            visibility,
            start: tree.span(node).start,
            ty: None,
            parameters: Vec::new(),
            takes_self,
            attributes: self.attributes(node),
        });
        if let Some(known) = self.out.items.last().and_then(|item| item.attributes.is_macro) {
            self.declare_in(binding.scope, known, Some(Space::Macro), Entry::Item(item));
        }
        match owner {
            Some(owner) => self.out.members.entry((owner, name)).or_default().push(item),
            None => self.declare(binding, Entry::Item(item)),
        }
        if matches!(
            tree.kind(node),
            "struct_item" | "union_item" | "enum_item" | "trait_item" | "enum_variant" | "type_item"
        ) {
            self.owners.insert(node, Owner::Item(item));
        }
        if let Some(container) = self.module_of(node) {
            container.item = Some(item);
        }
        Entity::Entry(Entry::Item(item))
    }

    /// The container of the module that `node` declares with its text.
    fn module_of(&mut self, node: NodeIndex) -> Option<&mut Container> {
        let tree = self.read.tree;
        if tree.kind(node) != "mod_item" {
            return None;
        }
        let body = tree.child_by_field(node, "body")?;
        let scope = self.opened.get(&body)?;
        let container = *self.own_scopes.get(scope)?;
        self.out.containers.get_mut(container as usize)
    }

    /// Puts a name into the module or block whose own scope it is declared in.
    fn declare(&mut self, binding: &Binding<'s>, entry: Entry) {
        let space = match binding.namespace {
            Namespace::Value => Some(Space::Value),
            Namespace::Type => Some(Space::Type),
            Namespace::Macro => Some(Space::Macro),
            Namespace::Member | Namespace::Any => None,
        };
        self.declare_in(binding.scope, self.symbols.intern(binding.text), space, entry);
    }

    fn declare_in(&mut self, scope: ScopeIndex, name: Symbol, space: Option<Space>, entry: Entry) {
        let Some(&container) = self.own_scopes.get(&scope) else { return };
        if let Some(container) = self.out.containers.get_mut(container as usize) {
            container.names.entry(name).or_default().push((space, entry));
        }
    }

    /// What a member belongs to; none for what is no member.
    fn owner(&mut self, binding: &Binding<'s>) -> Option<Owner> {
        let scope = self.read.facts.scopes.get(binding.scope)?;
        if scope.kind == ScopeKind::Enum && binding.kind == BindingKind::Field {
            let variant = self.read.tree.parent(self.read.tree.parent(binding.node)?)?;
            return self.owners.get(&variant).copied();
        }
        if !matches!(scope.kind, ScopeKind::Impl | ScopeKind::Trait | ScopeKind::Enum | ScopeKind::Struct) {
            return None;
        }
        let node = self.read.tree.parent(scope.node)?;
        if scope.kind == ScopeKind::Impl {
            return Some(self.implementation(node));
        }
        self.owners.get(&node).copied()
    }

    /// The implementation at `node`, whose type is found later.
    fn implementation(&mut self, node: NodeIndex) -> Owner {
        if let Some(&known) = self.owners.get(&node) {
            return known;
        }
        let owner = Owner::Impl(self.out.impls.len() as Index);
        self.out.impls.push(Impl { subject: Index::MAX, of_trait: None });
        self.owners.insert(node, owner);
        owner
    }

    /// Imports, `mod name;` and `extern crate`.
    fn imports(&mut self) {
        let facts = self.read.facts;
        for import in &facts.imports {
            let entry = self.out.uses.len() as Index;
            let scope =
                import.binding.and_then(|binding| facts.bindings.get(binding)).map(|bound| bound.scope);
            let container = match scope {
                Some(scope) => self.container(scope),
                None => self.container(self.scope_around(import.node)),
            };
            let module = match import.binding.and_then(|binding| self.entities.get(binding)) {
                Some(&Entity::Entry(Entry::Item(item))) if import.kind == ImportKind::Mod => Some(item),
                _ => None,
            };
            self.out.uses.push(Use {
                node_id: self.node_id(import.node),
                span: self.read.tree.span(import.node),
                container,
                path: self.use_path(import),
                is_glob: import.is_star,
                is_crate: import.kind == ImportKind::ExternCrate,
                visibility: self.visibility(self.use_declaration(import.node)),
                module,
                shares_macros: import.kind == ImportKind::ExternCrate
                    && self.attributes(import.node).shares_macros,
            });
            if import.kind == ImportKind::Mod {
                let container = self.out.containers.get_mut(container as usize);
                container.into_iter().for_each(|container| container.modules.push(entry));
                continue;
            }
            if import.is_star
                && let Some(container) = self.out.containers.get_mut(container as usize)
            {
                container.globs.push(entry);
            }
            let Some(index) = import.binding else { continue };
            let Some(binding) = facts.bindings.get(index) else { continue };
            if let Some(entity) = self.entities.get_mut(index) {
                *entity = Entity::Entry(Entry::Use(entry));
            }
            self.declare(binding, Entry::Use(entry));
        }
    }

    fn use_declaration(&self, leaf: NodeIndex) -> NodeIndex {
        let tree = self.read.tree;
        if matches!(tree.kind(leaf), "extern_crate_declaration" | "mod_item") {
            return leaf;
        }
        // None stands in another.
        let after = self.use_declarations.partition_point(|&declaration| declaration <= leaf);
        let before = after.checked_sub(1).and_then(|at| self.use_declarations.get(at)).copied();
        before.filter(|&declaration| leaf < tree.node(declaration).subtree_end).unwrap_or(leaf)
    }

    fn use_path(&self, import: &Import<'s>) -> Vec<Symbol> {
        let tree = self.read.tree;
        let mut path = Vec::new();
        let argument = tree.child_by_field(self.use_declaration(import.node), "argument");
        if argument.is_some_and(|argument| tree.text(argument).starts_with("::")) {
            path.push(self.symbols.intern(""));
        }
        let before = import.raw_module.iter().flat_map(|module| module.split("::"));
        path.extend(before.chain(import.name).map(|name| self.symbols.intern(name)));
        path
    }

    /// The innermost scope of a module or body around a node.
    pub(super) fn scope_around(&self, node: NodeIndex) -> ScopeIndex {
        self.around.get(node).map_or(0, |around| around.scope as ScopeIndex)
    }

    /// The implementation or trait around a node.
    pub(super) fn enclosing_owner(&self, node: NodeIndex) -> Option<Owner> {
        let owner = self.around.get(node)?.owner?;
        self.owners.get(&(owner as NodeIndex)).copied()
    }

    /// Types and traits of implementations; the fields of tuples.
    fn implementations(&mut self) {
        let tree = self.read.tree;
        for node in 0..tree.nodes.len() {
            match tree.kind(node) {
                "impl_item" => {
                    let Owner::Impl(index) = self.implementation(node) else { continue };
                    let subject = self.type_ref(tree.child_by_field(node, "type"));
                    let of_trait =
                        tree.child_by_field(node, "trait").and_then(|of_trait| self.path(of_trait));
                    if let Some(known) = self.out.impls.get_mut(index as usize) {
                        *known = Impl { subject, of_trait };
                    }
                }
                "where_predicate" => self.where_predicate(node),
                "ordered_field_declaration_list" => self.tuple_fields(node),
                "macro_invocation" => self.include(node),
                _ => {}
            }
        }
    }

    pub(super) fn container_at(&self, node: NodeIndex) -> Index {
        self.container(self.scope_around(node))
    }
}
