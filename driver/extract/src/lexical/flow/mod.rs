//! Which bindings a name may have where it is used.
//!
//! A scope says where a name is bound, not by what: in straight-line code it is the last binding before the use, after a
//! branch those of all its arms. [`flow`] walks a file's syntax once, in the order of evaluation, and keeps for every name
//! with several bindings those that may be in force ([`state`]). What a body does that runs later (a function's) sees
//! whatever is in force when the scope around it has been evaluated.
//!
//! Answered are names whose value matters, those that are called or looked into, and of the others those that mean something
//! else than the first definition of the name in its scope.

mod needs;
mod rules;
mod state;

use std::collections::{HashMap, HashSet};

use super::facts::{BindingIndex, Facts, Rebinding, ReferenceIndex, ScopeIndex};
use super::kinds::{Namespace, ScopeKind, UseContext};
use super::names::NameId;
use crate::tree::{NodeIndex, SyntaxTree};
use needs::{Needs, is_variable};
pub(crate) use rules::{Arm, Control, Effect, FlowRules};
use state::{Bindings, State};

/// A name of a scope.
type Key = (ScopeIndex, NameId);

/// Fills [`Facts::reaching`] and says of every binding whether it reaches the end of its scope.
pub(crate) fn flow(tree: &SyntaxTree<'_>, facts: &mut Facts<'_>, rules: &FlowRules) {
    let names = Names::of(facts);
    let needs = Needs::of(facts, &names);
    let mut walk = Walk::new(tree, facts, &names, &needs, rules);
    walk.run(tree, facts, rules);
    let Walk { found, ended, .. } = walk;
    for (&key, bindings) in &names.bindings {
        let Some(last) = ended.get(&key) else { continue };
        for &index in bindings {
            if let Some(binding) = facts.bindings.get_mut(index) {
                binding.reaches_end = binding.rebinding == Rebinding::Elsewhere || last.contains(index);
            }
        }
    }
    facts.reaching = needs.answers(facts, &names, &found, &ended);
}

/// The bindings of the file, by what they bind.
struct Names {
    bindings: HashMap<Key, Vec<BindingIndex>>,
    /// The first binding of the variable that a binding is of; itself for others.
    symbols: Vec<BindingIndex>,
}

impl Names {
    fn of(facts: &Facts<'_>) -> Self {
        let mut bindings: HashMap<Key, Vec<BindingIndex>> = HashMap::new();
        let mut variables: HashMap<Key, BindingIndex> = HashMap::new();
        let mut symbols: Vec<BindingIndex> = (0..facts.bindings.len()).collect();
        for (index, binding) in facts.bindings.iter().enumerate() {
            if binding.namespace != Namespace::Member {
                let key = (binding.scope, binding.name);
                bindings.entry(key).or_default().push(index);
                if is_variable(binding.kind)
                    && let Some(symbol) = symbols.get_mut(index)
                {
                    *symbol = *variables.entry(key).or_insert(index);
                }
            }
        }
        Self { bindings, symbols }
    }

    fn of_key(&self, key: Key) -> &[BindingIndex] {
        self.bindings.get(&key).map_or(&[], Vec::as_slice)
    }

    /// The binding that stands for what a binding defines.
    fn symbol(&self, binding: BindingIndex) -> Option<BindingIndex> {
        self.symbols.get(binding).copied()
    }

    /// The first binding of a name.
    fn first(&self, key: Key) -> Option<BindingIndex> {
        self.of_key(key).first().copied()
    }
}

/// For each scope the one together with which it is evaluated, the outermost of those around it. A name is evaluated
/// together with the scope that answers it, or later, when that is the same for both.
fn evaluated_with(facts: &Facts<'_>) -> Vec<ScopeIndex> {
    let mut with: Vec<ScopeIndex> = Vec::with_capacity(facts.scopes.len());
    for (index, scope) in facts.scopes.iter().enumerate() {
        let passes =
            matches!(scope.kind, ScopeKind::Class | ScopeKind::Comprehension | ScopeKind::TypeParameters);
        let around = scope.parent.filter(|_| passes).and_then(|parent| with.get(parent).copied());
        with.push(around.unwrap_or(index));
    }
    with
}

/// Whether a binding is one of several signatures.
fn is_overload(facts: &Facts<'_>, index: BindingIndex) -> bool {
    facts.bindings.get(index).is_some_and(|binding| binding.rebinding == Rebinding::Overloads)
}

