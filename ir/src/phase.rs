//! The phases of the IR: one graph type, and for every stage of compilation a statement of what a graph may
//! contain. The verifier ([`crate::verify`]) checks the statements.

use serde::{Deserialize, Serialize};

/// How far a graph has been compiled. Phases only go forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[derive(Serialize, Deserialize, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// One node for every input, view and output of the spec. Sources are names, not edges; there are no
    /// schemas.
    Lowered,
    /// Sources are edges with numbered ports; the graph has no cycle; every table is a scan of a known version
    /// with a known schema. No `input`, `change_feed`, `table_metadata` or `file_manifest` is left.
    Resolved,
    /// Every node has a schema, and its expressions have types.
    Typed,
    /// No parameters are left: they are literals and filters.
    Bound,
    /// Only core operations are left: no `normalize`, `relate`, `union_by_name`, `conform`, and no projection
    /// without columns. View contracts are checked and gone.
    Core,
    /// Every node with several readers carries a placement and its reason.
    Placed,
    /// The graph is cut into segments with an order.
    Scheduled,
}

impl Phase {
    /// All phases, first to last.
    pub const ALL: [Self; 7] =
        [Self::Lowered, Self::Resolved, Self::Typed, Self::Bound, Self::Core, Self::Placed, Self::Scheduled];

    /// The name in the text form.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lowered => "lowered",
            Self::Resolved => "resolved",
            Self::Typed => "typed",
            Self::Bound => "bound",
            Self::Core => "core",
            Self::Placed => "placed",
            Self::Scheduled => "scheduled",
        }
    }

    /// The phase with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.name() == name)
    }
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
