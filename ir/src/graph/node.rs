//! What stands on a node and in a graph's header.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::estimate::Estimate;
use crate::expr::ScalarExpr;
use crate::op::Op;
use crate::schema::Schema;

/// One operation in the graph.
#[derive(Clone, Debug, PartialEq, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub struct Node {
    /// The unique name: what others find the node by, and nothing more. What the node is says [`Self::op`], where it
    /// belongs [`Self::owner`] and [`Self::role`].
    pub name: String,
    /// The part of the spec it belongs to.
    pub owner: Owner,
    /// What it is there.
    pub role: Role,
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
    /// The result of the view or input of this name, not connected and without a schema.
    #[must_use]
    pub fn new(name: impl Into<String>, op: Op) -> Self {
        let name = name.into();
        Self {
            owner: Owner::View(name.clone()),
            role: Role::Result,
            name,
            op,
            sources: Vec::new(),
            schema: None,
            contract: None,
            placement: None,
        }
    }

    /// The node as a part of something else.
    #[must_use]
    pub fn part(mut self, owner: Owner, role: Role) -> Self {
        (self.owner, self.role) = (owner, role);
        self
    }

    /// The node as one of the steps of something else.
    #[must_use]
    pub fn step_of(self, owner: &Owner) -> Self {
        self.part(owner.clone(), Role::Step)
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

    /// Whether it is what a reader of this view or input reads.
    #[must_use]
    pub fn is_result_of(&self, view: &str) -> bool {
        self.role == Role::Result && matches!(&self.owner, Owner::View(name) if name == view)
    }

    /// Whether it is computed once a run and read from a store.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.placement.as_ref().is_some_and(|placement| placement.choice == PlacementChoice::Share)
    }

    /// Whether it writes a table.
    #[must_use]
    pub fn is_sink(&self) -> bool {
        matches!(self.op, Op::Sink(_))
    }

    /// Whether it counts the rows that fail an assertion.
    #[must_use]
    pub fn is_check(&self) -> bool {
        matches!(self.op, Op::Check(_))
    }

    /// Whether it is a root: what a run is for, a sink or a check.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.is_sink() || self.is_check()
    }

    /// Whether it is the top of a segment: a shared node, a sink or a check.
    #[must_use]
    pub fn is_segment_root(&self) -> bool {
        self.is_shared() || self.is_root()
    }
}

/// The part of a spec that nodes belong to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[derive(rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub enum Owner {
    /// The view or the input of this name; they share one space of names.
    View(String),
    /// The output that writes the table of this name.
    Output(String),
    /// The assertion whose check has this name.
    Assertion(String),
}

impl Owner {
    /// The name in the spec.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::View(name) | Self::Output(name) | Self::Assertion(name) => name,
        }
    }

    /// Whether it is an output.
    #[must_use]
    pub fn is_output(&self) -> bool {
        matches!(self, Self::Output(_))
    }

    /// Whether it is a view or an input.
    #[must_use]
    pub fn is_view(&self) -> bool {
        matches!(self, Self::View(_))
    }
}

/// For people: an output has an `@` before its name.
impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.is_output() { "@" } else { "" })?;
        f.write_str(self.name())
    }
}

/// What a node is to its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[derive(rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
pub enum Role {
    /// What the owner means: the rows of a view, the sink of an output, the check of an assertion.
    Result,
    /// A step on the way to the result.
    Step,
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
#[derive(Clone, Debug, PartialEq, Eq)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
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
    /// What earlier runs counted of nodes, by their names, from pass `recall` on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counted: BTreeMap<String, Counted>,
}

/// The rows of a node that earlier runs have counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counted {
    /// The rows: exact where they were counted of the same rows, estimated where the tables below have changed since.
    pub rows: Estimate,
    /// The runs that counted them.
    pub runs: u32,
}

impl Counted {
    /// Where the number is from, for people: `from 3 runs`.
    #[must_use]
    pub fn source(&self) -> String {
        match self.runs {
            1 => "from 1 run".to_owned(),
            runs => format!("from {runs} runs"),
        }
    }
}

impl Default for CachePolicy {
    fn default() -> Self {
        Self {
            min_fanout: 2,
            min_estimated_rows: None,
            memory_budget: None,
            force: Vec::new(),
            never: Vec::new(),
            counted: BTreeMap::new(),
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
#[derive(Clone, Debug, PartialEq, Eq)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// The node at its top: a shared view, a sink, or a check.
    pub root: String,
    /// Segments of one level do not depend on each other; level 0 reads tables only.
    pub level: u32,
    /// The shared views it reads, and the sinks whose tables it reads as they will be.
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
