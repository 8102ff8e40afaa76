//! A spec that was generated: tables, views over them and outputs, as a tree that both the program's text and the
//! evaluator's rows are made of.

mod expression;
mod kinds;
mod portable;
mod query;
mod spec;
mod transforms;
mod view;

pub use expression::{Call, Comparison, Expr, Fresh, Operation, Subquery, SubqueryKind};
pub use kinds::{Aggregate, JoinKind, SpanRelation, WindowFunction};
pub use portable::portable_query;
pub use query::{Body, From, Group, Query, Select, SetOperation};
pub use spec::spec_text;
pub use transforms::{Graph, GraphTable, LogRead, Normalize, RowFilter};

use crate::value::Type;

/// A column: its name and its type.
pub type Column = (String, Type);

/// A view and what it gives.
#[derive(Clone, Debug)]
pub struct View {
    /// Its name.
    pub name: String,
    /// What it does.
    pub op: Op,
    /// Its columns in their order.
    pub columns: Vec<Column>,
}

/// An output: the table it writes, and how.
#[derive(Clone, Debug)]
pub struct Output {
    /// The name of the table, which is that of its folder.
    pub table: String,
    /// How its place is spelled.
    pub location: String,
    /// The view, or the input, that it holds.
    pub view: String,
    /// The columns that order its rows.
    pub sort_by: Vec<SortKey>,
    /// The columns that its files are divided by.
    pub partition_by: Vec<String>,
    /// Whether the table keeps the rows it has.
    pub appends: bool,
}

/// An input: the name that views use, and where the table is.
#[derive(Clone, Debug)]
pub struct Input {
    /// The name.
    pub name: String,
    /// The table, by its name.
    pub table: String,
    /// How its place is spelled.
    pub location: String,
    /// The version that is read; the latest without one.
    pub version: Option<u64>,
    /// The columns of the table.
    pub columns: Vec<Column>,
}

/// A generated spec.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What views may read besides each other.
    pub inputs: Vec<Input>,
    /// The views; each reads only earlier ones.
    pub views: Vec<View>,
    /// What is written.
    pub outputs: Vec<Output>,
    /// Views that are shared whatever they cost, and views that never are.
    pub cache: [Vec<String>; 2],
    /// Parameters that keep some rows.
    pub filters: Vec<RowFilter>,
    /// The code of the error that the compiler must refuse it with.
    pub refused: Option<String>,
}

/// What a view does.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the fields have the names of the spec")]
pub enum Op {
    /// Keeps rows for which the condition is true.
    Filter { source: String, predicate: Expr },
    /// Computes columns.
    Project { source: String, columns: Vec<(String, Expr)> },
    /// A row for each group.
    Aggregate { source: String, group: Group },
    /// All columns, and those of window functions.
    Window { source: String, columns: Vec<(String, WindowCall)> },
    /// A row for each element of a list.
    Unnest { source: String, column: String, alias: String, keep_empty: bool },
    /// The rows of several sources, by the names of columns.
    Union { sources: Vec<String>, discriminator: Option<String>, distinct: bool },
    /// A join.
    Relate(Relate),
    /// A query.
    Query(Query),
    /// All columns, and those that describe them.
    Normalize(Normalize),
    /// A table of a graph.
    Graph(Graph),
    /// What the log of an input says.
    Log(String, LogRead),
}

/// A join of two sources.
#[derive(Clone, Debug)]
pub struct Relate {
    /// The left source.
    pub left: String,
    /// The right source.
    pub right: String,
    /// Which rows are kept.
    pub kind: JoinKind,
    /// Columns that must be equal.
    pub on: Vec<(String, String)>,
    /// A condition on spans.
    pub span: Option<Span>,
    /// What is kept: the side, its column and the new name. Empty for all of the left side.
    pub select: Vec<(Side, String, String)>,
    /// What is put behind names that both sides have; then `select` is what the transform keeps of itself.
    pub suffix: Option<[String; 2]>,
}

/// A condition on two spans.
#[derive(Clone, Debug)]
pub struct Span {
    /// How they must lie.
    pub relation: SpanRelation,
    /// Start and end on the left.
    pub left: [String; 2],
    /// Start and end on the right.
    pub right: [String; 2],
    /// Whether only the tightest container counts.
    pub innermost: bool,
}

