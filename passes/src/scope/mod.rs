//! Which part of a spec is compiled.
//!
//! ```text
//! orders = input …          daily = aggregate orders …          @daily = sink daily …
//! people = input …          adults = filter people …            @adults = sink adults …
//! ```
//! of which `--select daily` leaves
//! ```text
//! orders = input …          daily = aggregate orders …          @daily = sink daily …
//! ```
//!
//! The whole spec is lowered, so that names, and the relations of queries, tell who reads whom. Then everything goes that the
//! scope does not need, before a table is opened: no later pass knows of it. What has gone counts as left out: nothing is said
//! of it and of names that mean it. The rows of what stays are those of the whole spec, since no part of a spec computes other
//! rows for one reader than for another. What is asserted of something that stays is checked, and what an assertion compares it
//! with stays for that; of this nothing more is checked.

mod parts;
mod selector;

use std::collections::BTreeSet;

use ir::diag::{Diagnostic, Segment};
use ir::expr;
use ir::graph::{Graph, Node, Owner, Role};
use ir::op::{Op, Query, Sink};
use ir::origin::{Definition, Origins, SpecField};
use ir::spec::Spec;

use crate::context::Reported;
use crate::rewrite::bind;
use parts::Parts;
pub use selector::{Selection, Selector};

/// Which part of a spec is compiled, and what for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// All of it.
    #[default]
    Whole,
    /// The outputs that are selected, or whose view is, with what they need: to be published.
    Outputs(Selection),
    /// What is selected, with what it needs: to be looked at. Views that nothing selected reads return their rows.
    Parts(Selection),
    /// The rows of one view, input or output, with what it needs: to be shown. A name that a view and an output have means the
    /// view; with `@` before it, the output.
    Rows {
        /// The name.
        name: String,
        /// How many rows at the most; all of them if absent.
        limit: Option<usize>,
    },
}

/// A scope that a spec does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// A text that is no selector.
    #[error("`{text}` selects nothing: {reason}")]
    Syntax {
        /// The text.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A name that no part of the spec has.
    #[error("the spec has no input, view or output `{name}`; {}", alternatives(.nearest.as_deref(), .there))]
    Unknown {
        /// The name.
        name: String,
        /// The name that was probably meant.
        nearest: Option<String>,
        /// The names that there are.
        there: Vec<String>,
    },
    /// A name after `@` that no output has; a view may have it.
    #[error("the spec has no output `{name}`; {}", alternatives(.nearest.as_deref(), .there))]
    UnknownOutput {
        /// The name, without `@`.
        name: String,
        /// The output that was probably meant.
        nearest: Option<String>,
        /// The outputs that there are.
        there: Vec<String>,
    },
    /// A pattern that no name matches.
    #[error("no input, view or output of the spec matches `{pattern}`")]
    NoMatch {
        /// The pattern.
        pattern: String,
    },
    /// Nothing of what is selected is published.
    #[error(
        "no output is selected: {} {} none; select an output, its view, or readers as in `{}+`; there are {}",
        listed(.selected),
        if .selected.len() == 1 { "writes" } else { "write" },
        .selected.first().map_or("view", String::as_str),
        listed(.outputs)
    )]
    NoOutputs {
        /// What is selected.
        selected: Vec<String>,
        /// The outputs that there are, each with an `@`.
        outputs: Vec<String>,
    },
}

/// So many names are listed.
const LISTED: usize = 12;

