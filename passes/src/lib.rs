//! The compiler: a table of passes over the graph, and the runner that walks it.
//!
//! [`PIPELINE`] is the whole pipeline, in order. A row gives a pass its number, name, description and the phases
//! it requires and ensures; the number and name are also its golden's file name. Nothing else lists the passes.
//!
//! How to add a pass says `ARCHITECTURE.md`.
//!
//! The runner alone verifies, times and observes; a pass reports what it decided with [`Context::remark`] and what
//! is wrong with the spec with [`Context::report`].

// Whoever adds an operation is told every place that has to know it.
#![warn(clippy::wildcard_enum_match_arm)]

pub mod analysis;
mod context;
mod front;
mod parsed;
mod pass;
mod plan;
mod rewrite;
mod run;
mod scope;

pub use context::Context;
pub use front::elsewhere::FUNCTIONS as FUNCTIONS_ELSEWHERE;
pub use parsed::ParsedQueries;
pub use pass::{Family, Pass};
pub use run::{
    Begun, CompileError, Compiled, Observer, Options, PassEvent, begin, compile, find, resume, run_pass,
};
pub use scope::{InScope, Scope, ScopeError, Selection, Selector};

use ir::phase::Phase;
use pass::Run;

/// The passes, in order.
pub const PIPELINE: &[Pass] = &[
    Pass {
        number: 10,
        name: "lower",
        about: "one node for every input, view and output; SQL texts are parsed",
        family: Family::Front,
        requires: Phase::Lowered,
        ensures: Phase::Lowered,
        run: Run::Spec(front::lower::run),
    },
    Pass {
        number: 15,
        name: "resolve",
        about: "names become edges, inputs become scans of a known version",
        family: Family::Front,
        requires: Phase::Lowered,
        ensures: Phase::Resolved,
        run: Run::Graph(front::resolve::run),
    },
    Pass {
        number: 20,
        name: "type",
        about: "every node gets its schema; view contracts are checked",
        family: Family::Front,
        requires: Phase::Resolved,
        ensures: Phase::Typed,
        run: Run::Graph(front::infer::run),
    },
    Pass {
        number: 25,
        name: "validate",
        about: "rules about meaning: keys, partitions, unused and volatile views; changes nothing",
        family: Family::Front,
        requires: Phase::Typed,
        ensures: Phase::Typed,
        run: Run::Graph(front::validate::run),
    },
    Pass {
        number: 30,
        name: "bind",
        about: "parameters become literals and filters",
        family: Family::Rewrite,
        requires: Phase::Typed,
        ensures: Phase::Bound,
        run: Run::Graph(rewrite::bind::run),
    },
    Pass {
        number: 40,
        name: "desugar",
        about: "surface operations become core operations",
        family: Family::Rewrite,
        requires: Phase::Bound,
        ensures: Phase::Core,
        run: Run::Graph(rewrite::desugar::run),
    },
    Pass {
        number: 50,
        name: "merge",
        about: "nodes with equal content become one",
        family: Family::Rewrite,
        requires: Phase::Core,
        ensures: Phase::Core,
        run: Run::Graph(rewrite::merge::run),
    },
    Pass {
        number: 55,
        name: "inline",
        about: "projections and filters with one reader dissolve into it",
        family: Family::Rewrite,
        requires: Phase::Core,
        ensures: Phase::Core,
        run: Run::Graph(rewrite::inline::run),
    },
    Pass {
        number: 60,
        name: "prune",
        about: "nodes keep the columns that are used; filters all readers share move below; unused nodes go",
        family: Family::Rewrite,
        requires: Phase::Core,
        ensures: Phase::Core,
        run: Run::Graph(rewrite::prune::run),
    },
    Pass {
        number: 65,
        name: "recall",
        about: "rows that earlier runs counted of nodes are noted",
        family: Family::Plan,
        requires: Phase::Core,
        ensures: Phase::Core,
        run: Run::Graph(plan::recall::run),
    },
    Pass {
        number: 70,
        name: "place",
        about: "every node with several readers is shared or recomputed, by cost",
        family: Family::Plan,
        requires: Phase::Core,
        ensures: Phase::Placed,
        run: Run::Graph(plan::place::run),
    },
    Pass {
        number: 80,
        name: "schedule",
        about: "the graph is cut into segments with levels and a critical path",
        family: Family::Plan,
        requires: Phase::Placed,
        ensures: Phase::Scheduled,
        run: Run::Graph(plan::schedule::run),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_its_phases_chain() {
        for pair in PIPELINE.windows(2) {
            let [before, after] = pair else { continue };
            assert!(before.number < after.number, "{} and {}", before.name, after.name);
            assert_eq!(before.ensures, after.requires, "{} and {}", before.name, after.name);
            assert!(before.family <= after.family, "{} and {}", before.name, after.name);
        }
        for pass in PIPELINE {
            assert!(pass.requires <= pass.ensures, "{} goes back", pass.name);
        }
        assert_eq!(PIPELINE.last().map(|pass| pass.ensures), Some(Phase::Scheduled));
    }
}
