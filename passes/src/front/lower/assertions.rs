//! Assertions, and the constraints of the join graph, as nodes that find the rows that fail.
//!
//! ```yaml
//! view_definitions:
//!   - {name: paid, transform: {…}, assertions: [{unique: [id]}, {expression: amount >= 0, severity: warn}]}
//! ```
//! becomes
//! ```text
//! paid@unique_id = check paid@unique_id.repeated assertion=unique_id subject="view paid" rule="unique: id" severity=error
//! paid@unique_id.columns = project paid columns={id: id}
//! paid@unique_id.present = filter paid@unique_id.columns predicate=(id IS NOT NULL)
//! paid@unique_id.groups = aggregate paid@unique_id.present group_by={id: id} measures={rows: (count(1))}
//! paid@unique_id.repeated = filter paid@unique_id.groups predicate=(rows > 1)
//! ```
//! and likewise for the other. A check is a reader like any other, so that a view that is shared is computed once for it
//! too, and columns that no check shows are not computed. The assertions of an output read its table as it will be,
//! by a node `written`.

mod constraints;
mod rules;

use std::collections::{BTreeMap, BTreeSet};

use ir::diag::{Diagnostic, SpecPath, codes};
use ir::graph::{Graph, Node, Owner, Role};
use ir::op::{self, Check, Op, Written};
use ir::origin::Definition;
use ir::spec::{Assertion, AssertionSeverity};

use super::read;
use crate::context::Context;
use crate::pass::SpecSource;
use rules::Rule;

/// Lowers all assertions of a spec. Of what could not be lowered itself nothing is asserted.
pub(super) fn lower(graph: &mut Graph, cx: &mut Context<'_>, source: &SpecSource<'_>) {
    let mut subjects: BTreeMap<Owner, Subject<'_>> = BTreeMap::new();
    for (index, view) in read(&source.spec.view_definitions, &source.unread.views) {
        let place = SpecPath::root().field("view_definitions").index(index).field("assertions");
        let subject = subjects.entry(Owner::View(view.name.clone())).or_default();
        subject.add(cx, &view.assertions, &place);
    }
    for (index, output) in read(&source.spec.output_targets, &source.unread.outputs) {
        let place = SpecPath::root().field("output_targets").index(index).field("assertions");
        let subject = subjects.entry(Owner::Output(output.table_name.clone())).or_default();
        subject.add(cx, &output.assertions, &place);
    }
    constraints::add(&mut subjects, cx, source);
    for (owner, subject) in subjects {
        if owner.is_output() && graph.find(&format!("@{}", owner.name())).is_none() {
            continue;
        }
        subject.lower(graph, cx, &owner);
    }
}

/// An assertion whose form is right.
struct Draft<'s> {
    name: Option<String>,
    severity: AssertionSeverity,
    rule: Rule<'s>,
    place: SpecPath,
    /// Whether it is a constraint of the join graph, whose parts stand in other fields.
    is_constraint: bool,
}

/// What assertions are about: a view, an input or an output.
#[derive(Default)]
struct Subject<'s> {
    drafts: Vec<Draft<'s>>,
}

/// Where the parts of an assertion stand.
struct Places {
    /// The columns of the subject.
    columns: SpecPath,
    /// The subject, where it is named.
    subject: Option<SpecPath>,
    /// The other relation.
    to: SpecPath,
    /// Its columns.
    to_columns: SpecPath,
    /// Accepted values, or the expression.
    condition: SpecPath,
}

impl Draft<'_> {
    fn places(&self) -> Places {
        let place = &self.place;
        if self.is_constraint {
            let (columns, relations) = (place.field("columns"), place.field("relations"));
            return Places {
                to_columns: columns.clone(),
                condition: columns.clone(),
                columns,
                to: relations.index(1),
                subject: Some(relations.index(0)),
            };
        }
        let field = self.rule.field();
        let inner = place.field(field);
        let (columns, condition) = match self.rule {
            Rule::Unique(_) | Rule::NotNull(_) => (inner.clone(), inner.clone()),
            Rule::Accepted { .. } => (inner.field("column"), inner.field("values")),
            Rule::Relation { .. } => (inner.field("columns"), inner.clone()),
            Rule::Expression(_) => (inner.clone(), inner.clone()),
        };
        Places {
            columns,
            subject: None,
            to: inner.field("to"),
            to_columns: inner.field("to_columns"),
            condition,
        }
    }
}