fn listed(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(LISTED).map(|name| format!("`{name}`")).collect();
    let more = names.len().saturating_sub(LISTED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    if shown.is_empty() { "none".to_owned() } else { format!("{}{more}", shown.join(", ")) }
}

fn alternatives(nearest: Option<&str>, there: &[String]) -> String {
    nearest.map_or_else(|| format!("there are {}", listed(there)), |near| format!("did you mean `{near}`?"))
}

/// What a scope has of a spec.
#[derive(Clone, Debug, Default)]
pub struct InScope {
    /// The tables that are written, in the order of their names; nothing for a whole spec.
    pub outputs: Option<Vec<String>>,
    /// Nothing for a whole spec.
    parts: Option<Known>,
}

#[derive(Clone, Debug)]
struct Known {
    /// What is compiled.
    kept: BTreeSet<Owner>,
    /// What is asked for: of the rest only mistakes are told, because it cannot be computed without them.
    asked: BTreeSet<Owner>,
    /// The parts of the spec, list by list.
    inputs: Vec<Owner>,
    views: Vec<Owner>,
    outputs: Vec<Owner>,
    /// The views that are tested, test by test; nothing where rows are only looked at, which need not be as tests have them.
    tests: Option<Vec<Owner>>,
}

impl InScope {
    /// Whether it has this part of the spec.
    #[must_use]
    pub fn has(&self, part: &Owner) -> bool {
        self.parts.as_ref().is_none_or(|known| known.kept.contains(part))
    }

    /// Whether it has a view that the spec has a test of.
    #[must_use]
    pub fn tested(&self, spec: &Spec) -> bool {
        match &self.parts {
            None => !spec.tests.is_empty(),
            Some(known) => known.tests.iter().flatten().any(|view| known.asked.contains(view)),
        }
    }

    /// Whether a finding about the spec concerns what is in scope. What stands in no input, view or output does.
    #[must_use]
    pub fn concerns(&self, found: &Diagnostic) -> bool {
        let Some(known) = &self.parts else { return true };
        let path = found.location.as_ref().map(|path| path.segments()).unwrap_or_default();
        let [Segment::Field(list), Segment::Index(index), ..] = path else { return true };
        let owners = match list.as_str() {
            "input_relations" => &known.inputs,
            "view_definitions" => &known.views,
            "output_targets" => &known.outputs,
            "tests" => match &known.tests {
                Some(tests) => return tests.get(*index).is_none_or(|view| known.asked.contains(view)),
                None => return false,
            },
            _ => return true,
        };
        let Some(owner) = owners.get(*index) else { return true };
        known.asked.contains(owner) || (found.is_error() && known.kept.contains(owner))
    }
}

/// A lowered graph with what belongs to it.
pub(crate) struct Lowered<'a> {
    pub(crate) graph: &'a mut Graph,
    pub(crate) origins: &'a mut Origins,
    pub(crate) reported: &'a mut Reported,
}

