//! What a pass may know and say.

use std::collections::{BTreeMap, BTreeSet};

use ir::diag::{Diagnostic, Segment, SpecPath, codes};
use ir::graph::{Graph, Node, NodeId, Owner};
use ir::oracle::Oracle;
use ir::spec::{NamedExpr, Spec, Transform, Unread};

/// The surroundings of a pass: the engine's answers, the spec for places of mistakes, and what was found so far.
pub struct Context<'a> {
    /// Types and tables.
    pub oracle: &'a dyn Oracle,
    /// The spec the graph comes from; absent when a graph is read from text.
    pub spec: Option<&'a Spec>,
    /// What of the spec could not be read: it is left out, and nobody is blamed for what is missing.
    pub(crate) unread: Option<&'a Unread>,
    /// Everything found wrong with the spec.
    pub diagnostics: Vec<Diagnostic>,
    /// Views, inputs and outputs whose definition is already reported as wrong. Nothing more is said about them and
    /// about what depends on them.
    pub broken: BTreeSet<Owner>,
    remarks: Vec<String>,
    /// The views of the spec whose cache overrides have come to stand for another node, by the name of that node.
    carried: BTreeMap<String, Vec<String>>,
    /// Where views, inputs and outputs stand in the spec.
    places: BTreeMap<Owner, SpecPath>,
}

impl<'a> Context<'a> {
    /// A context in which nothing has been found yet.
    #[must_use]
    pub fn new(oracle: &'a dyn Oracle, spec: Option<&'a Spec>) -> Self {
        Self {
            oracle,
            spec,
            unread: None,
            diagnostics: Vec::new(),
            broken: BTreeSet::new(),
            remarks: Vec::new(),
            carried: BTreeMap::new(),
            places: spec.map(places).unwrap_or_default(),
        }
    }

    /// Reports a mistake or a warning.
    pub fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Reports a mistake in the definition of a view, input or output, which is broken from then on.
    pub fn report_broken(&mut self, owner: &Owner, diagnostic: Diagnostic) {
        if diagnostic.is_error() {
            self.broken.insert(owner.clone());
        }
        self.report(diagnostic);
    }

    /// Whether a node belongs to something that is already reported as wrong.
    #[must_use]
    pub fn is_broken(&self, node: &Node) -> bool {
        self.broken.contains(&node.owner)
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
        if !list.contains(&to) {
            list.push(to.clone());
            list.sort();
        } else if !self.carried.contains_key(&to) {
            self.carried.insert(to.clone(), vec![to.clone()]);
        }
        self.remark(format!("what the spec says about caching {from} holds for {to}"));
        let views = self.carried.remove(&from).unwrap_or_else(|| vec![from]);
        self.carried.entry(to).or_default().extend(views);
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
        let views = self.carried.remove(node).unwrap_or_else(|| vec![node.to_owned()]);
        for view in views {
            let overrides =
                self.spec.and_then(|spec| spec.cache_policy.as_ref()).map(|policy| &policy.overrides);
            let index = overrides.and_then(|list| list.iter().position(|entry| entry.view_name == view));
            let place = index.map_or_else(SpecPath::root, |index| {
                SpecPath::root().field("cache_policy").field("overrides").index(index).field("action")
            });
            let message = format!("{action} for `{view}` has no effect: {why}");
            self.report(Diagnostic::new(codes::CACHE_WITHOUT_EFFECT, message).at(place));
        }
    }

    /// Warns that a limit of the cache policy has no effect on a node.
    pub(crate) fn refuse_cache_limit(&mut self, field: &str, node: &str, why: &str) {
        let message = format!("`{field}` has no effect on `{node}`: {why}");
        let place = SpecPath::root().field("cache_policy").field(field);
        let place = if self.spec.is_some() { place } else { SpecPath::root() };
        self.report(Diagnostic::new(codes::CACHE_WITHOUT_EFFECT, message).at(place));
    }

    /// Whether mistakes were found.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// The SQL text of a transform or an output at a path of the spec: a query, a predicate, the expression of a
    /// column.
    #[must_use]
    pub(crate) fn text(&self, path: &SpecPath) -> Option<&'a str> {
        text_at(self.spec?, path)
    }

    /// The place in the spec of a node's view, input or output.
    #[must_use]
    pub fn place(&self, node: &Node) -> SpecPath {
        self.places.get(&node.owner).cloned().unwrap_or_else(SpecPath::root)
    }

    /// The place of a field of a node's transform; of the output itself for the steps of an output.
    #[must_use]
    pub fn place_in_transform(&self, node: &Node) -> SpecPath {
        let place = self.place(node);
        if node.owner.is_output() || place.is_root() { place } else { place.field("transform") }
    }

    /// The place of a pair of columns that a join compares. `on` and its older spelling are one list in the graph.
    #[must_use]
    pub fn place_of_join_key(&self, node: &Node, index: usize) -> SpecPath {
        let transform = self.place_in_transform(node);
        let view = self.spec.iter().flat_map(|spec| &spec.view_definitions);
        let on = view.filter(|view| node.is_result_of(&view.name)).find_map(|view| {
            let Transform::Relate(relate) = &view.transform else { return None };
            Some(relate.on.len())
        });
        match on.and_then(|on| index.checked_sub(on)) {
            Some(index) => transform.field("join_keys").index(index),
            None => transform.field("on").index(index),
        }
    }
}

/// The text a spec holds at a path.
fn text_at<'s>(spec: &'s Spec, path: &SpecPath) -> Option<&'s str> {
    let [Segment::Field(list), Segment::Index(index), rest @ ..] = path.segments() else { return None };
    let column = |columns: &'s [NamedExpr], index: &usize| columns.get(*index)?.expr.as_deref();
    if list == "output_targets" {
        let [Segment::Field(_), Segment::Index(at), Segment::Field(_)] = rest else { return None };
        return column(&spec.output_targets.get(*index)?.columns, at);
    }
    let [Segment::Field(_), rest @ ..] = rest else { return None };
    match (&spec.view_definitions.get(*index)?.transform, rest) {
        (Transform::Sql(sql), [Segment::Field(_)]) => Some(&sql.query),
        (Transform::Filter(filter), [Segment::Field(_)]) => Some(&filter.predicate),
        (Transform::Project(project), [Segment::Field(_), Segment::Index(at), Segment::Field(_)]) => {
            column(&project.columns, at)
        }
        (Transform::Aggregate(aggregate), [Segment::Field(_), Segment::Index(at), Segment::Field(_)]) => {
            column(&aggregate.group_by, at)
        }
        (Transform::Window(window), [Segment::Field(_), Segment::Index(at), Segment::Field(_)]) => {
            window.columns.get(*at).map(|column| column.expr.as_str())
        }
        _ => None,
    }
}

/// The places of what a spec defines; of two with one name, that of the view, else of the first.
fn places(spec: &Spec) -> BTreeMap<Owner, SpecPath> {
    let mut places = BTreeMap::new();
    let mut add = |list: &str, owners: &mut dyn Iterator<Item = Owner>| {
        let list = SpecPath::root().field(list);
        for (index, owner) in owners.enumerate() {
            places.entry(owner).or_insert_with(|| list.index(index));
        }
    };
    let (views, inputs) = (spec.view_definitions.iter(), spec.input_relations.iter());
    add("view_definitions", &mut views.map(|view| Owner::View(view.name.clone())));
    add("input_relations", &mut inputs.map(|input| Owner::View(input.logical_name.clone())));
    let outputs = spec.output_targets.iter();
    add("output_targets", &mut outputs.map(|output| Owner::Output(output.table_name.clone())));
    places
}
