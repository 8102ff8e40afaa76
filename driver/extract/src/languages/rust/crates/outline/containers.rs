//! The modules of a file, and its blocks that have names of their own.

use std::collections::HashSet;

use super::collect::Collector;
use super::{Container, Index};
use crate::lexical::{BindingKind, ScopeIndex, ScopeKind};

impl Collector<'_, '_> {
    /// Modules, and the blocks that import or declare something.
    pub(super) fn containers(&mut self) {
        let facts = self.read.facts;
        let imports = facts.imports.iter().map(|import| self.scope_around(import.node));
        let items =
            facts.bindings.iter().filter(|binding| is_item(binding.kind)).map(|binding| binding.scope);
        let blocks = [ScopeKind::Function, ScopeKind::Block, ScopeKind::Closure];
        let is_block =
            |&scope: &ScopeIndex| facts.scopes.get(scope).is_some_and(|scope| blocks.contains(&scope.kind));
        let declaring: HashSet<ScopeIndex> = imports.chain(items).filter(is_block).collect();
        for (index, scope) in facts.scopes.iter().enumerate() {
            let parent = scope.parent.map(|parent| self.container(parent));
            let is_module = scope.kind == ScopeKind::Module;
            let container = match parent {
                Some(parent) if !is_module && !declaring.contains(&index) => parent,
                _ => {
                    let next = self.out.containers.len() as Index;
                    self.out.containers.push(Container::new(parent, !is_module));
                    self.own_scopes.insert(index, next);
                    next
                }
            };
            self.containers.push(container);
        }
    }
}

/// Whether bindings of a kind are items, which a whole block knows.
fn is_item(kind: BindingKind) -> bool {
    matches!(
        kind,
        BindingKind::Function
            | BindingKind::Struct
            | BindingKind::Union
            | BindingKind::Enum
            | BindingKind::Trait
            | BindingKind::TypeAlias
            | BindingKind::Module
            | BindingKind::Const
            | BindingKind::Static
            | BindingKind::Macro
    )
}
