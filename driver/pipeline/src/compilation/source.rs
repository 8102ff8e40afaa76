//! Specs as they are read.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use delta::Roots;
use ir::diag::{Diagnostic, SourceMap, SourceName, codes};
use ir::graph::Owner;
use ir::spec::{
    GivenParameter, LoadedParameters, MAX_SPEC_BYTES, MaterializationMode, Spec, Unread, load_bytes,
    load_parameters,
};
use passes::{InScope, Scope};

use super::{lowered, proofs};
use crate::folders::{absolute, with_folder};
use crate::locks::Use;
use crate::{Locks, PipelineError, Result, Waiting, Workers};

/// A spec that has the shape of one; it may still have errors.
#[derive(Clone, Debug)]
pub struct Source {
    /// The spec.
    pub spec: Spec,
    /// Its text, for messages.
    pub map: SourceMap,
    /// What reading it found.
    pub findings: Vec<Diagnostic>,
    /// What of it could not be read; errors say why. It is left out of what is compiled.
    pub unread: Unread,
    /// The name of its graph.
    pub name: String,
    /// The folder relative locations count from; absolute.
    pub base_dir: PathBuf,
    /// The file that keeps what is proven about it; absent for a spec without a file.
    pub proofs: Option<PathBuf>,
    /// How long reading took.
    pub(super) load: Duration,
}

impl Source {
    /// Reads a spec, YAML or JSON, from a file. Relative locations in it count from the file's folder.
    ///
    /// # Errors
    /// When the file cannot be read, or its text has not the shape of a spec.
    pub fn open(path: &Path) -> Result<Self> {
        let origin = path.display().to_string();
        let bytes = File::open(path).and_then(bytes_of).map_err(|error| unreadable(&error, &origin))?;
        let name = path.file_stem().map_or("spec".into(), |stem| stem.to_string_lossy().into_owned());
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let source = Self::from_bytes(&bytes, origin.into(), name, folder.unwrap_or(Path::new(".")))?;
        let proofs = proofs::path(&source.base_dir, &source.name);
        Ok(Self { proofs, ..source })
    }

