//! Operations: what a node of the graph computes.
//!
//! [`Op`] is a closed enum of structs. The structs derive serde, and that is all the text form needs: a node
//! prints as its keyword, its inputs and its fields, and parses back the same way. Adding an operation therefore
//! means a struct here, a variant in [`Op`], and whatever the compiler then says is not exhaustive.
//!
//! | group | operations |
//! |---|---|
//! | names of tables, before resolution | `input`, `change_feed`, `table_metadata`, `file_manifest` |
//! | surface, gone in phase Core | `normalize`, `relate`, `union_by_name`, `conform` |
//! | core | `scan`, `filter`, `project`, `aggregate`, `window`, `unnest`, `query`, `join`, `span_join`, `union`, `distinct`, `sink` |

mod core;
mod join;
mod source;
mod surface;

pub use self::core::{
    Aggregate, Distinct, Filter, GraphTable, Project, Query, SchemaMode, Sink, SinkMode, SortColumn, Union,
    Unnest, Window,
};
pub use self::join::{Join, JoinColumn, JoinType, Side, SpanJoin, SpanRelation};
pub use self::source::{
    ChangeFeed, ChangeRange, FileManifest, Identity, Input, Read, SOURCE_FILE_COLUMN, Scan, TableMetadata,
};
pub use self::surface::{Conform, Lists, Normalize, Relate, RelateSpan, SelectColumn, UnionByName};

use serde::{Deserialize, Serialize};

use crate::expr::ScalarExpr;
use crate::phase::Phase;

/// What a node computes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
#[expect(missing_docs, reason = "every variant is documented on its struct")]
pub enum Op {
    Input(Input),
    ChangeFeed(ChangeFeed),
    TableMetadata(TableMetadata),
    FileManifest(FileManifest),
    Normalize(Normalize),
    Relate(Relate),
    UnionByName(UnionByName),
    Conform(Conform),
    Scan(Scan),
    Filter(Filter),
    Project(Project),
    Aggregate(Aggregate),
    Window(Window),
    Unnest(Unnest),
    Query(Query),
    Join(Join),
    SpanJoin(SpanJoin),
    Union(Union),
    Distinct(Distinct),
    Sink(Sink),
}

/// How many inputs an operation takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arity {
    /// Exactly this many.
    Exactly(usize),
    /// This many or more.
    AtLeast(usize),
}

impl Arity {
    /// Whether `count` inputs are right.
    #[must_use]
    pub fn allows(self, count: usize) -> bool {
        match self {
            Self::Exactly(wanted) => count == wanted,
            Self::AtLeast(least) => count >= least,
        }
    }
}

impl std::fmt::Display for Arity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exactly(count) => write!(f, "{count}"),
            Self::AtLeast(count) => write!(f, "at least {count}"),
        }
    }
}

/// How the expressions of an operation are evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Evaluation {
    /// One value per input row.
    Scalar,
    /// One value per group.
    Aggregate,
    /// One value per row, from a window of rows.
    Window,
}

/// One expression of an operation and where it stands in it.
#[derive(Clone, Debug)]
pub struct ExprUse<'a> {
    /// The field of the operation, with the index or name in it.
    pub field: ExprField<'a>,
    /// How it is evaluated.
    pub evaluation: Evaluation,
    /// The expression.
    pub expr: &'a ScalarExpr,
}