/// A side of a join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Side {
    Left,
    Right,
}

/// A column to order by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortKey {
    /// The column.
    pub column: String,
    /// Whether the greatest comes first.
    pub descending: bool,
    /// Whether NULL comes first.
    pub nulls_first: bool,
}

/// A call of an aggregate function.
#[derive(Clone, Debug)]
pub struct Measure {
    /// The function.
    pub function: Aggregate,
    /// What it is computed of; nothing for the number of rows.
    pub argument: Option<Expr>,
    /// Whether equal values count once.
    pub distinct: bool,
    /// Which rows take part.
    pub filter: Option<Expr>,
    /// The order in which a list takes them.
    pub order: Vec<SortKey>,
}

/// A call of a window function.
#[derive(Clone, Debug)]
pub struct WindowCall {
    /// The function.
    pub function: WindowFunction,
    /// The column it is computed of, where it needs one.
    pub argument: Option<String>,
    /// The columns whose equal values make a window.
    pub partition: Vec<String>,
    /// The order of rows in a window.
    pub order: Vec<SortKey>,
    /// Rows before and after the current one that take part; without it, all rows of the window.
    pub frame: Option<[usize; 2]>,
}

impl Plan {
    /// Gives the columns of views that pass on what they read, after it has changed.
    pub fn settle(&mut self) {
        let mut known: Vec<(String, Vec<Column>)> =
            self.inputs.iter().map(|input| (input.name.clone(), input.columns.clone())).collect();
        for view in &mut self.views {
            let of = |name: &str| {
                let found = known.iter().find(|(known, _)| known == name);
                found.map(|(_, columns)| columns.clone()).unwrap_or_default()
            };
            match &view.op {
                Op::Filter { source, .. } => view.columns = of(source),
                Op::Window { source, columns } => {
                    let own = view.columns.split_off(view.columns.len() - columns.len());
                    view.columns = of(source).into_iter().chain(own).collect();
                }
                Op::Unnest { source, column, alias, .. } => {
                    view.columns = of(source);
                    for (name, of) in view.columns.iter_mut().filter(|(name, _)| name == column) {
                        alias.clone_into(name);
                        *of = of.element().unwrap_or(*of);
                    }
                }
                Op::Union { sources, discriminator, .. } => {
                    view.columns = discriminator.iter().map(|name| (name.clone(), Type::Text)).collect();
                    for column in sources.iter().flat_map(|source| of(source)) {
                        if !view.columns.contains(&column) {
                            view.columns.push(column);
                        }
                    }
                }
                Op::Relate(relate) if relate.select.is_empty() => view.columns = of(&relate.left),
                Op::Normalize(normalize) => {
                    let own = view.columns.split_off(view.columns.len() - normalize.added().len());
                    view.columns = of(&normalize.source).into_iter().chain(own).collect();
                }
                Op::Relate(_)
                | Op::Project { .. }
                | Op::Aggregate { .. }
                | Op::Query(_)
                | Op::Graph(_)
                | Op::Log(..) => {}
            }
            known.push((view.name.clone(), view.columns.clone()));
        }
    }

    /// Reads a source instead of a view, wherever the view was read.
    pub fn read_instead(&mut self, view: &str, source: &str) {
        for output in self.outputs.iter_mut().filter(|output| output.view == view) {
            source.clone_into(&mut output.view);
        }
        for other in &mut self.views {
            other.op.read_instead(view, source);
        }
    }
}

impl View {
    /// Whether it gives any rows that come first in an order which does not tell all rows apart.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(&self.op, Op::Query(query) if query.limit.is_some() && query.order.len() < self.columns.len())
    }
}

impl Op {
    /// Reads a source instead of a view, but in subqueries.
    pub fn read_instead(&mut self, view: &str, source: &str) {
        for read in self.sources_mut().into_iter().filter(|read| *read == view) {
            source.clone_into(read);
        }
    }

