//! Settles the scope of every binding and makes span containment agree with the language's scope rule.
//!
//! Readers of the tables resolve a reference by spans alone: of the scopes of the file whose span contains
//! the reference's lookup span, the innermost that declares the name (or redirects it) answers; a scope that
//! is not visible to nested ones counts only when it is the innermost of all. Most of the work is done by
//! choosing spans well. Where text nesting and evaluation order part ways (a comprehension inside the first
//! iterable of another, a `mod` that does not see its parent's names), a redirect row states the answer, so
//! that one rule stays correct everywhere. [`settle`] finds these places by computing both answers.

mod layout;
mod nest;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use super::facts::{Barrier, Facts, Rebinding, Redirect, Reference, ScopeIndex};
use super::kinds::{Namespace, RedirectKind, ScopeKind, UseContext};
use super::names::NameId;
use crate::tree::NodeIndex;
use layout::Layout;
use nest::Marks;
pub(crate) use nest::Nest;

/// How often redirects are added; every round corrects at least one lookup.
const MAX_ROUNDS: usize = 4;

/// Names bound in each scope: the namespaces they are bound in, and whether as local variables.
type Bound = HashMap<(ScopeIndex, NameId), Vec<(Namespace, bool)>>;
/// Redirect targets.
type Targets = HashMap<(ScopeIndex, NameId), ScopeIndex>;

/// Resolves scope declarations, moves bindings to the scope they bind in, and adds the redirects without
/// which spans would mislead. Returns the number of references whose two answers still differ, which is 0
/// unless one scope would need two different redirects for one name.
pub(crate) fn settle(facts: &mut Facts<'_>) -> usize {
    let (answers, left) = correct(facts);
    facts.answers = answers;
    left
}

/// [`settle`], with the answers by the language's rule.
fn correct(facts: &mut Facts<'_>) -> (Vec<Option<ScopeIndex>>, usize) {
    facts.redirects = declared_redirects(facts);
    let mut targets: Targets =
        facts.redirects.iter().map(|redirect| ((redirect.scope, redirect.name), redirect.target)).collect();
    move_bindings(facts, &targets);
    let bound = bound_names(facts);
    let by_rule = resolve_by_rule(facts, &bound, &targets);
    let layout = Layout::new(facts);
    // A redirect may mislead a lookup that passes its scope on the way out, which then gets its own.
    for _ in 0..MAX_ROUNDS {
        let marks = layout.marks(&bound, &targets);
        let mismatches = mismatches(facts, &by_rule, |reference| {
            layout.resolve(facts, (&bound, &targets, &marks), reference)
        });
        let mut progress = false;
        for &(index, expected) in &mismatches {
            let Some(reference) = facts.references.get(index) else { continue };
            let Some(scope) = layout.innermost(reference.lookup) else { continue };
            let name = reference.name;
            let target = expected.unwrap_or_else(|| unbound_target(facts, &bound, scope, name));
            if let Entry::Vacant(slot) = targets.entry((scope, name)) {
                slot.insert(target);
                facts.redirects.push(Redirect {
                    scope,
                    name,
                    target,
                    kind: RedirectKind::EvaluatedElsewhere,
                });
                progress = true;
            }
        }
        if !progress {
            return (by_rule, mismatches.len());
        }
    }
    let marks = layout.marks(&bound, &targets);
    let left =
        mismatches(facts, &by_rule, |reference| layout.resolve(facts, (&bound, &targets, &marks), reference));
    (by_rule, left.len())
}

