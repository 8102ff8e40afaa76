//! What a pass may know and say.

use std::collections::BTreeSet;

use ir::diag::{Diagnostic, SpecPath};
use ir::graph::Node;
use ir::oracle::Oracle;
use ir::spec::Spec;

/// The surroundings of a pass: the engine's answers, the spec for places of mistakes, and what was found so far.
pub struct Context<'a> {
    /// Types and tables.
    pub oracle: &'a dyn Oracle,
    /// The spec the graph comes from; absent when a graph is read from text.
    pub spec: Option<&'a Spec>,
    /// Everything found wrong with the spec.
    pub diagnostics: Vec<Diagnostic>,
    /// Views, inputs and outputs (with `@`) whose definition is already reported as wrong. Nothing more is said
    /// about them and about what depends on them.
    pub broken: BTreeSet<String>,
    remarks: Vec<String>,
}

impl<'a> Context<'a> {
    /// A context in which nothing has been found yet.
    #[must_use]
    pub fn new(oracle: &'a dyn Oracle, spec: Option<&'a Spec>) -> Self {
        Self { oracle, spec, diagnostics: Vec::new(), broken: BTreeSet::new(), remarks: Vec::new() }
    }

    /// Reports a mistake or a warning.
    pub fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Reports a mistake in the definition of a view, input or output, which is broken from then on.
    pub fn report_broken(&mut self, owner: &str, diagnostic: Diagnostic) {
        if diagnostic.is_error() {
            self.broken.insert(owner.to_owned());
        }
        self.report(diagnostic);
    }

    /// Whether a node belongs to something that is already reported as wrong.
    #[must_use]
    pub fn is_broken(&self, node: &Node) -> bool {
        self.broken.contains(node.owner())
    }

    /// Records a decision, for people who look at the stages.
    pub fn remark(&mut self, text: impl Into<String>) {
        self.remarks.push(text.into());
    }

    pub(crate) fn take_remarks(&mut self) -> Vec<String> {
        std::mem::take(&mut self.remarks)
    }

    /// Whether mistakes were found.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// The place in the spec of a node's view, input or output.
    #[must_use]
    pub fn place(&self, node: &Node) -> SpecPath {
        let root = SpecPath::root();
        let Some(spec) = self.spec else { return root };
        let owner = node.owner();
        if let Some(table) = owner.strip_prefix('@') {
            let at = spec.output_targets.iter().position(|output| output.table_name == table);
            return at.map_or(root.clone(), |index| root.field("output_targets").index(index));
        }
        if let Some(index) = spec.view_definitions.iter().position(|view| view.name == owner) {
            return root.field("view_definitions").index(index);
        }
        let at = spec.input_relations.iter().position(|input| input.logical_name == owner);
        at.map_or(root.clone(), |index| root.field("input_relations").index(index))
    }

    /// The place of a field of a node's transform; of the output itself for the steps of an output.
    #[must_use]
    pub fn place_in_transform(&self, node: &Node) -> SpecPath {
        let place = self.place(node);
        if node.name.starts_with('@') || place.is_root() { place } else { place.field("transform") }
    }
}
