//! Makes a wrong case small.
//!
//! One part after the other is left out or made simpler, and what keeps the case wrong stays (Zeller, Hildebrandt,
//! *Simplifying and Isolating Failure-Inducing Input*, 2002, over the tree of the plan). A case that makes no sense any more,
//! because something reads what has gone, is right for our purpose.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::generate::Case;
use crate::plan::{Body, Expr, Graph, Group, Op, Output, Plan, Query, Relate, Select};
use crate::table::{Commit, Layout, Statistics, Table};

/// The smallest case found that still is wrong, by a judge; so many tries at most.
#[must_use]
pub fn shrunk(case: &Case, tries: usize, is_wrong: impl Fn(&Case) -> bool) -> Case {
    let (mut smallest, mut left) = (case.clone(), tries);
    while left > 0 {
        let mut tried = 0;
        let found = candidates(&smallest).take(left).find(|candidate| {
            tried += 1;
            still(candidate, &is_wrong)
        });
        left -= tried;
        match found {
            Some(candidate) => smallest = candidate,
            None => break,
        }
    }
    smallest
}

fn still(candidate: &Case, is_wrong: &impl Fn(&Case) -> bool) -> bool {
    let makes_sense = catch_unwind(AssertUnwindSafe(|| candidate.results().is_ok())).unwrap_or(false);
    makes_sense && is_wrong(candidate)
}

/// Cases that are a step smaller, those with the largest step first.
fn candidates(case: &Case) -> impl Iterator<Item = Case> + '_ {
    let fewer = (1..case.rounds.len()).flat_map(|gone| {
        let without = |at: usize| {
            let mut case = case.clone();
            case.rounds.remove(at);
            case
        };
        // A later one alone, where nothing that was written is read.
        [without(gone), without(gone - 1)]
    });
    let smaller = case.rounds.iter().enumerate().flat_map(move |(round, plan)| {
        let with_plan = move |mut plan: Plan| {
            plan.settle();
            let mut case = case.clone();
            case.rounds[round] = plan;
            case
        };
        outputs(plan).chain(views(plan)).chain(parameters(plan)).map(with_plan)
    });
    fewer.chain(smaller).chain(tables(case))
}

/// Plans with a parameter less.
fn parameters(plan: &Plan) -> impl Iterator<Item = Plan> + '_ {
    (0..plan.filters.len()).map(|gone| {
        let mut plan = plan.clone();
        plan.filters.remove(gone);
        plan
    })
}

fn outputs(plan: &Plan) -> impl Iterator<Item = Plan> + '_ {
    let alone = plan.outputs.iter().filter(|_| plan.outputs.len() > 1).map(|output| vec![output.clone()]);
    let plain = plan.outputs.iter().enumerate().filter_map(|(at, output)| {
        let is_plain =
            output.sort_by.is_empty() && output.partition_by.is_empty() && output.location == output.table;
        let mut outputs = plan.outputs.clone();
        let location = output.table.clone();
        outputs[at] = Output { sort_by: Vec::new(), partition_by: Vec::new(), location, ..output.clone() };
        (!is_plain).then_some(outputs)
    });
    let of_outputs = alone.chain(plain).map(|outputs| {
        let mut plan = Plan { outputs, ..plan.clone() };
        plan.keep_what_is_read();
        plan
    });
    let without_wishes =
        (!plan.cache.concat().is_empty()).then(|| Plan { cache: Default::default(), ..plan.clone() });
    of_outputs.chain(without_wishes)
}

/// Plans in which a view is left out, or does less.
fn views(plan: &Plan) -> impl Iterator<Item = Plan> + '_ {
    plan.views.iter().enumerate().flat_map(move |(at, view)| {
        let past = view.op.sources().into_iter().map(move |source| {
            let mut plan = plan.clone();
            plan.read_instead(&view.name, source);
            plan.keep_what_is_read();
            plan
        });
        let simpler = simpler(&view.op).into_iter().map(move |(op, kept)| {
            let mut plan = plan.clone();
            plan.views[at].op = op;
            if let Some(kept) = kept {
                plan.views[at].columns.retain(|(name, _)| kept.contains(name));
            }
            plan.keep_what_is_read();
            plan
        });
        past.chain(simpler).collect::<Vec<_>>()
    })
}