/// The references for which `found` differs from the expected scope, with that scope.
fn mismatches(
    facts: &Facts<'_>,
    expected: &[Option<ScopeIndex>],
    found: impl Fn(&Reference<'_>) -> Option<ScopeIndex>,
) -> Vec<(usize, Option<ScopeIndex>)> {
    facts
        .references
        .iter()
        .zip(expected)
        .enumerate()
        .filter(|(_, (reference, expected))| reference.context.is_lexical() && found(reference) != **expected)
        .map(|(index, (_, expected))| (index, *expected))
        .collect()
}

/// Moves bindings to the scope a declaration sends them to. A definition or import that binds elsewhere also
/// counts as a use there, so that its place in the text is connected to the name.
fn move_bindings(facts: &mut Facts<'_>, targets: &Targets) {
    let used: HashSet<NodeIndex> = facts.references.iter().map(|reference| reference.node).collect();
    for binding in &mut facts.bindings {
        let Some(&target) = targets.get(&(binding.scope, binding.name)) else { continue };
        if !used.contains(&binding.name_node) {
            facts.references.push(Reference {
                node: binding.name_node,
                name: binding.name,
                text: binding.text,
                context: UseContext::Write,
                is_written: true,
                namespace: binding.namespace,
                span: binding.name_span,
                lookup: binding.name_span,
                scope: binding.scope,
                receiver: None,
                path: None,
                class: None,
                enclosing: binding.enclosing,
            });
        }
        binding.scope = target;
        binding.rebinding = Rebinding::Elsewhere;
    }
}

/// A scope that does not bind `name`, to say that the name is not bound in the file: the scope itself or
/// its nearest ancestor without the name; failing that the module.
fn unbound_target(facts: &Facts<'_>, bound: &Bound, scope: ScopeIndex, name: NameId) -> ScopeIndex {
    let mut current = Some(scope);
    while let Some(index) = current {
        if !bound.contains_key(&(index, name)) {
            return index;
        }
        current = facts.scopes.get(index).and_then(|scope| scope.parent);
    }
    0
}

/// The redirects of `global` and `nonlocal`.
fn declared_redirects(facts: &Facts<'_>) -> Vec<Redirect> {
    let globals: HashSet<(ScopeIndex, NameId)> = facts
        .declarations
        .iter()
        .filter(|declaration| declaration.global)
        .map(|declaration| (declaration.scope, declaration.name))
        .collect();
    let nonlocals: HashSet<(ScopeIndex, NameId)> = facts
        .declarations
        .iter()
        .filter(|declaration| !declaration.global)
        .map(|declaration| (declaration.scope, declaration.name))
        .collect();
    let bound: HashSet<(ScopeIndex, NameId)> =
        facts.bindings.iter().map(|binding| (binding.scope, binding.name)).collect();
    let mut seen = HashSet::new();
    let mut redirects = Vec::new();
    for declaration in &facts.declarations {
        let key = (declaration.scope, declaration.name);
        let target = if declaration.global {
            Some(0)
        } else {
            nonlocal_target(facts, key, &globals, &nonlocals, &bound)
        };
        let Some(target) = target else { continue };
        if target != declaration.scope && seen.insert(key) {
            let kind = if declaration.global { RedirectKind::Global } else { RedirectKind::Nonlocal };
            redirects.push(Redirect { scope: declaration.scope, name: declaration.name, target, kind });
        }
    }
    redirects
}

/// The nearest enclosing function scope that binds the name; none when there is no such scope (an error in
/// the program).
fn nonlocal_target(
    facts: &Facts<'_>,
    (scope, name): (ScopeIndex, NameId),
    globals: &HashSet<(ScopeIndex, NameId)>,
    nonlocals: &HashSet<(ScopeIndex, NameId)>,
    bound: &HashSet<(ScopeIndex, NameId)>,
) -> Option<ScopeIndex> {
    let mut current = facts.scopes.get(scope)?.parent;
    while let Some(index) = current {
        let candidate = facts.scopes.get(index)?;
        let key = (index, name);
        let function = candidate.visible_to_nested && candidate.parent.is_some();
        if function && globals.contains(&key) {
            return None;
        }
        if function && bound.contains(&key) && !nonlocals.contains(&key) {
            return Some(index);
        }
        current = candidate.parent;
    }
    None
}

fn bound_names(facts: &Facts<'_>) -> Bound {
    let mut bound = Bound::new();
    for binding in &facts.bindings {
        // The parameters that a definition is generic in are outside of its body, which sees them; of a definition around
        // that no program may use them (E0401 of rustc).
        let generic = facts.scopes.get(binding.scope).is_some_and(|it| it.kind == ScopeKind::TypeParameters);
        let local = binding.kind.is_local() && !generic;
        let known = bound.entry((binding.scope, binding.name)).or_default();
        if !known.contains(&(binding.namespace, local)) {
            known.push((binding.namespace, local));
        }
    }
    bound
}

/// Whether `scope` binds the name, by something else than a local variable when those are hidden.
fn binds(bound: &Bound, scope: ScopeIndex, name: NameId, namespace: Namespace, hide_locals: bool) -> bool {
    let seen = |&(other, local): &(Namespace, bool)| namespace.finds(other) && !(hide_locals && local);
    bound.get(&(scope, name)).is_some_and(|known| known.iter().any(seen))
}

/// For every reference the scope that binds its name by the language's rule, following parents and barriers.
fn resolve_by_rule(facts: &Facts<'_>, bound: &Bound, targets: &Targets) -> Vec<Option<ScopeIndex>> {
    let rule = Rule::new(facts, bound, targets);
    facts
        .references
        .iter()
        .map(|reference| {
            let answer = rule.answer(facts, bound, targets, reference)?;
            binds(bound, answer, reference.name, reference.namespace, false).then_some(answer)
        })
        .collect()
}

/// The nesting of scopes by the language's rule.
struct Rule {
    nest: Nest,
    /// The scopes that have to do with names.
    marks: Marks,
    /// For each scope the nearest, itself or around it, that local variables outside are not seen from, and the nearest
    /// that nothing outside is seen from.
    walls: Vec<(Option<ScopeIndex>, Option<ScopeIndex>)>,
}

impl Rule {
    fn new(facts: &Facts<'_>, bound: &Bound, targets: &Targets) -> Self {
        let parents: Vec<Option<ScopeIndex>> = facts.scopes.iter().map(|scope| scope.parent).collect();
        let nest = Nest::new(&parents);
        let redirecting = targets.keys().filter(|key| !bound.contains_key(key));
        let marks = nest.mark(bound.keys().chain(redirecting).map(|&(scope, name)| (name, scope)).collect());
        let mut walls: Vec<(Option<ScopeIndex>, Option<ScopeIndex>)> = Vec::with_capacity(facts.scopes.len());
        for (index, scope) in facts.scopes.iter().enumerate() {
            let (locals, everything) =
                scope.parent.and_then(|parent| walls.get(parent).copied()).unwrap_or_default();
            walls.push(match scope.barrier {
                Barrier::None => (locals, everything),
                Barrier::Locals => (Some(index), everything),
                Barrier::Everything => (locals, Some(index)),
            });
        }
        Self { nest, marks, walls }
    }

    /// The scope that answers a reference, or that its name is redirected to.
    fn answer(
        &self,
        facts: &Facts<'_>,
        bound: &Bound,
        targets: &Targets,
        reference: &Reference<'_>,
    ) -> Option<ScopeIndex> {
        let (start, name) = (reference.scope, reference.name);
        let innermost = facts.scopes.get(start)?;
        let hidden_parent = innermost.parent.filter(|_| innermost.kind.sees_hidden_parent());
        let (locals, everything) = self.walls.get(start).copied()?;
        // A scope around a wall has a smaller number than it.
        let is_behind = |index: ScopeIndex, wall: Option<ScopeIndex>| {
            wall.is_some_and(|wall| self.nest.number(index) < self.nest.number(wall))
        };
        for index in self.marks.around(&self.nest, start, name) {
            if is_behind(index, everything) {
                return None;
            }
            let scope = facts.scopes.get(index)?;
            if !scope.visible_to_nested && index != start && hidden_parent != Some(index) {
                continue;
            }
            if let Some(&target) = targets.get(&(index, name)) {
                return Some(target);
            }
            if binds(bound, index, name, reference.namespace, is_behind(index, locals)) {
                return Some(index);
            }
        }
        None
    }
}
