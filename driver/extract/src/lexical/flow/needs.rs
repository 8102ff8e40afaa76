//! Which references are answered, and what the answers are.

use std::collections::{HashMap, HashSet};

use super::state::Bindings;
use super::{Key, Names, has_names_around};
use crate::lexical::facts::{BindingIndex, Facts, Rebinding, ReferenceIndex};
use crate::lexical::kinds::{BindingKind, Namespace, UseContext};
use crate::tree::NodeIndex;

/// The references that are answered.
pub(super) struct Needs {
    /// Those whose value matters: what is called, and the names that paths to values start from.
    values: Vec<ReferenceIndex>,
    /// Those that may mean something else than the first definition of their name.
    meanings: Vec<ReferenceIndex>,
}

impl Needs {
    pub(super) fn of(facts: &Facts<'_>, names: &Names) -> Self {
        let attributes = facts.references.iter().filter_map(|reference| reference.path.as_ref());
        let callees = facts.calls.iter().filter_map(|call| call.path.as_ref());
        let values = facts.values.iter().filter_map(|value| value.path.as_ref());
        let heads: HashSet<NodeIndex> =
            attributes.chain(callees).chain(values).map(|path| path.head).collect();
        let mut needs = Self { values: Vec::new(), meanings: Vec::new() };
        for (index, reference) in facts.references.iter().enumerate() {
            let is_value = reference.context == UseContext::Call
                || (reference.context.is_lexical() && heads.contains(&reference.node));
            if is_value {
                needs.values.push(index);
            } else if reference.context.is_lexical()
                && reference.context != UseContext::Write
                && let Some(&Some(answer)) = facts.answers.get(index)
                && (has_names_around(facts, answer)
                    || is_of_kinds(facts, names.of_key((answer, reference.name))))
            {
                needs.meanings.push(index);
            }
        }
        needs
    }

    /// All of them.
    pub(super) fn references(&self) -> impl Iterator<Item = ReferenceIndex> {
        self.values.iter().chain(&self.meanings).copied()
    }

    /// Their bindings, and none where a name may have none.
    pub(super) fn answers(
        &self,
        facts: &Facts<'_>,
        names: &Names,
        found: &HashMap<ReferenceIndex, Bindings>,
        ended: &HashMap<Key, Bindings>,
    ) -> Vec<(ReferenceIndex, Option<BindingIndex>)> {
        let mut known: HashMap<(Key, Option<Namespace>), Vec<BindingIndex>> = HashMap::new();
        let mut reaching = Vec::with_capacity(self.values.len());
        let values = self.values.iter().map(|&index| (index, true));
        let meanings = self.meanings.iter().map(|&index| (index, false));
        for (index, is_value) in values.chain(meanings) {
            let before = reaching.len();
            let (Some(reference), Some(&Some(answer))) =
                (facts.references.get(index), facts.answers.get(index))
            else {
                if is_value {
                    reaching.push((index, None));
                }
                continue;
            };
            let on_the_way = found.get(&index);
            let key = (answer, reference.name);
            let from_outside = if on_the_way.is_none() { Some(reference.namespace) } else { None };
            let others = known
                .entry((key, from_outside))
                .or_insert_with(|| in_force(facts, names.of_key(key), from_outside));
            let bindings = on_the_way.into_iter().flat_map(Bindings::iter).chain(others.iter().copied());
            reaching.extend(bindings.take(Bindings::MOST).map(|binding| (index, Some(binding))));
            let at_end = || ended.get(&key).filter(|_| reference.context != UseContext::Type);
            let may_be_unbound = has_names_around(facts, answer)
                && on_the_way.or_else(at_end).is_some_and(Bindings::may_be_unbound);
            if may_be_unbound || (is_value && reaching.len() == before) {
                reaching.push((index, None));
            }
            let is_first = |&(_, binding): &(ReferenceIndex, Option<BindingIndex>)| {
                binding.is_some_and(|binding| names.symbol(binding) == names.first(key))
            };
            if !is_value && reaching.iter().skip(before).all(is_first) {
                reaching.truncate(before);
            }
        }
        reaching
    }
}

/// Whether bindings of one name are of several things: all variables of a name are one.
fn is_of_kinds(facts: &Facts<'_>, bindings: &[BindingIndex]) -> bool {
    let is_definition =
        |&index: &BindingIndex| facts.bindings.get(index).is_some_and(|it| !is_variable(it.kind));
    bindings.len() > 1 && bindings.iter().any(is_definition)
}

/// Whether all bindings of this kind of one name in one scope are one thing.
pub(super) fn is_variable(kind: BindingKind) -> bool {
    matches!(kind, BindingKind::Variable | BindingKind::Parameter)
}

/// The bindings that may be in force wherever the name is used: of a use in a body that runs later, with the namespace that
/// it looks up, those that are there when the scope has been evaluated; of others what is bound elsewhere, at any time.
fn in_force(
    facts: &Facts<'_>,
    bindings: &[BindingIndex],
    from_outside: Option<Namespace>,
) -> Vec<BindingIndex> {
    let is_in_force = |binding: &&BindingIndex| {
        facts.bindings.get(**binding).is_some_and(|it| match from_outside {
            None => it.rebinding == Rebinding::Elsewhere,
            Some(namespace) => it.reaches_end && namespace.finds(it.namespace),
        })
    };
    bindings.iter().filter(is_in_force).take(Bindings::MOST).copied().collect()
}
