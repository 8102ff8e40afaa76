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
//! | checks of what is published | `written`, `check` |

mod check;
mod core;
mod facts;
mod files;
mod join;
mod source;
mod surface;

pub use self::check::{AssertionSeverity, Check, Written};
pub use self::core::{
    Aggregate, Distinct, Filter, GraphTable, Project, Query, SchemaMode, Sink, SinkMode, SortColumn, Union,
    Unnest, Window,
};
pub use self::facts::{Facts, Reads};
pub use self::files::{FileColumn, FileFormat, FileSource};
pub use self::join::{Join, JoinColumn, JoinType, Side, SpanJoin, SpanRelation};
pub use self::source::{
    ChangeFeed, ChangeRange, FileManifest, Identity, Input, Read, SOURCE_FILE_COLUMN, Scan, TableMetadata,
};
pub use self::surface::{Conform, Lists, Normalize, Relate, RelateSpan, SelectColumn, UnionByName};

use serde::{Deserialize, Serialize};

use crate::expr::ScalarExpr;

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
    Check(Check),
    Written(Written),
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
