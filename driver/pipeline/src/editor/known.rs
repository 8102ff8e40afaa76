//! What the compiler knows of the views and inputs of a spec.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use ir::graph::{Graph, PlacementChoice, Role};
use ir::op::Op;
use ir::schema::Schema;
use passes::PassEvent;

use crate::record::PartKind;
use crate::{Compilation, Observer};

/// A view or an input.
#[derive(Clone, Debug, PartialEq)]
pub struct Relation {
    /// Which of both.
    pub kind: PartKind,
    /// Its columns.
    pub schema: Schema,
    /// The table of an input, with its version and its rows.
    pub table: Option<String>,
    /// What becomes of a view in the plan, with the reason; nothing before that is decided.
    pub placement: Option<String>,
}

/// What is known of a spec, from the newest compilation in which it was found out.
#[derive(Clone, Debug, Default)]
pub struct Known {
    pub(super) relations: BTreeMap<String, Relation>,
    pub(super) functions: Vec<String>,
}

impl Known {
    /// The views and inputs, by name.
    #[must_use]
    pub fn relations(&self) -> &BTreeMap<String, Relation> {
        &self.relations
    }

    /// Takes in what a later compilation found out. What has a mistake now keeps what was known of it; what is not in the spec
    /// any more goes.
    pub fn update(&mut self, newer: Self, is_there: impl Fn(&str) -> bool) {
        self.relations.extend(newer.relations);
        self.relations.retain(|name, _| is_there(name));
        if !newer.functions.is_empty() {
            self.functions = newer.functions;
        }
    }
}

/// Keeps the types of all views as they are before any pass removes one.
#[derive(Debug, Default)]
pub(super) struct Types(Mutex<BTreeMap<String, Relation>>);

impl Observer for Types {
    fn pass_finished(&self, event: &PassEvent<'_>) {
        if event.pass.name == "type" {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = relations(event.graph);
        }
    }
}

impl Types {
    /// What is known after the compilation.
    pub(super) fn known(self, compilation: &Compilation) -> Known {
        let mut relations = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        if compilation.graph.schedule.is_some() {
            for (name, relation) in relations.iter_mut().filter(|(_, it)| it.kind == PartKind::View) {
                relation.placement = Some(placement(&compilation.graph, name));
            }
        }
        Known { relations, functions: compilation.session.function_names() }
    }
}

fn relations(graph: &Graph) -> BTreeMap<String, Relation> {
    let nodes = graph.ids().map(|id| &graph[id]);
    let results = nodes.filter(|node| node.role == Role::Result && !node.owner.is_output());
    let relation = |node: &ir::graph::Node| {
        let schema = node.schema.clone()?;
        let (kind, table) = match &node.op {
            Op::Scan(scan) => {
                let what = match &scan.files {
                    Some(files) => format!("{} files", files.format.name()),
                    None => format!("version {}", scan.version),
                };
                let table = format!("`{}`, {what}, {} rows", scan.location, scan.rows);
                (PartKind::Input, Some(table))
            }
            _ => (PartKind::View, None),
        };
        Some((node.name.clone(), Relation { kind, schema, table, placement: None }))
    };
    results.filter_map(relation).collect()
}

/// What becomes of a view, as a sentence.
fn placement(graph: &Graph, view: &str) -> String {
    let Some(node) = graph.find(view).map(|id| &graph[id]) else {
        return "is part of what reads it, or nothing needs it".to_owned();
    };
    match &node.placement {
        Some(placement) if placement.choice == PlacementChoice::Share => {
            format!("is computed once and shared: {}", placement.reason)
        }
        Some(placement) => format!("is computed by each reader: {}", placement.reason),
        None => "is computed by its only reader".to_owned(),
    }
}
