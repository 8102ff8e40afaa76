//! Which of several traits is meant: only methods of those that are in scope are called.

use super::names::{Def, Trail};
use super::outline::{Owner, Space, Symbol, at};
use super::tree::ModuleIndex;
use super::types::{Members, Ty};

/// How many blocks and modules around a place have names that are seen there.
const MAX_AROUND: usize = 64;

impl Members<'_> {
    /// Members of several traits without those of traits that are not in scope in a module or block, if any is.
    pub(super) fn of_known_traits(&self, found: Vec<Def>, module: ModuleIndex) -> Vec<Def> {
        let traits: Vec<Option<Def>> = found.iter().map(|&def| self.trait_of(def)).collect();
        let first = traits.first().copied().flatten();
        if first.is_none() || traits.iter().all(|&other| other == first) {
            return found;
        }
        let is_known = |of_trait: &Option<Def>| of_trait.is_some_and(|def| self.is_in_scope(def, module));
        let known: Vec<Def> = found
            .iter()
            .zip(&traits)
            .filter(|(_, of_trait)| is_known(of_trait))
            .map(|(&def, _)| def)
            .collect();
        if known.is_empty() { found } else { known }
    }

    /// What `value.name()` calls in a module or block. A type from outside may have a method of the name itself, or traits
    /// that nobody here knows: those of the repository are only meant where they are in scope.
    pub(super) fn known_method(&self, ty: &Ty, name: Symbol, module: ModuleIndex) -> Vec<Def> {
        let (mut found, owner) = self.method_at(ty, name);
        if matches!(owner, Ty::Named(Def::Outside(_), _)) {
            found.retain(|&def| match self.trait_of(def) {
                Some(of_trait @ Def::Item(..)) => self.is_in_scope(of_trait, module),
                _ => true,
            });
        }
        self.of_known_traits(found, module)
    }

    /// The trait that a member belongs to, or implements.
    fn trait_of(&self, member: Def) -> Option<Def> {
        let Def::Item(file, index) = member else { return None };
        match self.names.item(file, index)?.owner? {
            Owner::Item(item) => Some(Def::Item(file, item)),
            Owner::Impl(index) => {
                let place = self.place(file, None)?;
                let of_trait = at(&place.outline.impls, index)?.of_trait?;
                self.traits(place, &[of_trait]).first().copied()
            }
        }
    }

    /// Whether a trait is declared or imported, by any name, in a module, or in a block and what is around it.
    fn is_in_scope(&self, of_trait: Def, module: ModuleIndex) -> bool {
        let names = self.names;
        let Def::Item(file, index) = of_trait else { return true };
        let Some(name) = names.item(file, index).map(|item| item.name) else { return false };
        for index in names.tree.scopes(module).take(MAX_AROUND) {
            let Some(own) = names.tree.modules.get(index) else { break };
            let trail = &mut Trail::new();
            if names.in_module(index, name, Space::Type, index, trail).contains(&of_trait) {
                return true;
            }
            let uses = names.files.get(own.file).into_iter().flat_map(|outline| &outline.uses);
            let mut here = uses.filter(|used| used.container == own.container && !used.is_glob);
            if here.any(|used| names.import(index, used, Space::Type, &mut Trail::new()).contains(&of_trait))
            {
                return true;
            }
        }
        false
    }
}
