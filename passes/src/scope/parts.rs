//! The parts of a spec and what they read of each other, as a lowered graph has them.

use std::collections::{BTreeMap, BTreeSet};

use ir::graph::{Graph, Owner};

use super::selector::{Pattern, Selector};
use super::{ScopeError, Selection};

/// Inputs, views and outputs, with who reads whom. Assertions read as well, but are no parts that can be selected: they come
/// with what they are of.
pub(super) struct Parts {
    reads: BTreeMap<Owner, BTreeSet<Owner>>,
    readers: BTreeMap<Owner, BTreeSet<Owner>>,
    assertions: BTreeMap<Owner, Assertion>,
}

/// What an assertion reads.
#[derive(Default)]
struct Assertion {
    /// Of what it is; nothing for one of what is not there.
    subject: Option<Owner>,
    reads: BTreeSet<Owner>,
}

impl Parts {
    /// Those of a lowered graph; of what is left out of it only the names are known.
    pub(super) fn of(graph: &Graph, left_out: &BTreeSet<Owner>) -> Self {
        let mut parts =
            Self { reads: BTreeMap::new(), readers: BTreeMap::new(), assertions: BTreeMap::new() };
        for owner in left_out.iter().filter(|owner| !matches!(owner, Owner::Assertion(_))) {
            parts.reads.entry(owner.clone()).or_default();
        }
        for node in graph.ids().map(|id| &graph[id]) {
            let read = node.sources.iter().map(|name| match graph.find(name) {
                Some(source) => graph[source].owner.clone(),
                None => Owner::View(name.clone()),
            });
            let read: Vec<Owner> = read.collect();
            if matches!(node.owner, Owner::Assertion(_)) {
                // The lowest of its steps reads the subject first.
                let subject = read.first().filter(|owner| **owner != node.owner).cloned();
                let assertion = parts.assertions.entry(node.owner.clone()).or_default();
                assertion.subject = assertion.subject.take().or(subject);
                assertion.reads.extend(read.into_iter().filter(|owner| *owner != node.owner));
                continue;
            }
            let read: Vec<Owner> = read.into_iter().filter(|owner| *owner != node.owner).collect();
            for source in &read {
                parts.readers.entry(source.clone()).or_default().insert(node.owner.clone());
            }
            parts.reads.entry(node.owner.clone()).or_default().extend(read);
        }
        parts
    }

    /// The inputs and views that are there, by name.
    pub(super) fn views(&self) -> impl Iterator<Item = &str> {
        self.reads.keys().filter(|owner| !owner.is_output()).map(Owner::name)
    }

    /// The outputs that are there, by name.
    pub(super) fn outputs(&self) -> impl Iterator<Item = &str> {
        self.reads.keys().filter(|owner| owner.is_output()).map(Owner::name)
    }

    /// Whether there is such a part.
    pub(super) fn has(&self, owner: &Owner) -> bool {
        self.reads.contains_key(owner)
    }

    /// What a part reads, the names of nothing among it.
    pub(super) fn read_by(&self, owner: &Owner) -> impl Iterator<Item = &Owner> {
        self.reads.get(owner).into_iter().flatten()
    }

    /// Whether one of these parts reads a part.
    pub(super) fn is_read_by_any(&self, owner: &Owner, parts: &BTreeSet<Owner>) -> bool {
        self.readers.get(owner).into_iter().flatten().any(|reader| parts.contains(reader))
    }

    /// The parts with everything that they read, directly and indirectly.
    pub(super) fn with_sources(&self, parts: &BTreeSet<Owner>) -> BTreeSet<Owner> {
        within(parts, usize::MAX, &self.reads)
    }

    /// The parts, the assertions of them, and everything that these read.
    pub(super) fn with_assertions(&self, parts: &BTreeSet<Owner>) -> BTreeSet<Owner> {
        let of_parts = |(_, assertion): &(&Owner, &Assertion)| {
            assertion.subject.as_ref().is_some_and(|subject| parts.contains(subject))
        };
        let mut found = parts.clone();
        for (owner, assertion) in self.assertions.iter().filter(of_parts) {
            found.insert(owner.clone());
            found.extend(self.with_sources(&assertion.reads));
        }
        found
    }

    /// What any of the selectors selects: what it names, and of its sources and readers as many as it says.
    ///
    /// # Errors
    /// For a selector that selects nothing.
    pub(super) fn selected(&self, selection: &Selection) -> Result<BTreeSet<Owner>, ScopeError> {
        let mut selected = BTreeSet::new();
        for selector in &selection.0 {
            let named = self.named(selector)?;
            selected.extend(within(&named, selector.sources, &self.reads));
            selected.extend(within(&named, selector.readers, &self.readers));
        }
        selected.retain(|owner| self.has(owner));
        Ok(selected)
    }

    fn named(&self, selector: &Selector) -> Result<BTreeSet<Owner>, ScopeError> {
        let is_meant = |owner: &&Owner| {
            (owner.is_output() || !selector.outputs_only) && selector.pattern.matches(owner.name())
        };
        let named: BTreeSet<Owner> = self.reads.keys().filter(is_meant).cloned().collect();
        match &selector.pattern {
            _ if !named.is_empty() => Ok(named),
            Pattern::Name(name) => Err(self.unknown(name, selector.outputs_only)),
            Pattern::Glob(pattern) => Err(ScopeError::NoMatch { pattern: pattern.clone() }),
        }
    }

    /// The error for the name of nothing.
    pub(super) fn unknown(&self, name: &str, outputs_only: bool) -> ScopeError {
        let outputs: BTreeSet<&str> = self.outputs().collect();
        if outputs_only {
            let nearest = ir::diag::nearest_name(name, outputs.iter().copied());
            return ScopeError::UnknownOutput {
                name: name.to_owned(),
                nearest: nearest.map(|name| format!("@{name}")),
                there: outputs.into_iter().map(|name| format!("@{name}")).collect(),
            };
        }
        let names: BTreeSet<&str> = self.views().chain(outputs).collect();
        ScopeError::Unknown {
            name: name.to_owned(),
            nearest: ir::diag::nearest_name(name, names.iter().copied()).map(str::to_owned),
            there: names.into_iter().map(str::to_owned).collect(),
        }
    }
}

/// What is at most so many steps from these parts, themselves included.
fn within(
    parts: &BTreeSet<Owner>,
    mut steps: usize,
    edges: &BTreeMap<Owner, BTreeSet<Owner>>,
) -> BTreeSet<Owner> {
    let mut found = parts.clone();
    let mut last: Vec<Owner> = parts.iter().cloned().collect();
    while steps > 0 && !last.is_empty() {
        steps -= 1;
        let next = last.iter().filter_map(|part| edges.get(part)).flatten();
        last = next.filter(|part| found.insert((*part).clone())).cloned().collect();
    }
    found
}
