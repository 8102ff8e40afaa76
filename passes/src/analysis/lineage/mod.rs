//! Lineage: which columns of tables the columns of an output come from, and how.
//!
//! A value of an output is *directly* from a column when it is computed of values of it. All rows of an output are *indirectly*
//! from columns that decide which rows there are: those that are filtered, joined, grouped or sorted by. A column that is
//! computed over a window is also indirectly from what the window is partitioned and ordered by, alone.
//!
//! ```text
//! t = scan …                                              {id, kind, price}
//! f = filter t predicate=(kind = 'x')                     rows: t.kind filter
//! a = aggregate f group_by={id: id} measures={n: (sum(price))}
//!                                                         id: t.id identity; n: t.price aggregation; rows: t.id group by
//! ```
//!
//! A SQL query is one operation: each of its columns may come from every column it mentions, and its rows too. So what is said
//! of it is never too little, and often more than there is.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use ir::expr::ScalarExpr;
use ir::graph::{Graph, NodeId};
use ir::op::{Aggregate, JoinColumn, Op, Project, Side, Unnest, Window};
use sqlparser::ast::Expr;

/// How a value comes from a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum How {
    /// It is the value.
    Identity,
    /// It is computed from values of the same row.
    Transformation,
    /// It is computed from values of several rows.
    Aggregation,
    /// Rows are kept or dropped by it.
    Filter,
    /// Rows are put together by it.
    Join,
    /// Rows are grouped by it, or told apart.
    GroupBy,
    /// Rows are sorted by it.
    Sort,
    /// It says which rows a window has, and in which order.
    Window,
    /// A query mentions it.
    Mentioned,
}

impl How {
    /// Whether values are computed of its values.
    #[must_use]
    pub fn is_direct(self) -> bool {
        matches!(self, Self::Identity | Self::Transformation | Self::Aggregation)
    }

    /// How something comes from a column that comes from another like this, where it comes from the first like `self`.
    fn after(self, below: Self) -> Self {
        if !below.is_direct() {
            return below;
        }
        if self.is_direct() { self.max(below) } else { self }
    }
}

/// A column of a table that is read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source {
    /// The scan.
    pub scan: NodeId,
    /// The column.
    pub column: String,
}

/// Columns of tables, each with the ways in which something comes from it.
pub type Sources = BTreeMap<Source, BTreeSet<How>>;

/// What a node comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lineage {
    /// What each of its columns comes from.
    pub columns: BTreeMap<String, Sources>,
    /// What decides which rows it has.
    pub rows: Sources,
}

/// The lineage of a node, and with it that of all below it.
#[must_use]
pub fn lineage(graph: &Graph, root: NodeId) -> Lineage {
    let mut known: BTreeMap<NodeId, Lineage> = BTreeMap::new();
    for id in graph.topological_below(root, |_| false).into_iter().rev() {
        let lineage = of_node(graph, id, &known);
        known.insert(id, lineage);
    }
    known.remove(&root).unwrap_or_default()
}

fn add(to: &mut Sources, from: &Sources, how: How) {
    for (source, below) in from {
        to.entry(source.clone()).or_default().extend(below.iter().map(|below| how.after(*below)));
    }
}

impl Lineage {
    /// What values that are computed of columns come from.
    fn of_columns(&self, columns: &BTreeSet<String>, how: How) -> Sources {
        let mut sources = Sources::new();
        columns
            .iter()
            .filter_map(|column| self.columns.get(column))
            .for_each(|from| add(&mut sources, from, how));
        sources
    }

    /// What an expression over the columns comes from.
    fn of_expression(&self, expr: &ScalarExpr) -> Sources {
        let how = if expr.as_column().is_some() { How::Identity } else { How::Transformation };
        self.of_columns(&expr.columns(), how)
    }

    /// Lets columns decide which rows there are.
    fn decided_by(&mut self, columns: &BTreeSet<String>, how: How, input: &Self) {
        let sources = input.of_columns(columns, how);
        add(&mut self.rows, &sources, how);
    }

    /// What a value of an expression over a window comes from.
    fn of_window(&self, expr: &ScalarExpr) -> Sources {
        let Expr::Function(call) = expr.ast() else { return self.of_expression(expr) };
        let mut of_rows = call.clone();
        of_rows.over = None;
        let values = ScalarExpr::new(Expr::Function(of_rows)).columns();
        let mut sources = self.of_columns(&values, How::Aggregation);
        let framed = expr.columns().difference(&values).cloned().collect();
        add(&mut sources, &self.of_columns(&framed, How::Window), How::Window);
        sources
    }
}