/// The place of an expression in its operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExprField<'a> {
    /// The predicate of a filter.
    Predicate,
    /// The n-th output column of a projection or window.
    Column(usize, &'a str),
    /// The n-th grouping column of an aggregation.
    GroupBy(usize, &'a str),
    /// The n-th measure of an aggregation.
    Measure(usize, &'a str),
}

impl Op {
    /// The keyword of the operation in the text form.
    #[must_use]
    pub fn keyword(&self) -> &'static str {
        match self {
            Self::Input(_) => "input",
            Self::ChangeFeed(_) => "change_feed",
            Self::TableMetadata(_) => "table_metadata",
            Self::FileManifest(_) => "file_manifest",
            Self::Normalize(_) => "normalize",
            Self::Relate(_) => "relate",
            Self::UnionByName(_) => "union_by_name",
            Self::Conform(_) => "conform",
            Self::Scan(_) => "scan",
            Self::Filter(_) => "filter",
            Self::Project(_) => "project",
            Self::Aggregate(_) => "aggregate",
            Self::Window(_) => "window",
            Self::Unnest(_) => "unnest",
            Self::Query(_) => "query",
            Self::Join(_) => "join",
            Self::SpanJoin(_) => "span_join",
            Self::Union(_) => "union",
            Self::Distinct(_) => "distinct",
            Self::Sink(_) => "sink",
        }
    }

    /// How many inputs the operation takes.
    #[must_use]
    pub fn arity(&self) -> Arity {
        match self {
            Self::Input(_) | Self::Scan(_) => Arity::Exactly(0),
            Self::ChangeFeed(_)
            | Self::TableMetadata(_)
            | Self::FileManifest(_)
            | Self::Normalize(_)
            | Self::Filter(_)
            | Self::Project(_)
            | Self::Aggregate(_)
            | Self::Window(_)
            | Self::Unnest(_)
            | Self::Distinct(_)
            | Self::Sink(_) => Arity::Exactly(1),
            Self::Relate(_) | Self::Join(_) | Self::SpanJoin(_) => Arity::Exactly(2),
            Self::UnionByName(_) | Self::Union(_) => Arity::AtLeast(2),
            Self::Conform(_) => Arity::AtLeast(1),
            Self::Query(query) => Arity::Exactly(query.relations.len()),
        }
    }

    /// The first and the last phase in which the operation may stand.
    #[must_use]
    pub fn phases(&self) -> (Phase, Phase) {
        match self {
            Self::Input(_) | Self::ChangeFeed(_) | Self::TableMetadata(_) | Self::FileManifest(_) => {
                (Phase::Lowered, Phase::Lowered)
            }
            Self::Normalize(_) | Self::Relate(_) | Self::UnionByName(_) | Self::Conform(_) => {
                (Phase::Lowered, Phase::Bound)
            }
            Self::Scan(_) => (Phase::Resolved, Phase::Scheduled),
            Self::Join(_) | Self::SpanJoin(_) | Self::Union(_) | Self::Distinct(_) => {
                (Phase::Core, Phase::Scheduled)
            }
            Self::Filter(_)
            | Self::Project(_)
            | Self::Aggregate(_)
            | Self::Window(_)
            | Self::Unnest(_)
            | Self::Query(_)
            | Self::Sink(_) => (Phase::Lowered, Phase::Scheduled),
        }
    }

    /// Whether the operation is allowed in a phase.
    #[must_use]
    pub fn allowed_in(&self, phase: Phase) -> bool {
        let (first, last) = self.phases();
        let everything = matches!(self, Self::Project(project) if project.columns.is_empty());
        first <= phase && phase <= last && !(everything && phase >= Phase::Core)
    }

    /// Whether the operation is surface syntax: its meaning is the core operations it expands to.
    #[must_use]
    pub fn is_surface(&self) -> bool {
        !self.allowed_in(Phase::Core)
    }

    /// The expressions of the operation, in order. A query's expressions are not among them: they may read
    /// several relations and are the query's own business.
    #[must_use]
    pub fn expressions(&self) -> Vec<ExprUse<'_>> {
        fn columns<'a>(
            list: &'a crate::expr::NamedExprs,
            evaluation: Evaluation,
            field: fn(usize, &'a str) -> ExprField<'a>,
        ) -> impl Iterator<Item = ExprUse<'a>> {
            list.iter().enumerate().map(move |(index, named)| ExprUse {
                field: field(index, &named.name),
                evaluation,
                expr: &named.expr,
            })
        }
        match self {
            Self::Filter(filter) => vec![ExprUse {
                field: ExprField::Predicate,
                evaluation: Evaluation::Scalar,
                expr: &filter.predicate,
            }],
            Self::Project(project) => {
                columns(&project.columns, Evaluation::Scalar, ExprField::Column).collect()
            }
            Self::Window(window) => columns(&window.columns, Evaluation::Window, ExprField::Column).collect(),
            Self::Aggregate(aggregate) => {
                columns(&aggregate.group_by, Evaluation::Scalar, ExprField::GroupBy)
                    .chain(columns(&aggregate.measures, Evaluation::Aggregate, ExprField::Measure))
                    .collect()
            }
            Self::Input(_)
            | Self::ChangeFeed(_)
            | Self::TableMetadata(_)
            | Self::FileManifest(_)
            | Self::Normalize(_)
            | Self::Relate(_)
            | Self::UnionByName(_)
            | Self::Conform(_)
            | Self::Scan(_)
            | Self::Unnest(_)
            | Self::Query(_)
            | Self::Join(_)
            | Self::SpanJoin(_)
            | Self::Union(_)
            | Self::Distinct(_)
            | Self::Sink(_) => Vec::new(),
        }
    }

    /// The expressions of the operation, for rewriting.
    pub fn expressions_mut(&mut self) -> Vec<&mut ScalarExpr> {
        fn columns(list: &mut crate::expr::NamedExprs) -> impl Iterator<Item = &mut ScalarExpr> {
            list.0.iter_mut().map(|named| &mut named.expr)
        }
        match self {
            Self::Filter(filter) => vec![&mut filter.predicate],
            Self::Project(project) => columns(&mut project.columns).collect(),
            Self::Window(window) => columns(&mut window.columns).collect(),
            Self::Aggregate(aggregate) => {
                columns(&mut aggregate.group_by).chain(columns(&mut aggregate.measures)).collect()
            }
            Self::Input(_)
            | Self::ChangeFeed(_)
            | Self::TableMetadata(_)
            | Self::FileManifest(_)
            | Self::Normalize(_)
            | Self::Relate(_)
            | Self::UnionByName(_)
            | Self::Conform(_)
            | Self::Scan(_)
            | Self::Unnest(_)
            | Self::Query(_)
            | Self::Join(_)
            | Self::SpanJoin(_)
            | Self::Union(_)
            | Self::Distinct(_)
            | Self::Sink(_) => Vec::new(),
        }
    }

    /// The columns passed through by name that the operation itself reads from input `port`, beside those of
    /// its expressions.
    #[must_use]
    pub fn column_uses(&self, port: usize) -> Vec<&str> {
        match self {
            Self::Join(join) => join.on.iter().map(|pair| side(pair, port)).collect(),
            Self::SpanJoin(join) => {
                let bounds = if port == 0 { &join.left } else { &join.right };
                join.on.iter().map(|pair| side(pair, port)).chain(bounds.iter().map(String::as_str)).collect()
            }
            Self::Unnest(unnest) => vec![&unnest.column],
            Self::Input(_)
            | Self::ChangeFeed(_)
            | Self::TableMetadata(_)
            | Self::FileManifest(_)
            | Self::Normalize(_)
            | Self::Relate(_)
            | Self::UnionByName(_)
            | Self::Conform(_)
            | Self::Scan(_)
            | Self::Filter(_)
            | Self::Project(_)
            | Self::Aggregate(_)
            | Self::Window(_)
            | Self::Query(_)
            | Self::Union(_)
            | Self::Distinct(_)
            | Self::Sink(_) => Vec::new(),
        }
    }
}

fn side(pair: &(String, String), port: usize) -> &str {
    if port == 0 { &pair.0 } else { &pair.1 }
}