    /// The names of the relations that are read, those of subqueries not among them.
    fn sources_mut(&mut self) -> Vec<&mut String> {
        match self {
            Self::Filter { source, .. }
            | Self::Project { source, .. }
            | Self::Aggregate { source, .. }
            | Self::Window { source, .. }
            | Self::Unnest { source, .. } => vec![source],
            Self::Union { sources, .. } => sources.iter_mut().collect(),
            Self::Relate(relate) => vec![&mut relate.left, &mut relate.right],
            Self::Query(query) => query.body.sources_mut(),
            Self::Normalize(normalize) => vec![&mut normalize.source],
            Self::Graph(graph) => graph.sources.iter_mut().map(|(source, _)| source).collect(),
            // Only an input has a log.
            Self::Log(..) => Vec::new(),
        }
    }

    /// The relations that are read.
    #[must_use]
    pub fn sources(&self) -> Vec<&str> {
        match self {
            Self::Filter { source, .. }
            | Self::Project { source, .. }
            | Self::Aggregate { source, .. }
            | Self::Window { source, .. }
            | Self::Unnest { source, .. } => vec![source],
            Self::Union { sources, .. } => sources.iter().map(String::as_str).collect(),
            Self::Relate(relate) => vec![&relate.left, &relate.right],
            Self::Query(query) => query.sources(),
            Self::Normalize(normalize) => vec![&normalize.source],
            Self::Graph(graph) => graph.sources.iter().map(|(source, _)| source.as_str()).collect(),
            Self::Log(source, _) => vec![source],
        }
    }

    /// The expressions that it is written with, those of aggregates among them.
    #[must_use]
    pub fn expressions(&self) -> Vec<&Expr> {
        match self {
            Self::Filter { predicate, .. } => vec![predicate],
            Self::Project { columns, .. } => columns.iter().map(|(_, expr)| expr).collect(),
            Self::Aggregate { group, .. } => group.expressions(),
            Self::Query(query) => query.body.expressions(),
            Self::Window { .. }
            | Self::Unnest { .. }
            | Self::Union { .. }
            | Self::Relate(_)
            | Self::Normalize(_)
            | Self::Graph(_)
            | Self::Log(..) => Vec::new(),
        }
    }

    /// Those expressions and all that they are made of, those of subqueries among them.
    #[must_use]
    pub fn all_expressions(&self) -> Vec<&Expr> {
        let (mut all, mut open) = (Vec::new(), self.expressions());
        while let Some(expr) = open.pop() {
            open.extend(expr.operands());
            if let Expr::Subquery(query) = expr {
                open.extend(query.expressions());
            }
            all.push(expr);
        }
        all
    }

    /// The aggregates that it computes.
    #[must_use]
    pub fn measures(&self) -> Vec<&Measure> {
        let groups = match self {
            Self::Aggregate { group, .. } => vec![group],
            Self::Query(query) => {
                query.body.selects().into_iter().filter_map(|select| select.group.as_ref()).collect()
            }
            _ => Vec::new(),
        };
        groups.into_iter().flat_map(|group| group.measures.iter().map(|(_, measure)| measure)).collect()
    }

    /// The calls of window functions that it makes.
    #[must_use]
    pub fn windows(&self) -> Vec<&WindowCall> {
        let calls = match self {
            Self::Window { columns, .. } => vec![columns],
            Self::Query(query) => query.body.selects().into_iter().map(|select| &select.windows).collect(),
            _ => Vec::new(),
        };
        calls.into_iter().flatten().map(|(_, call)| call).collect()
    }

    /// The kind of transform, as specs call it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Filter { .. } => "Filter",
            Self::Project { .. } => "Project",
            Self::Aggregate { .. } => "Aggregate",
            Self::Window { .. } => "Window",
            Self::Unnest { .. } => "Unnest",
            Self::Union { .. } => "Union",
            Self::Relate(_) => "Relate",
            Self::Query(_) => "Sql",
            Self::Normalize(_) => "Normalize",
            Self::Graph(_) => "CpgEmit",
            Self::Log(_, LogRead::Changes { .. }) => "IncrementalCdf",
            Self::Log(_, LogRead::Version) => "Metadata",
            Self::Log(_, LogRead::Files) => "FileManifest",
        }
    }
}
