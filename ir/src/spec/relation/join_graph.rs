//! The join graph: how relations join, and what holds of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::spec::JoinType;

/// How the relations of a spec join, and what holds of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JoinGraph {
    /// Pairs of relations that join. Keys must exist and be comparable; a `Relate` view that joins the same two relations
    /// in another way is warned of.
    #[serde(default)]
    pub edges: Vec<JoinEdge>,
    /// What holds of relations. Each becomes an assertion of severity `error` on the first of its relations.
    #[serde(default)]
    pub constraints: Vec<JoinConstraint>,
}

/// Two relations that join by equal keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JoinEdge {
    /// The left view or input.
    pub left_relation: String,
    /// The right view or input.
    pub right_relation: String,
    /// Which rows a join of the two keeps.
    pub join_type: JoinType,
    /// Key columns of the left relation.
    #[schemars(length(min = 1))]
    pub left_keys: Vec<String>,
    /// Key columns of the right relation, one for each on the left.
    #[schemars(length(min = 1))]
    pub right_keys: Vec<String>,
}

/// Something that holds of relations, checked in every run before anything is published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JoinConstraint {
    /// A name for messages and records, unique among the assertions of its first relation.
    pub name: String,
    /// What holds.
    pub constraint_type: ConstraintType,
    /// The views or inputs it is about: one, or for `relation` two, the one with the references first.
    #[schemars(length(min = 1))]
    pub relations: Vec<String>,
    /// The columns of the first relation. What `relation` compares them with in the second are the keys of the edge of the two
    /// that has these columns, in any order, on the first one's side; without such an edge, the columns of the same names. Of
    /// two edges with different keys on the other side, none is taken: that is an error.
    #[schemars(length(min = 1))]
    pub columns: Vec<String>,
}

/// What holds of relations; see the assertions of the same names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConstraintType {
    /// No two rows have the same values in all columns.
    Unique,
    /// No row has NULL in one of the columns.
    NotNull,
    /// Every row of the first relation has one with equal keys in the second.
    Relation,
}
