//! How much of a code graph is written.

use clap::ValueEnum;
use pipeline::{Scope, Selection, Syntax};

use crate::failure::Failure;

/// The tables that people ask for.
const SYMBOLS: &[&str] = &[
    "symbols",
    "calls",
    "references",
    "imports",
    "inherits",
    "members",
    "overrides",
    "unresolved",
    "metrics",
    "tests_of",
];
/// The tables of the graph.
const EDGES: &[&str] = &["cpg_nodes", "cpg_edges", "cpg_props"];

/// How much of a code graph is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Detail {
    /// Symbols, calls, references and what else people ask for; no nodes and edges
    Symbols,
    /// Nodes, edges and properties as well, of the syntax only what edges name
    Edges,
    /// The whole syntax as well, and what leads from and to each node as lists
    #[default]
    Full,
}

impl Detail {
    /// Which syntax nodes are extracted.
    pub(crate) fn syntax(self) -> Syntax {
        match self {
            Self::Symbols => Syntax::None,
            Self::Edges => Syntax::Named,
            Self::Full => Syntax::Whole,
        }
    }

    /// Whether an output of the shipped spec is written.
    pub(crate) fn has(self, output: &str) -> bool {
        match self {
            Self::Symbols => SYMBOLS.contains(&output),
            Self::Edges => SYMBOLS.contains(&output) || EDGES.contains(&output),
            Self::Full => true,
        }
    }

    /// The part of the shipped spec that is compiled.
    ///
    /// # Errors
    /// When a name is no selector, or the detail has none of them.
    pub(crate) fn scope(self, outputs: &[&str]) -> Result<Scope, Failure> {
        if self == Self::Full {
            return Ok(Scope::Whole);
        }
        let wanted = outputs.iter().filter(|output| self.has(output)).map(|output| format!("@{output}"));
        let selection = Selection::parse(wanted).map_err(|error| Failure::Usage(error.to_string()))?;
        Ok(Scope::Outputs(selection))
    }
}

#[cfg(test)]
mod tests {
    use super::{Detail, EDGES, SYMBOLS};

    #[test]
    fn outputs_of_every_detail_are_those_of_the_shipped_spec() {
        let spec = include_str!("../../specs/cpg.yaml");
        let outputs = || {
            let named = spec.lines().filter_map(|line| line.trim_start().split_once("table_name: "));
            named.map(|(_, rest)| rest.split(',').next().unwrap_or(rest).trim())
        };
        for name in SYMBOLS.iter().chain(EDGES) {
            assert!(outputs().any(|output| output == *name), "{name}");
        }
        let of = |detail: Detail| outputs().filter(|output| detail.has(output)).count();
        assert_eq!((of(Detail::Symbols), of(Detail::Edges)), (SYMBOLS.len(), SYMBOLS.len() + EDGES.len()));
        // Lists are what is left.
        assert_eq!(of(Detail::Full), SYMBOLS.len() + EDGES.len() + 3);
    }
}
