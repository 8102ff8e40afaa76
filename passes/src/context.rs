//! What a pass may know and say.

use std::collections::BTreeSet;

use arrow_schema::DataType;
use ir::diag::{Diagnostic, SpecPath, codes};
use ir::graph::{Graph, Node, NodeId, Owner};
use ir::oracle::Oracle;
use ir::origin::{Origins, Place, SpecField};

use crate::analysis::history::History;
use crate::parsed::ParsedQueries;

/// From so many findings on, none lists the names that would have been right.
const MANY_FINDINGS: usize = 200;

/// The surroundings of a pass: the engine's answers, where in the spec the graph comes from, and what was found so far.
pub struct Context<'a> {
    /// Types and tables.
    pub oracle: &'a dyn Oracle,
    /// Where in the spec the graph comes from; nothing is known of a graph that is read from text.
    pub origins: Origins,
    /// What earlier runs counted; nothing where nobody is to know.
    pub history: Option<&'a History>,
    /// Queries that earlier compilations have parsed.
    pub(crate) queries: Option<&'a ParsedQueries>,
    /// Everything found wrong with the spec.
    pub diagnostics: Vec<Diagnostic>,
    pub(crate) reported: Reported,
    /// How relations are said to join, until that is checked.
    pub(crate) joins: Vec<JoinDeclaration>,
    remarks: Vec<String>,
}

/// An edge of the spec's join graph.
#[derive(Clone, Debug)]
pub(crate) struct JoinDeclaration {
    /// The left and the right relation.
    pub(crate) relations: [String; 2],
    /// Pairs of columns that are equal.
    pub(crate) keys: Vec<(String, String)>,
    /// Where it stands.
    pub(crate) place: SpecPath,
}

/// What is already reported as wrong. Nothing more is said about it and about what depends on it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reported {
    /// Views, inputs and outputs.
    pub(crate) owners: BTreeSet<Owner>,
    /// Those of them that are only not compiled.
    pub(crate) elsewhere: BTreeSet<Owner>,
    /// Whether inputs are among these.
    pub(crate) inputs_elsewhere: bool,
    /// Placeholders whose values are wrong, as they are spelled.
    pub(crate) placeholders: BTreeSet<String>,
    /// Placeholders of what is not compiled.
    pub(crate) placeholders_elsewhere: BTreeSet<String>,
    /// Whether the values of placeholders could not be read at all.
    pub(crate) all_placeholders: bool,
}

impl<'a> Context<'a> {
    /// Whether values of two types are compared for what they are. A number and a text can be, by making one of the other, and
    /// nobody who writes that means it.
    #[must_use]
    pub(crate) fn are_comparable(&self, left: &DataType, right: &DataType) -> bool {
        self.oracle.comparable(left, right) && left.is_numeric() == right.is_numeric()
    }

    /// A context in which nothing has been found yet.
    #[must_use]
    pub fn new(oracle: &'a dyn Oracle) -> Self {
        Self {
            oracle,
            origins: Origins::default(),
            history: None,
            queries: None,
            diagnostics: Vec::new(),
            reported: Reported::default(),
            joins: Vec::new(),
            remarks: Vec::new(),
        }
    }

    /// The same, for a graph of which it is known where it comes from.
    #[must_use]
    pub fn with_origins(self, origins: Origins) -> Self {
        Self { origins, ..self }
    }

    /// The same, with what earlier runs counted.
    #[must_use]
    pub fn with_history(self, history: Option<&'a History>) -> Self {
        Self { history, ..self }
    }

    /// The same, with queries that are parsed already.
    #[must_use]
    pub(crate) fn with_queries(self, queries: Option<&'a ParsedQueries>) -> Self {
        Self { queries, ..self }
    }

    /// Reports a mistake or a warning.
    pub fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Names that a finding can be told: those that would be right. Nothing once there are many findings, since each such
    /// finding holds and compares every name.
    pub(crate) fn told<N>(&self, names: impl FnOnce() -> Vec<N>) -> Vec<N> {
        if self.diagnostics.len() < MANY_FINDINGS { names() } else { Vec::new() }
    }