/// Operations that do less, and the columns that are left where some are gone.
fn simpler(op: &Op) -> Vec<(Op, Option<Vec<String>>)> {
    fn without<T: Clone>(list: &[T]) -> Vec<Vec<T>> {
        let some = (0..list.len()).filter(|_| list.len() > 1);
        some.map(|gone| {
            list.iter().enumerate().filter(|(at, _)| *at != gone).map(|(_, one)| one.clone()).collect()
        })
        .collect()
    }
    let names =
        |columns: &[(String, Expr)]| Some(columns.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>());
    match op {
        Op::Filter { source, predicate } => {
            let parts = parts(predicate).into_iter();
            parts.map(|predicate| (Op::Filter { source: source.clone(), predicate }, None)).collect()
        }
        Op::Project { source, columns } => {
            let fewer = without(columns).into_iter();
            let mut all: Vec<_> = fewer
                .map(|columns| {
                    let kept = names(&columns);
                    (Op::Project { source: source.clone(), columns }, kept)
                })
                .collect();
            for (at, (_, expr)) in columns.iter().enumerate() {
                for part in parts(expr) {
                    let mut columns = columns.clone();
                    columns[at].1 = part;
                    all.push((Op::Project { source: source.clone(), columns }, None));
                }
            }
            all
        }
        Op::Aggregate { source, group } => {
            let groups = smaller_groups(group).into_iter();
            groups
                .map(|group| {
                    let kept = Some(group.names());
                    (Op::Aggregate { source: source.clone(), group }, kept)
                })
                .collect()
        }
        Op::Union { sources, discriminator, distinct } => {
            let fewer = without(sources).into_iter().filter(|sources| sources.len() > 1);
            let op =
                |sources| Op::Union { sources, discriminator: discriminator.clone(), distinct: *distinct };
            fewer.map(|sources| (op(sources), None)).collect()
        }
        Op::Relate(relate) => {
            let fewer = without(&relate.on).into_iter();
            fewer.map(|on| (Op::Relate(Relate { on, ..relate.clone() }), None)).collect()
        }
        Op::Query(query) => {
            let mut all = Vec::new();
            if query.limit.is_some() || !query.order.is_empty() {
                all.push((Op::Query(Query { order: Vec::new(), limit: None, ..query.clone() }), None));
            }
            let Body::Select(select) = &query.body else { return all };
            let mut add = |select: Select, kept| {
                let body = Body::Select(Box::new(select));
                all.push((Op::Query(Query { body, ..query.clone() }), kept));
            };
            if let Some(filter) = &select.filter {
                add(Select { filter: None, ..select.as_ref().clone() }, None);
                for part in parts(filter) {
                    add(Select { filter: Some(part), ..select.as_ref().clone() }, None);
                }
            }
            for columns in without(&select.columns) {
                let windows = select.windows.iter().map(|(name, _)| name.clone());
                let kept = names(&columns).into_iter().flatten().chain(windows).collect();
                add(Select { columns, ..select.as_ref().clone() }, Some(kept));
            }
            all
        }
        Op::Graph(graph) => {
            let fewer = without(&graph.sources).into_iter();
            fewer.map(|sources| (Op::Graph(Graph { sources, ..graph.clone() }), None)).collect()
        }
        Op::Window { .. } | Op::Unnest { .. } | Op::Normalize(_) | Op::Log(..) => Vec::new(),
    }
}

fn smaller_groups(group: &Group) -> Vec<Group> {
    let keys = (0..group.keys.len()).map(|gone| {
        let mut group = group.clone();
        group.keys.remove(gone);
        group
    });
    let measures = (0..group.measures.len()).map(|gone| {
        let mut group = group.clone();
        group.measures.remove(gone);
        group
    });
    keys.chain(measures).filter(|group| !group.names().is_empty()).collect()
}

/// The operands of an expression, which may be in its place if they are of its type; the program says if they are not.
fn parts(expr: &Expr) -> Vec<Expr> {
    expr.operands().into_iter().cloned().collect()
}

/// Cases with fewer rows, and tables that are laid out more simply.
fn tables(case: &Case) -> impl Iterator<Item = Case> + '_ {
    (0..case.tables.len()).flat_map(move |at| {
        let with = move |change: &dyn Fn(&mut Table)| {
            let mut case = case.clone();
            change(&mut case.tables[at]);
            case
        };
        let table = &case.tables[at];
        let mut all = Vec::new();
        let plain = Layout {
            statistics: Statistics::None,
            raw_paths: false,
            row_group: 1000,
            feed: table.layout.feed,
            late_feed: table.layout.late_feed,
            empty_files: 0,
            narrow: false,
        };
        if table.layout != plain {
            all.push(with(&|table| table.layout = plain));
        }
        if !table.partition_by.is_empty() {
            all.push(with(&|table| table.partition_by.clear()));
        }
        for commit in 0..table.commits.len() {
            let rows: usize = table.commits[commit].files.iter().map(Vec::len).sum();
            if !table.commits[commit].deleted.is_empty() {
                all.push(with(&|table| table.commits[commit].deleted.clear()));
            }
            // Halves, quarters and so on, then single rows.
            let mut step = rows.div_ceil(2);
            while step > 0 {
                for first in (0..rows).step_by(step) {
                    all.push(with(&|table| leave_out(&mut table.commits[commit], first..first + step)));
                }
                step = if step == 1 { 0 } else { step.div_ceil(2) };
            }
        }
        all
    })
}

/// Leaves out rows by their numbers, and what they were marked as.
fn leave_out(commit: &mut Commit, rows: std::ops::Range<usize>) {
    let mut number = 0;
    for file in &mut commit.files {
        file.retain(|_| {
            number += 1;
            !rows.contains(&(number - 1))
        });
    }
    let gone = rows.len();
    commit.deleted.retain(|deleted| !rows.contains(deleted));
    commit.deleted.iter_mut().filter(|deleted| **deleted >= rows.end).for_each(|deleted| *deleted -= gone);
}