fn of_node(graph: &Graph, id: NodeId, known: &BTreeMap<NodeId, Lineage>) -> Lineage {
    let inputs: Vec<&Lineage> = graph.inputs(id).iter().filter_map(|input| known.get(input)).collect();
    let Some((first, rest)) = inputs.split_first() else { return of_leaf(graph, id) };
    let mut same = Lineage { columns: BTreeMap::new(), rows: first.rows.clone() };
    match &graph[id].op {
        Op::Filter(filter) => {
            same.columns.clone_from(&first.columns);
            same.decided_by(&filter.predicate.columns(), How::Filter, first);
        }
        Op::Project(Project { columns }) => {
            let columns = columns.iter().map(|named| (named.name.clone(), first.of_expression(&named.expr)));
            same.columns = columns.collect();
        }
        Op::Aggregate(aggregate) => of_aggregate(aggregate, first, &mut same),
        Op::Window(Window { columns }) => {
            same.columns.clone_from(&first.columns);
            same.columns
                .extend(columns.iter().map(|named| (named.name.clone(), first.of_window(&named.expr))));
        }
        Op::Unnest(unnest) => of_unnest(unnest, first, &mut same),
        Op::Join(join) => {
            let keys = join.on.iter().cloned().unzip();
            of_join(&join.columns, keys, [first, rest.first().unwrap_or(first)], &mut same);
        }
        Op::SpanJoin(join) => {
            let mut keys: Keys = join.on.iter().cloned().unzip();
            keys.0.extend(join.left.iter().cloned());
            keys.1.extend(join.right.iter().cloned());
            of_join(&join.columns, keys, [first, rest.first().unwrap_or(first)], &mut same);
        }
        Op::Union(_) => inputs.iter().for_each(|input| of_united(input, &mut same)),
        Op::Distinct(_) => {
            same.columns.clone_from(&first.columns);
            same.decided_by(&first.columns.keys().cloned().collect(), How::GroupBy, first);
        }
        Op::Sink(sink) => {
            same.columns.clone_from(&first.columns);
            let sorted = sink.sort_by.iter().map(|by| by.column.clone()).collect();
            same.decided_by(&sorted, How::Sort, first);
        }
        // Failing rows as they are, and a table as it was written.
        Op::Check(_) | Op::Written(_) => same.columns.clone_from(&first.columns),
        Op::Query(query) => {
            let mentioned = query.query.mentioned_names();
            of_all(graph, id, &inputs, &mut same, |name| mentioned.is_none_or(|names| names.contains(name)));
        }
        // Surface operations are taken as a whole, and leaves have no inputs.
        Op::Normalize(_)
        | Op::Relate(_)
        | Op::UnionByName(_)
        | Op::Conform(_)
        | Op::ChangeFeed(_)
        | Op::TableMetadata(_)
        | Op::FileManifest(_)
        | Op::Input(_)
        | Op::Scan(_) => of_all(graph, id, &inputs, &mut same, |_| true),
    }
    same
}

/// A table's own columns.
fn of_leaf(graph: &Graph, id: NodeId) -> Lineage {
    let of = |name: &str| Source { scan: id, column: name.to_owned() };
    let columns = graph.schema(id).names();
    let columns =
        columns.map(|name| (name.to_owned(), Sources::from([(of(name), BTreeSet::from([How::Identity]))])));
    Lineage { columns: columns.collect(), rows: Sources::new() }
}

fn of_unnest(unnest: &Unnest, input: &Lineage, into: &mut Lineage) {
    let element = unnest.alias.as_ref().unwrap_or(&unnest.column);
    let list = BTreeSet::from([unnest.column.clone()]);
    into.columns.clone_from(&input.columns);
    into.columns.remove(&unnest.column);
    into.columns.insert(element.clone(), input.of_columns(&list, How::Transformation));
}

/// One of the inputs of a union.
fn of_united(input: &Lineage, into: &mut Lineage) {
    add(&mut into.rows, &input.rows, How::Identity);
    for (column, from) in &input.columns {
        add(into.columns.entry(column.clone()).or_default(), from, How::Identity);
    }
}

fn of_aggregate(aggregate: &Aggregate, input: &Lineage, into: &mut Lineage) {
    for named in aggregate.group_by.iter() {
        into.columns.insert(named.name.clone(), input.of_expression(&named.expr));
        into.decided_by(&named.expr.columns(), How::GroupBy, input);
    }
    for named in aggregate.measures.iter() {
        let sources = input.of_columns(&named.expr.columns(), How::Aggregation);
        into.columns.insert(named.name.clone(), sources);
    }
}

/// The columns that two sides are joined by.
type Keys = (BTreeSet<String>, BTreeSet<String>);

fn of_join(columns: &[JoinColumn], (left, right): Keys, inputs: [&Lineage; 2], into: &mut Lineage) {
    let [first, second] = inputs;
    add(&mut into.rows, &second.rows, How::Identity);
    into.decided_by(&left, How::Join, first);
    into.decided_by(&right, How::Join, second);
    for column in columns {
        let side = if column.from == Side::Left { first } else { second };
        let sources = side.columns.get(&column.column).cloned().unwrap_or_default();
        into.columns.insert(column.name.clone(), sources);
    }
}

/// Every column may come from every column of the inputs that is named.
fn of_all(
    graph: &Graph,
    id: NodeId,
    inputs: &[&Lineage],
    into: &mut Lineage,
    is_named: impl Fn(&str) -> bool,
) {
    let mut all = Sources::new();
    for input in inputs {
        add(&mut into.rows, &input.rows, How::Identity);
        let named = input.columns.keys().filter(|name| is_named(name)).cloned().collect();
        let sources = input.of_columns(&named, How::Transformation);
        add(&mut into.rows, &sources, How::Mentioned);
        add(&mut all, &sources, How::Transformation);
    }
    let columns = graph.schema(id).names();
    into.columns = columns.map(|name| (name.to_owned(), all.clone())).collect();
}