impl<'s> Subject<'s> {
    fn add(&mut self, cx: &mut Context<'_>, assertions: &'s [Assertion], place: &SpecPath) {
        for (index, assertion) in assertions.iter().enumerate() {
            let place = place.index(index);
            let Some(rule) = Rule::of(cx, assertion, &place) else { continue };
            let (name, severity) = (assertion.name.clone(), assertion.severity);
            self.drafts.push(Draft { name, severity, rule, place, is_constraint: false });
        }
    }

    fn lower(&self, graph: &mut Graph, cx: &mut Context<'_>, owner: &Owner) {
        let names = self.names(cx);
        // What failing rows are known by, each with the place that says so.
        let keys: Vec<(&str, SpecPath)> =
            self.drafts.iter().flat_map(|draft| draft.rule.keys(&draft.places())).collect();
        for (draft, name) in self.drafts.iter().zip(names) {
            let Some(name) = name else { continue };
            let mut origin = Definition::at(draft.place.clone());
            let keys = keys.as_slice();
            let Some(steps) = draft.rule.steps(cx, keys, &draft.places(), &mut origin) else { continue };
            add(graph, cx, owner, draft, &name, steps, origin);
        }
    }

    /// The names of the assertions, in their order; nothing for one whose name is that of another.
    fn names(&self, cx: &mut Context<'_>) -> Vec<Option<String>> {
        let mut given: BTreeMap<&str, &SpecPath> = BTreeMap::new();
        let mut names: Vec<Option<String>> = Vec::with_capacity(self.drafts.len());
        for draft in &self.drafts {
            let name = draft.name.as_deref();
            if let Some((name, first)) = name.and_then(|name| given.get_key_value(name)) {
                let message = format!("there is another assertion named `{name}`");
                let found = Diagnostic::new(codes::DUPLICATE_ASSERTION, message);
                cx.report(found.at(draft.place.field("name")).related((*first).clone(), "the first one"));
                names.push(None);
                continue;
            }
            given.extend(name.map(|name| (name, &draft.place)));
            names.push(name.map(str::to_owned));
        }
        let mut taken: BTreeSet<String> = names.iter().flatten().cloned().collect();
        for (index, (draft, name)) in self.drafts.iter().zip(&mut names).enumerate() {
            if draft.name.is_some() {
                continue;
            }
            let plain = draft.rule.name(index);
            let numbered = (2_u64..).map(|number| format!("{plain}_{number}"));
            let mut free = std::iter::once(plain.clone()).chain(numbered);
            *name = free.find(|name| taken.insert(name.clone()));
        }
        names
    }
}

/// A node below a check: how it is called, what it computes, and what it reads beside the node before it.
struct Step {
    name: &'static str,
    op: Op,
    beside: Option<String>,
}

impl Step {
    fn new(name: &'static str, op: Op) -> Self {
        Self { name, op, beside: None }
    }
}

/// Adds the nodes of an assertion: its check, and the steps below it, the first of which reads the subject.
fn add(
    graph: &mut Graph,
    cx: &mut Context<'_>,
    subject: &Owner,
    draft: &Draft<'_>,
    name: &str,
    steps: Vec<Step>,
    origin: Definition,
) {
    let kind = match graph.find(subject.name()).map(|id| &graph[id].op) {
        _ if subject.is_output() => "output",
        Some(Op::Input(_)) => "input",
        _ => "view",
    };
    let check = Op::Check(Check {
        assertion: name.to_owned(),
        subject: format!("{kind} {}", subject.name()),
        rule: draft.rule.to_string(),
        severity: match draft.severity {
            AssertionSeverity::Warn => op::AssertionSeverity::Warn,
            AssertionSeverity::Error => op::AssertionSeverity::Error,
        },
    });
    let id = format!("{subject}@{name}");
    let owner = Owner::Assertion(id.clone());
    let node = Node::new(id, check).part(owner.clone(), Role::Result);
    // Views of such a name are possible, if hardly likely.
    let taken = |other: &Node| {
        let message =
            format!("the check of this assertion would be named `{}`, as something else is", other.name);
        Diagnostic::new(codes::DUPLICATE_ASSERTION, message).at(draft.place.clone())
    };
    let Some(check) = super::add(graph, cx, node, origin, taken) else { return };
    let mut below = subject.to_string();
    let rows = subject.is_output().then(|| Step::new("rows", Op::Written(Written { columns: None })));
    for Step { name, op, beside } in rows.into_iter().chain(steps) {
        let step = graph.add_step(check, name, op);
        graph[step].sources = std::iter::once(below).chain(beside).collect();
        below = graph.name_of(step).to_owned();
    }
    graph[check].sources = vec![below];
}
