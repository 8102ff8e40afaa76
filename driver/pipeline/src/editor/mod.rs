//! For programs that stay beside a spec while it is written: a check again after every change, with what the one before found
//! out, and answers about the places of its text.
//!
//! | module | does |
//! |---|---|
//! | known | what the compiler knows of views and inputs, from the newest compilation that could tell |
//! | outline | the definitions of a text, with their places |
//! | cursor | where in a text a cursor stands, also in one that is no document |
//! | fields | what the fields of a spec mean |
//! | answers | completions, hovers, definitions |
//! | changed | what has changed in a spec since it was checked last |
//! | watch | waits until a spec or a table that it reads changes |
//!
//! Places are bytes of a text. Nothing here knows a protocol.

mod answers;
mod changed;
mod cursor;
mod fields;
mod known;
mod outline;
mod watch;

use std::path::Path;

use ir::diag::{ResolvedDiagnostic, resolve};

pub use answers::{Completion, CompletionKind, Hover, completions, definition, hover};
pub use changed::changed_views;
pub use known::{Known, Relation};
pub use outline::{Named, Outline};
pub use watch::{DEBOUNCE, Watch};

use crate::{CompileRequest, Memory, PipelineError, Result, Ruleset, Source, Workers, compile};

/// What a check of a text found.
#[derive(Clone, Debug)]
pub struct Checked {
    /// What is wrong with it, with places.
    pub findings: Vec<ResolvedDiagnostic>,
    /// What is known of its views and inputs; nothing of those that have mistakes.
    pub known: Known,
}

/// Checks the text of a spec that is, or will be, the file `path`: everything that `driver check` finds. Relative locations
/// count from its folder.
///
/// # Errors
/// When the engine cannot start, or the workers are stopped. What is wrong with the spec is in the result.
pub fn check(text: &str, path: &Path, workers: &Workers, memory: &Memory) -> Result<Checked> {
    let types = known::Types::default();
    let origin = path.display().to_string();
    let name = path.file_stem().map_or("spec".into(), |stem| stem.to_string_lossy().into_owned());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let source = Source::from_bytes(text.as_bytes(), origin.into(), name, folder);
    let compiled = source.and_then(|source| {
        let request = CompileRequest::new(source.with_kept_proofs(), workers);
        // Checking must be quick; the graph is verified before it is planned.
        let ruleset = Ruleset { verify_passes: false, ..Ruleset::default() };
        let request = CompileRequest { ruleset, memory: Some(memory), tracing: Some(&types), ..request };
        let mut compilation = compile(request)?;
        compilation.plan_for_mistakes(workers)?;
        Ok(compilation)
    });
    match compiled {
        Ok(compilation) => Ok(Checked {
            findings: resolve(&compilation.diagnostics, &compilation.source.map),
            known: types.known(&compilation),
        }),
        Err(PipelineError::Findings { diagnostics, map }) => {
            Ok(Checked { findings: resolve(&diagnostics, &map), known: Known::default() })
        }
        Err(error) => Err(error),
    }
}
