//! What of a compilation the tests of its spec are checked with.

use engine::EngineOracle;
use ir::diag::Diagnostic;
use ir::graph::{Graph, Owner};
use passes::{InScope, PassEvent};

use super::check::{Surroundings, misfits};
use crate::{Result, Source};

/// A graph as it was lowered, and with its columns. Later passes change both what reads what and which columns there are.
pub(crate) struct TestedGraph {
    lowered: Graph,
    typed: Option<Graph>,
}

impl TestedGraph {
    /// That of a lowered graph.
    pub(crate) fn of(lowered: &Graph) -> Self {
        Self { lowered: lowered.clone(), typed: None }
    }

    /// Keeps the graph that has its columns and is sound as far as its own passes tell.
    pub(crate) fn see(&mut self, event: &PassEvent<'_>) {
        if event.pass.name == "validate" {
            self.typed = Some(event.graph.clone());
        }
    }

    /// What is wrong with the tests of views in scope; nothing where compilation stopped before it knew the columns.
    ///
    /// # Errors
    /// When the compiler breaks its own rules.
    pub(crate) fn misfits(
        &self,
        source: &Source,
        in_scope: &InScope,
        engine: &EngineOracle,
        found: &[Diagnostic],
    ) -> Result<Vec<Diagnostic>> {
        if self.typed.is_none() {
            return Ok(Vec::new());
        }
        let around = Surroundings {
            source,
            lowered: &self.lowered,
            typed: self.typed.as_ref(),
            engine,
            has_errors: found.iter().any(Diagnostic::is_error),
        };
        misfits(around, |view| in_scope.has(&Owner::View(view.to_owned())))
    }
}