    /// Reads a spec that is called `origin` in messages to its end. Relative locations in it count from the current
    /// folder.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn read(origin: &str, reader: impl Read) -> Result<Self> {
        let bytes = bytes_of(reader).map_err(|error| unreadable(&error, origin))?;
        Self::from_bytes(&bytes, origin.into(), "spec".to_owned(), Path::new("."))
    }

    /// A spec from a text in memory, which is called `origin` in messages; relative locations in it count from `folder`.
    ///
    /// # Errors
    /// When the text has not the shape of a spec.
    pub fn from_bytes(
        bytes: &[u8],
        origin: SourceName,
        name: impl Into<String>,
        folder: &Path,
    ) -> Result<Self> {
        let started = Instant::now();
        let loaded = load_bytes(bytes, origin);
        let (map, findings) = (loaded.source, loaded.diagnostics);
        match loaded.spec {
            Some(spec) => {
                let source = Self::new(spec, map, findings, name.into(), folder, started)?;
                Ok(Self { unread: loaded.unread, ..source })
            }
            None => Err(PipelineError::Findings { diagnostics: findings, map: Box::new(map) }),
        }
    }

    /// A spec that a program made. Diagnostics about it have no place in a text.
    ///
    /// # Errors
    /// When the absolute form of `folder` cannot be found.
    pub fn from_spec(spec: Spec, name: impl Into<String>, folder: &Path) -> Result<Self> {
        let name = name.into();
        let map = SourceMap::new(SourceName::new(name.as_str()), "");
        Self::new(spec, map, Vec::new(), name, folder, Instant::now())
    }

    /// The same spec, with these values for its parameters instead of its own. Values that cannot be, because no parameter has
    /// their label or their type is another one, are among the findings ([`codes::GIVEN_PARAMETER`]).
    #[must_use]
    pub fn with_parameters(mut self, given: &[GivenParameter]) -> Self {
        self.findings.extend(self.spec.give(given));
        self
    }

    /// The same spec once more, without what is proven of it.
    ///
    /// # Errors
    /// Never: the error of finding the folder is passed on.
    pub(crate) fn copied(&self) -> Result<Self> {
        let (spec, map, findings) = (self.spec.clone(), self.map.clone(), self.findings.clone());
        let copy = Self::new(spec, map, findings, self.name.clone(), &self.base_dir, Instant::now())?;
        Ok(Self { unread: self.unread.clone(), ..copy })
    }

    /// The same spec with its proofs kept beside the tables it counts locations from.
    #[must_use]
    pub fn with_kept_proofs(self) -> Self {
        Self { proofs: proofs::path(&self.base_dir, &self.name), ..self }
    }

    /// What of the spec a scope has. No table is opened.
    ///
    /// # Errors
    /// For a scope that the spec does not have, and when the session cannot start.
    pub fn in_scope(&self, scope: &Scope, workers: &Workers) -> Result<InScope> {
        if *scope == Scope::Whole {
            return Ok(InScope::default());
        }
        let options = passes::Options { unread: Some(&self.unread), ..passes::Options::default() };
        let lowered = lowered(&self.spec, &self.name, scope, &workers.session()?, options, &mut ())?;
        Ok(lowered.1)
    }

    /// Locks the tables of the outputs that are in scope, for who is going to publish them; `work` says what it does, such as `a run of
    /// spec.yaml`. `told` hears of what is waited for, once a table. To be called before the tables are opened: what
    /// happens to them in between would be a conflict. What is neither below the spec's folder nor in `roots` is not locked:
    /// it will not be written.
    ///
    /// # Errors
    /// [`codes::TABLE_LOCKED`] when somebody else still has a table after the time to wait; when the waiting is
    /// cancelled; when a lock is not this program's, or cannot be made.
    pub fn lock_outputs(
        &self,
        in_scope: &InScope,
        work: &str,
        roots: &Roots,
        waiting: &Waiting,
        told: &mut dyn FnMut(&str),
    ) -> Result<Locks> {
        let outputs = self.spec.output_targets.iter();
        let outputs = outputs.filter(|output| in_scope.has(&Owner::Output(output.table_name.clone())));
        let used = outputs.map(|output| {
            let text = output.delta_location.as_ref().unwrap_or(&output.table_name);
            let used = match output.materialization_mode {
                MaterializationMode::Append => Use::Shared,
                MaterializationMode::Overwrite => Use::Exclusive,
            };
            (text.as_str(), used)
        });
        let roots = with_folder(roots, &self.base_dir)?;
        Locks::of_tables(&self.base_dir, &roots, used, work, waiting, told)
    }

    fn new(
        spec: Spec,
        map: SourceMap,
        findings: Vec<Diagnostic>,
        name: String,
        folder: &Path,
        started: Instant,
    ) -> Result<Self> {
        let base_dir = absolute(folder)?;
        Ok(Self {
            spec,
            map,
            findings,
            unread: Unread::default(),
            name,
            base_dir,
            proofs: None,
            load: started.elapsed(),
        })
    }
}

/// Reads a file of values for parameters: a map from their labels to the values, YAML or JSON.
///
/// # Errors
/// When the file cannot be read, or is no such map.
pub fn read_parameters(path: &Path) -> Result<Vec<GivenParameter>> {
    let origin = path.display().to_string();
    let bytes = File::open(path).and_then(bytes_of).map_err(|error| {
        let message = format!("the file of parameters cannot be read: {error}");
        PipelineError::finding(codes::SPEC_UNREADABLE, message, &origin)
    })?;
    let LoadedParameters { given, source, diagnostics } = load_parameters(&bytes, origin.into());
    if diagnostics.is_empty() {
        return Ok(given);
    }
    Err(PipelineError::Findings { diagnostics, map: Box::new(source) })
}

fn unreadable(error: &io::Error, origin: &str) -> PipelineError {
    PipelineError::finding(codes::SPEC_UNREADABLE, format!("the spec cannot be read: {error}"), origin)
}

/// No more is read than a spec may have, and one byte to see that it has more.
fn bytes_of(reader: impl Read) -> io::Result<Vec<u8>> {
    let limit = u64::try_from(MAX_SPEC_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    reader.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}