/// Whether a name of the scope that is not bound yet is looked up elsewhere instead of being an error.
fn has_names_around(facts: &Facts<'_>, scope: ScopeIndex) -> bool {
    facts.scopes.get(scope).is_some_and(|scope| matches!(scope.kind, ScopeKind::Module | ScopeKind::Class))
}

/// The walk over one file.
struct Walk<'n> {
    names: &'n Names,
    /// Bindings in force from the end, or the beginning, of a node.
    on_leave: HashMap<NodeIndex, Vec<BindingIndex>>,
    on_enter: HashMap<NodeIndex, Vec<BindingIndex>>,
    /// References that are looked up on the way, by their nodes.
    uses: HashMap<NodeIndex, Vec<ReferenceIndex>>,
    /// The scopes whose evaluation ends with a node.
    closing: HashMap<NodeIndex, Vec<ScopeIndex>>,
    /// The names of a scope that are followed.
    followed: HashMap<ScopeIndex, Vec<NameId>>,
    /// Followed bindings with the node from which they are in force, in order.
    places: Vec<(NodeIndex, BindingIndex)>,
    state: State,
    found: HashMap<ReferenceIndex, Bindings>,
    ended: HashMap<Key, Bindings>,
}

impl<'n> Walk<'n> {
    fn new(
        tree: &SyntaxTree<'_>,
        facts: &Facts<'_>,
        names: &'n Names,
        needs: &Needs,
        rules: &FlowRules,
    ) -> Self {
        let mut walk = Self {
            names,
            on_leave: HashMap::new(),
            on_enter: HashMap::new(),
            uses: HashMap::new(),
            closing: HashMap::new(),
            followed: HashMap::new(),
            places: Vec::new(),
            state: State::default(),
            found: HashMap::new(),
            ended: HashMap::new(),
        };
        walk.add_uses(facts, needs);
        for (&key, bindings) in &names.bindings {
            if bindings.len() > 1 || has_names_around(facts, key.0) {
                walk.follow(tree, facts, key, bindings, rules);
            }
        }
        walk.places.sort_unstable();
        for (index, scope) in facts.scopes.iter().enumerate().skip(1) {
            let body =
                tree.child_by_field(scope.node, "body").filter(|_| scope.kind != ScopeKind::Comprehension);
            let body = body.unwrap_or(scope.node);
            if walk.followed.contains_key(&index) {
                walk.closing.entry(body).or_default().push(index);
            }
        }
        walk
    }

    /// Notes the needed references that are evaluated with their scope.
    fn add_uses(&mut self, facts: &Facts<'_>, needs: &Needs) {
        let together = evaluated_with(facts);
        for index in needs.references() {
            let (Some(reference), Some(&Some(answer))) =
                (facts.references.get(index), facts.answers.get(index))
            else {
                continue;
            };
            // What an annotation means may be defined behind it.
            let is_inline = together.get(reference.scope) == together.get(answer);
            if reference.context == UseContext::Type || !is_inline {
                continue;
            }
            // A local variable has nothing else to be before it is bound.
            let is_alone = self.names.of_key((answer, reference.name)).len() == 1;
            if !is_alone || has_names_around(facts, answer) {
                self.uses.entry(reference.node).or_default().push(index);
            }
        }
    }

    fn follow(
        &mut self,
        tree: &SyntaxTree<'_>,
        facts: &Facts<'_>,
        key: Key,
        bindings: &[BindingIndex],
        rules: &FlowRules,
    ) {
        self.followed.entry(key.0).or_default().push(key.1);
        for &index in bindings {
            let Some(binding) = facts.bindings.get(index) else { continue };
            if !matches!(binding.rebinding, Rebinding::Replaces | Rebinding::Overloads) {
                continue;
            }
            let node = match (rules.effect)(tree, binding.name_node) {
                Effect::Enter(node) => {
                    self.on_enter.entry(node).or_default().push(index);
                    node
                }
                Effect::Leave(node) => {
                    self.on_leave.entry(node).or_default().push(index);
                    node
                }
            };
            self.places.push((node, index));
        }
    }

