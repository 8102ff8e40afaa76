//! Settles the scope of every binding and makes span containment agree with the language's scope rule.
//!
//! Readers of the tables resolve a reference by spans alone: of the scopes of the file whose span contains
//! the reference's lookup span, the innermost that declares the name (or redirects it) answers; a scope that
//! is not visible to nested ones counts only when it is the innermost of all. Most of the work is done by
//! choosing spans well. Where text nesting and evaluation order part ways (a comprehension inside the first
//! iterable of another, a `mod` that does not see its parent's names), a redirect row states the answer, so
//! that one rule stays correct everywhere. [`settle`] finds these places by computing both answers.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use super::facts::{Barrier, Facts, Rebinding, Redirect, Reference, ScopeIndex};
use super::kinds::{Namespace, RedirectKind, ScopeKind, UseContext};
use super::names::NameId;
use crate::tree::{NodeIndex, Span};

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
        let mismatches = mismatches(facts, &by_rule, |reference| {
            layout.resolve(facts, &bound, &targets, reference.lookup, reference.name, reference.namespace)
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
    let left = mismatches(facts, &by_rule, |reference| {
        layout.resolve(facts, &bound, &targets, reference.lookup, reference.name, reference.namespace)
    });
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
    facts
        .references
        .iter()
        .map(|reference| {
            let answer =
                answer_by_rule(facts, bound, targets, reference.scope, reference.name, reference.namespace)?;
            binds(bound, answer, reference.name, reference.namespace, false).then_some(answer)
        })
        .collect()
}

fn answer_by_rule(
    facts: &Facts<'_>,
    bound: &Bound,
    targets: &Targets,
    start: ScopeIndex,
    name: NameId,
    namespace: Namespace,
) -> Option<ScopeIndex> {
    let sees_hidden_parent = facts.scopes.get(start)?.kind.sees_hidden_parent();
    let mut current = Some(start);
    let mut hide_locals = false;
    let mut steps = 0;
    while let Some(index) = current {
        let scope = facts.scopes.get(index)?;
        let visible = scope.visible_to_nested || steps == 0 || (steps == 1 && sees_hidden_parent);
        if visible {
            if let Some(&target) = targets.get(&(index, name)) {
                return Some(target);
            }
            if binds(bound, index, name, namespace, hide_locals) {
                return Some(index);
            }
        }
        match scope.barrier {
            Barrier::None => {}
            Barrier::Locals => hide_locals = true,
            Barrier::Everything => return None,
        }
        current = scope.parent;
        steps += 1;
    }
    None
}

/// The nesting of scopes by their spans.
struct Layout {
    /// Scope indexes ordered by start, then widest first, then outermost first.
    order: Vec<ScopeIndex>,
    /// For each position in `order`, the position of the tightest enclosing scope.
    outer: Vec<Option<usize>>,
    spans: Vec<Span>,
}

impl Layout {
    fn new(facts: &Facts<'_>) -> Self {
        let mut order: Vec<ScopeIndex> = (0..facts.scopes.len()).collect();
        let spans: Vec<Span> = facts.scopes.iter().map(|scope| scope.span).collect();
        let span = |index: ScopeIndex| spans.get(index).copied().unwrap_or(Span { start: 0, end: 0 });
        // A parent has a smaller index than its children, so the index breaks ties of equal spans.
        order.sort_by_key(|&index| (span(index).start, std::cmp::Reverse(span(index).end), index));
        let mut outer = Vec::with_capacity(order.len());
        let mut open: Vec<usize> = Vec::new();
        for (position, &index) in order.iter().enumerate() {
            while let Some(&top) = open.last() {
                if order.get(top).is_some_and(|&other| span(other).contains(span(index))) {
                    break;
                }
                open.pop();
            }
            outer.push(open.last().copied());
            open.push(position);
        }
        Self { order, outer, spans }
    }

    /// The tightest scope that contains `place`, as a position in `order`.
    fn position(&self, place: Span) -> Option<usize> {
        let after = self.order.partition_point(|&index| self.span(index).start <= place.start);
        let mut current = after.checked_sub(1);
        while let Some(position) = current {
            let index = *self.order.get(position)?;
            if self.span(index).contains(place) {
                return Some(position);
            }
            current = self.outer.get(position).copied().flatten();
        }
        None
    }

    fn innermost(&self, place: Span) -> Option<ScopeIndex> {
        self.order.get(self.position(place)?).copied()
    }

    fn span(&self, index: ScopeIndex) -> Span {
        self.spans.get(index).copied().unwrap_or(Span { start: 0, end: 0 })
    }

    /// The scope that binds the name by the span rule.
    fn resolve(
        &self,
        facts: &Facts<'_>,
        bound: &Bound,
        targets: &Targets,
        place: Span,
        name: NameId,
        namespace: Namespace,
    ) -> Option<ScopeIndex> {
        let mut current = self.position(place);
        let mut innermost = true;
        while let Some(position) = current {
            let index = *self.order.get(position)?;
            let visible = innermost || facts.scopes.get(index)?.visible_to_nested;
            if visible {
                if let Some(&target) = targets.get(&(index, name)) {
                    return binds(bound, target, name, namespace, false).then_some(target);
                }
                if binds(bound, index, name, namespace, false) {
                    return Some(index);
                }
            }
            innermost = false;
            current = self.outer.get(position).copied().flatten();
        }
        None
    }
}
