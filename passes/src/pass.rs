//! What a pass is.

use ir::graph::Graph;
use ir::phase::Phase;
use ir::spec::{Spec, Unread};
use ir::stage::Stage;

use crate::context::Context;

/// One row of the pipeline.
#[derive(Clone, Copy)]
pub struct Pass {
    /// Rises along the pipeline, with gaps; the prefix of the pass's goldens.
    pub number: u16,
    /// What the pass is called everywhere.
    pub name: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    /// What it does when the spec has mistakes.
    pub family: Family,
    /// The phase a graph must be in.
    pub requires: Phase,
    /// The phase the graph is in afterwards.
    pub ensures: Phase,
    /// The pass.
    pub(crate) run: Run,
}

/// What a pass works on.
#[derive(Clone, Copy)]
pub(crate) enum Run {
    /// The spec, of which it makes the graph. No other pass sees it.
    Spec(fn(&SpecSource<'_>, &mut Graph, &mut Context<'_>)),
    /// The graph that the pass before leaves.
    Graph(fn(&mut Graph, &mut Context<'_>)),
}

/// A spec as it was loaded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SpecSource<'a> {
    /// The spec.
    pub(crate) spec: &'a Spec,
    /// What of it could not be read: it is left out, and nobody is blamed for what is missing.
    pub(crate) unread: &'a Unread,
}

impl Pass {
    /// The name of the pass's stage: number and name, as in file names.
    #[must_use]
    pub fn stage(&self) -> String {
        format!("{}-{}", self.number, self.name)
    }
}

/// The families of passes, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Understands the spec. All passes of this family run even when earlier ones found mistakes, so that as many
    /// mistakes as possible are reported together; they skip what is broken.
    Front,
    /// Changes the graph without changing what it computes. Runs only for specs without mistakes.
    Rewrite,
    /// Decides how the graph is executed. Runs only for specs without mistakes.
    Plan,
}

impl Family {
    /// The name for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Front => "front",
            Self::Rewrite => "rewrite",
            Self::Plan => "plan",
        }
    }

    /// The stage of a run in which its passes run.
    #[must_use]
    pub fn stage(self) -> Stage {
        match self {
            Self::Front => Stage::FrontPasses,
            Self::Rewrite => Stage::RewritePasses,
            Self::Plan => Stage::PlanPasses,
        }
    }
}