    /// Reports a mistake in the definition of a view, input or output, which is broken from then on.
    pub fn report_broken(&mut self, owner: &Owner, diagnostic: Diagnostic) {
        if diagnostic.is_error() {
            self.leave_out(owner.clone());
        }
        self.report(diagnostic);
    }

    /// Nothing more is said about a view, input or output and about what depends on it.
    pub(crate) fn leave_out(&mut self, owner: Owner) {
        self.reported.owners.insert(owner);
    }

    /// Whether the view or input of this name is already reported as wrong.
    pub(crate) fn is_view_broken(&self, name: &str) -> bool {
        self.reported.owners.contains(&Owner::View(name.to_owned()))
    }

    /// Whether a node belongs to something that is already reported as wrong.
    #[must_use]
    pub fn is_broken(&self, node: &Node) -> bool {
        self.reported.owners.contains(&node.owner)
    }

    /// Records a decision, for people who look at the stages.
    pub fn remark(&mut self, text: impl Into<String>) {
        self.remarks.push(text.into());
    }

    pub(crate) fn take_remarks(&mut self) -> Vec<String> {
        std::mem::take(&mut self.remarks)
    }

    /// Lets what the spec says about sharing a node hold for another one that takes its place, and warns where the
    /// spec says the opposite of that one.
    pub(crate) fn carry_cache_override(&mut self, graph: &mut Graph, from: NodeId, to: NodeId) {
        let (from, to) = (graph.name_of(from).to_owned(), graph.name_of(to).to_owned());
        let policy = &mut graph.cache;
        let (list, opposite, action) = if policy.force.contains(&from) {
            (&mut policy.force, &policy.never, "NeverCache")
        } else if policy.never.contains(&from) {
            (&mut policy.never, &policy.force, "ForceCache")
        } else {
            return;
        };
        if opposite.contains(&to) {
            let why = format!("its rows are those of `{to}`, for which the spec says {action}");
            self.refuse_cache_override(graph, &from, &why);
            return;
        }
        list.retain(|name| *name != from);
        let has_own = list.contains(&to);
        if !has_own {
            list.push(to.clone());
            list.sort();
        }
        self.origins.carry_cache_overrides(&from, &to, has_own);
        self.remark(format!("what the spec says about caching {from} holds for {to}"));
    }

    /// Warns that what the spec says about sharing a node, if anything, has no effect, and drops it.
    pub(crate) fn refuse_cache_override(&mut self, graph: &mut Graph, node: &str, why: &str) {
        let policy = &mut graph.cache;
        let action = if policy.force.iter().any(|name| name == node) {
            "ForceCache"
        } else if policy.never.iter().any(|name| name == node) {
            "NeverCache"
        } else {
            return;
        };
        policy.force.retain(|name| name != node);
        policy.never.retain(|name| name != node);
        for (view, place) in self.origins.take_cache_overrides(node) {
            let message = format!("{action} for `{view}` has no effect: {why}");
            let found = Diagnostic::new(codes::CACHE_WITHOUT_EFFECT, message).at(place);
            self.report(found.about("view", view).about("action", action));
        }
    }

    /// Warns that a limit of the cache policy has no effect on a node.
    pub(crate) fn refuse_cache_limit(&mut self, field: &str, node: &str, why: &str) {
        let message = format!("`{field}` has no effect on `{node}`: {why}");
        let place = self.origins.cache_policy(field);
        let found = Diagnostic::new(codes::CACHE_WITHOUT_EFFECT, message).at(place);
        self.report(found.about("view", node).about("field", field));
    }

    /// Whether mistakes were found.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// The place in the spec of a part of a node's view, input or output, or of the next larger part that is there.
    #[must_use]
    pub fn place(&self, node: &Node, field: SpecField) -> SpecPath {
        self.written(node, field).path
    }

    /// As [`Self::place`], with the SQL that stands there.
    #[must_use]
    pub(crate) fn written(&self, node: &Node, field: SpecField) -> Place {
        self.origins.place(&node.owner, field)
    }
}
