//! What the compilations of one process leave for the next.
//!
//! A program that stays beside a spec while it is written compiles it again after every change, and most of it is as it was. So
//! the session stays, the parsed queries, what the engine was asked ([`EngineOracle::over`]), and which segments could be planned. All of it is
//! found by the whole question: a compilation with a memory gives what one without would give. Tables are opened again each
//! time: others write to them meanwhile.

use std::sync::{Arc, Mutex, PoisonError};

use engine::planning::PlannedSegments;
use engine::{EngineOracle, Session};
use ir::spec::{RuntimeProfileSpec, SessionSpec, Spec};
use passes::ParsedQueries;

/// How many answers are kept at the most; with more it begins anew. A spec of a thousand views needs some thousand.
const MOST_ANSWERS: usize = 1 << 18;

/// The memory of a process.
#[derive(Debug, Default)]
pub struct Memory {
    kept: Mutex<Option<Kept>>,
    pub(super) queries: ParsedQueries,
}

/// What is kept.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    profile: Option<RuntimeProfileSpec>,
    settings: SessionSpec,
    pub(super) session: Session,
    pub(super) oracle: Arc<EngineOracle>,
    pub(super) planned: Arc<PlannedSegments>,
}

impl Memory {
    /// What is kept for a spec; nothing for one that says something else of its session.
    pub(super) fn kept(&self, spec: &Spec) -> Option<Kept> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        (kept.profile == spec.runtime_profile && kept.settings == spec.session).then_some(kept)
    }

    /// Keeps what a compilation of a spec has found. Gives the segments that are known to have a plan in its session, to which
    /// more can be added.
    pub(super) fn keep(&self, spec: &Spec, session: &Session, oracle: &EngineOracle) -> Arc<PlannedSegments> {
        let planned = self.kept(spec).map_or_else(Arc::default, |kept| kept.planned);
        let kept = Kept {
            profile: spec.runtime_profile.clone(),
            settings: spec.session.clone(),
            session: session.clone(),
            // Without its tables, which would be old.
            oracle: Arc::new(oracle.over(engine::Tables::default())),
            planned: Arc::clone(&planned),
        };
        let kept = (oracle.known() <= MOST_ANSWERS).then_some(kept);
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = kept;
        planned
    }
}