    fn run(&mut self, tree: &SyntaxTree<'_>, facts: &Facts<'_>, rules: &FlowRules) {
        if self.followed.is_empty() {
            return;
        }
        let deleted: HashSet<NodeIndex> = facts
            .references
            .iter()
            .filter(|reference| reference.context == UseContext::Delete)
            .map(|reference| reference.node)
            .collect();
        let mut open: Vec<(NodeIndex, NodeIndex, Option<Control>)> = Vec::new();
        for (index, node) in tree.nodes.iter().enumerate().filter(|(_, node)| node.named) {
            if tree.deadline.is_over_at(index) {
                return;
            }
            while let Some(&(end, closed, control)) = open.last() {
                if end > index {
                    break;
                }
                open.pop();
                self.leave(facts, closed, control, &deleted);
            }
            let control = (rules.control)(tree, index);
            self.enter(tree, facts, index, control, &deleted);
            let acts =
                control.is_some() || self.on_leave.contains_key(&index) || self.closing.contains_key(&index);
            if acts {
                open.push((node.subtree_end, index, control));
            }
        }
        while let Some((_, closed, control)) = open.pop() {
            self.leave(facts, closed, control, &deleted);
        }
        self.close(0);
    }

    fn enter(
        &mut self,
        tree: &SyntaxTree<'_>,
        facts: &Facts<'_>,
        index: NodeIndex,
        control: Option<Control>,
        deleted: &HashSet<NodeIndex>,
    ) {
        match control {
            Some(Control::Arm(Arm::Repeated)) => {
                let again = self.bound_within(facts, index, tree.node(index).subtree_end);
                self.state.enter_repeated(&again);
            }
            Some(control) => self.state.enter(control),
            None => {}
        }
        self.bind(facts, self.on_enter.get(&index).cloned(), deleted);
        for reference in self.uses.get(&index).into_iter().flatten().copied() {
            let (Some(used), Some(&Some(answer))) =
                (facts.references.get(reference), facts.answers.get(reference))
            else {
                continue;
            };
            let mut bindings = self.state.lookup((answer, used.name));
            let kind = facts.scopes.get(answer).map(|scope| scope.kind);
            if bindings.may_be_unbound() && kind == Some(ScopeKind::Class) {
                // What a class has not bound yet is looked up among the module's names.
                let around = self.module_name(used.name);
                bindings = bindings.iter().chain(around.iter()).collect::<Bindings>().or_unbound(&around);
            }
            self.found.insert(reference, bindings);
        }
    }

    /// The bindings of a name of the module, at a place that a class evaluates.
    fn module_name(&self, name: NameId) -> Bindings {
        let now = self.state.lookup((0, name));
        if !now.is_empty() {
            return now;
        }
        self.names.of_key((0, name)).iter().copied().collect()
    }

    fn leave(
        &mut self,
        facts: &Facts<'_>,
        index: NodeIndex,
        control: Option<Control>,
        deleted: &HashSet<NodeIndex>,
    ) {
        for scope in self.closing.get(&index).cloned().unwrap_or_default() {
            self.close(scope);
        }
        if let Some(control) = control {
            self.state.leave(control);
        }
        self.bind(facts, self.on_leave.get(&index).cloned(), deleted);
    }

    /// Puts bindings in force.
    fn bind(&mut self, facts: &Facts<'_>, bindings: Option<Vec<BindingIndex>>, deleted: &HashSet<NodeIndex>) {
        for index in bindings.unwrap_or_default() {
            let Some(binding) = facts.bindings.get(index) else { continue };
            let key = (binding.scope, binding.name);
            let mut value =
                if deleted.contains(&binding.name_node) { Bindings::default() } else { Bindings::one(index) };
            if binding.rebinding == Rebinding::Overloads {
                let before = self.state.lookup(key);
                if before.iter().all(|other| is_overload(facts, other)) {
                    value = before.iter().chain([index]).collect();
                }
            }
            self.state.set(key, value);
        }
    }

    /// The bindings that are made between two nodes.
    fn bound_within(&self, facts: &Facts<'_>, start: NodeIndex, end: NodeIndex) -> Vec<(Key, BindingIndex)> {
        let from = self.places.partition_point(|&(place, _)| place < start);
        let inside = self.places.iter().skip(from).take_while(|&&(place, _)| place < end);
        inside
            .filter_map(|&(_, index)| {
                let binding = facts.bindings.get(index)?;
                Some(((binding.scope, binding.name), index))
            })
            .collect()
    }

    /// Notes what the names of a scope are bound to when it has been evaluated.
    fn close(&mut self, scope: ScopeIndex) {
        for name in self.followed.get(&scope).into_iter().flatten() {
            let key = (scope, *name);
            self.ended.insert(key, self.state.lookup(key));
        }
    }
}
