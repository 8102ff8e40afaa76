//! What stands on a node and in a graph's header.

use serde::{Deserialize, Serialize};

use crate::estimate::Estimate;
use crate::expr::ScalarExpr;
use crate::op::Op;
use crate::schema::Schema;

/// One operation in the graph.
#[derive(Clone, Debug, PartialEq, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub struct Node {
    /// The unique name.
    pub name: String,
    /// What it computes.
    pub op: Op,
    /// The names of its inputs, in port order; only in phase Lowered, edges after that.
    pub sources: Vec<String>,
    /// The columns of its output; from phase Resolved on for leaves, from Typed on for all.
    pub schema: Option<Schema>,
    /// The columns the spec promises for the view, until phase Core.
    pub contract: Option<Schema>,
    /// What is done about several readers, from phase Placed on.
    pub placement: Option<Placement>,
}

impl Node {
    /// A node that is not connected and has no schema.
    #[must_use]
    pub fn new(name: impl Into<String>, op: Op) -> Self {
        Self { name: name.into(), op, sources: Vec::new(), schema: None, contract: None, placement: None }
    }

    /// The node with the names of its inputs.
    #[must_use]
    pub fn reading(mut self, sources: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.sources = sources.into_iter().map(Into::into).collect();
        self
    }

    /// The node with a schema.
    #[must_use]
    pub fn typed(mut self, schema: Schema) -> Self {
        self.schema = Some(schema);
        self
    }

    /// The name of the view, input or output (with its `@`) that the node belongs to.
    #[must_use]
    pub fn owner(&self) -> &str {
        self.name.split_once('.').map_or(self.name.as_str(), |(owner, _)| owner)
    }
}

/// What is done about a node with several readers, and why.
#[derive(Clone, Debug, PartialEq, Eq, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub struct Placement {
    /// The decision.
    pub choice: PlacementChoice,
    /// The reason, in a few words with the numbers it rests on.
    pub reason: String,
}

/// The ways to serve several readers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub enum PlacementChoice {
    /// Every reader computes it again.
    Recompute,
    /// It is computed once a run and read from a store.
    Share,
}

impl PlacementChoice {
    /// The name in the text form.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Recompute => "recompute",
            Self::Share => "share",
        }
    }

    /// The choice with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Recompute, Self::Share].into_iter().find(|choice| choice.name() == name)
    }
}

/// A value given from outside, and what it is for.
#[derive(
    Clone, Debug, PartialEq, Eq, Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// Where the value goes.
    pub target: ParameterTarget,
    /// The value, as a typed SQL literal.
    pub value: ScalarExpr,
    /// A name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// What a parameter is for.
#[derive(
    Clone, Debug, PartialEq, Eq, Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum ParameterTarget {
    /// Placeholder `$n` in expressions and queries.
    Placeholder(u32),
    /// A filter `column = value`, right above the named input or view.
    FilterEq {
        /// The input or view; every input that has the column if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        base: Option<String>,
        /// The column.
        column: String,
    },
}

/// What the spec says about shared views.
#[derive(
    Clone, Debug, PartialEq, Eq, Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct CachePolicy {
    /// How many readers a view needs before sharing is considered.
    pub min_fanout: u32,
    /// How many estimated rows a view needs before sharing is considered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_estimated_rows: Option<u64>,
    /// How many bytes of memory all shared views together may hold; what is more goes to temporary files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_budget: Option<u64>,
    /// Views that are always shared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub force: Vec<String>,
    /// Views that are never shared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub never: Vec<String>,
}

impl Default for CachePolicy {
    fn default() -> Self {
        Self {
            min_fanout: 2,
            min_estimated_rows: None,
            memory_budget: None,
            force: Vec::new(),
            never: Vec::new(),
        }
    }
}

/// The order of execution.
#[derive(Clone, Debug, PartialEq, Eq, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub struct Schedule {
    /// The segments; every segment comes after those it reads.
    pub segments: Vec<Segment>,
}

/// A part of the graph that is planned and run as one: everything below a shared view or a sink, down to leaves
/// and other shared views.
#[derive(
    Clone, Debug, PartialEq, Eq, Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize,
)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// The node at its top: a shared view, or a sink.
    pub root: String,
    /// Segments of one level do not depend on each other; level 0 reads tables only.
    pub level: u32,
    /// The shared views it reads.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reads: Vec<String>,
    /// The rows it gives.
    pub rows: Estimate,
    /// Its cost in units of one row passing one operator.
    pub cost: u64,
    /// Its cost and the cost of everything that must wait for it, along the longest way to a sink.
    pub bottom_level: u64,
    /// Whether it lies on the longest way.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub critical: bool,
}