impl Lowered<'_> {
    /// Removes what the scope does not need, and gives what it has.
    ///
    /// # Errors
    /// For a scope that the spec does not have.
    pub(crate) fn restrict(&mut self, spec: &Spec, scope: &Scope) -> Result<InScope, ScopeError> {
        let parts = Parts::of(self.graph, &self.reported.owners);
        let (asked, roots) = match scope {
            Scope::Whole => return Ok(InScope::default()),
            Scope::Outputs(selection) => {
                let roots = outputs_of(&parts, &parts.selected(selection)?)?;
                (parts.with_sources(&roots), roots)
            }
            Scope::Parts(selection) => {
                let mut selected = parts.selected(selection)?;
                selected.extend(written_of(&parts, &selected));
                (selected.clone(), selected)
            }
            Scope::Rows { name, .. } => {
                let shown = shown(&parts, name)?;
                (BTreeSet::from([shown.clone()]), BTreeSet::from([shown]))
            }
        };
        let computed = parts.with_sources(&roots);
        // Rows that are looked at need not hold what is asserted of them.
        let kept = match scope {
            Scope::Rows { .. } => computed,
            Scope::Whole | Scope::Outputs(_) | Scope::Parts(_) => parts.with_assertions(&computed),
        };
        self.keep(&kept);
        match scope {
            Scope::Rows { limit, .. } => {
                for root in &roots {
                    self.return_rows_of(root, *limit)?;
                }
            }
            Scope::Parts(_) => {
                let tops = roots.iter().filter(|it| !it.is_output() && !parts.is_read_by_any(it, &roots));
                tops.for_each(|view| self.return_rows(view));
            }
            Scope::Whole | Scope::Outputs(_) => {}
        }
        let outputs = kept.iter().filter(|owner| owner.is_output()).map(|owner| owner.name().to_owned());
        let outputs = outputs.collect();
        let view = |name: &String| Owner::View(name.clone());
        let is_looked_at = matches!(scope, Scope::Rows { .. });
        let tests = || spec.tests.iter().map(|test| view(&test.view)).collect();
        let known = Known {
            tests: (!is_looked_at).then(tests),
            kept,
            asked,
            inputs: spec.input_relations.iter().map(|input| view(&input.logical_name)).collect(),
            views: spec.view_definitions.iter().map(|it| view(&it.name)).collect(),
            outputs: spec.output_targets.iter().map(|it| Owner::Output(it.table_name.clone())).collect(),
        };
        Ok(InScope { outputs: Some(outputs), parts: Some(known) })
    }

    /// Removes the nodes of everything else.
    fn keep(&mut self, kept: &BTreeSet<Owner>) {
        let others: Vec<_> = self.graph.ids().filter(|id| !kept.contains(&self.graph[*id].owner)).collect();
        for node in others.into_iter().filter_map(|id| self.graph.remove(id)) {
            self.reported.placeholders_elsewhere.extend(bind::placeholders(&node.op));
            self.reported.inputs_elsewhere |= matches!(node.op, Op::Input(_));
            self.reported.elsewhere.insert(node.owner.clone());
            self.reported.owners.insert(node.owner);
        }
        let is_kept = |view: &String| kept.contains(&Owner::View(view.clone()));
        self.graph.cache.force.retain(is_kept);
        self.graph.cache.never.retain(is_kept);
    }

    /// Lets a view or input return its rows; nothing for one that has a mistake.
    fn return_rows(&mut self, view: &Owner) {
        if self.graph.find(view.name()).is_none() {
            return;
        }
        let output = Owner::Output(format!("{}{}", view.name(), Sink::ROWS));
        let place = self.origins.place(view, SpecField::Definition).path;
        self.origins.record(output.clone(), Definition::at(place));
        let sink = Node::new(output.to_string(), Op::Sink(Sink::returning()));
        let sink = sink.part(output, Role::Result).reading([view.name()]);
        let _is_new = self.graph.try_add(sink);
    }

    /// Lets a part return its rows, or the first of them: what an output would write, or the rows of a view or input.
    fn return_rows_of(&mut self, part: &Owner, limit: Option<usize>) -> Result<(), ScopeError> {
        if !part.is_output() {
            self.return_rows(part);
        }
        let sinks: Vec<_> = self.graph.ids().filter(|id| self.graph[*id].is_sink()).collect();
        for sink in &sinks {
            self.graph[*sink].op = Op::Sink(Sink::returning());
        }
        let Some(limit) = limit else { return Ok(()) };
        // No table has more rows than a limit of SQL can say.
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let text = format!("SELECT * FROM rows LIMIT {limit}");
        let query = expr::Query::parse(&text)
            .map_err(|error| ScopeError::Syntax { text, reason: error.to_string() })?;
        for sink in sinks {
            let first = Op::Query(Query { query: query.clone(), relations: vec!["rows".to_owned()] });
            let first = self.graph.add_step(sink, "first", first);
            let below = vec![self.graph.name_of(first).to_owned()];
            self.graph[first].sources = std::mem::replace(&mut self.graph[sink].sources, below);
        }
        Ok(())
    }
}

/// The selected outputs, and those of selected views.
fn outputs_of(parts: &Parts, selected: &BTreeSet<Owner>) -> Result<BTreeSet<Owner>, ScopeError> {
    let outputs = written_of(parts, selected);
    if outputs.is_empty() {
        return Err(ScopeError::NoOutputs {
            selected: selected.iter().map(ToString::to_string).collect(),
            outputs: parts.outputs().map(|name| format!("@{name}")).collect(),
        });
    }
    Ok(outputs)
}

fn written_of(parts: &Parts, selected: &BTreeSet<Owner>) -> BTreeSet<Owner> {
    let outputs = parts.outputs().map(|name| Owner::Output(name.to_owned()));
    let is_written = |output: &Owner| {
        selected.contains(output) || parts.read_by(output).any(|view| selected.contains(view))
    };
    outputs.filter(is_written).collect()
}

/// The part whose rows are meant by a name.
fn shown(parts: &Parts, name: &str) -> Result<Owner, ScopeError> {
    let (output, outputs_only) = name.strip_prefix('@').map_or((name, false), |output| (output, true));
    let meant = [Owner::View(name.to_owned()), Owner::Output(output.to_owned())];
    meant.into_iter().find(|owner| parts.has(owner)).ok_or_else(|| parts.unknown(output, outputs_only))
}
