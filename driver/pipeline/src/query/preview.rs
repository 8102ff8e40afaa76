//! The rows of a view, an input or an output of a spec, or the first of them: computed with what they need, and written nowhere.
//!
//! ```text
//! CompileRequest { scope: Scope::Rows {..} } -> compile -> Compilation -> preview -> Preview: batches, then what was scanned
//! ```

use std::collections::BTreeMap;
use std::fmt;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use engine::{DataFusionError, OperatorKind, OperatorMetrics, RanOperators, RunError, RunOptions};
use ir::spec::InputRelation;
use passes::Scope;
use serde::Serialize;

use super::{Batches, Stopped, read_ahead};
use crate::{Compilation, PipelineError, Result, Workers};

/// Rows of a part of a spec, computed on the workers' threads while they are read here.
pub struct Preview<'a> {
    /// The columns.
    pub schema: SchemaRef,
    compilation: &'a Compilation,
    workers: &'a Workers,
    /// What computes them, as errors name it.
    segment: String,
    batches: Batches<DataFusionError>,
    operators: RanOperators,
}

impl fmt::Debug for Preview<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Preview({}, {})", self.segment, self.schema)
    }
}

/// What was read of tables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Scanned {
    /// The inputs of which rows were asked for, by name. Inputs of one table are the first of them.
    pub inputs: Vec<ScannedInput>,
    /// How many tables of inputs were opened.
    pub opened: usize,
    /// How many inputs the spec has.
    pub of_inputs: usize,
}

/// What was read of the table of an input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScannedInput {
    /// The input.
    pub input: String,
    /// The rows that its scans have given.
    pub rows: u64,
    /// The bytes that were read of its files.
    pub bytes: u64,
}

impl Compilation {
    /// Computes the rows of a compilation of [`Scope::Rows`]. Shared views below them are computed now, and the rest while the
    /// rows are read. Nothing is written but temporary files.
    ///
    /// # Errors
    /// For a spec with mistakes, a compilation of another scope, when a computation fails, or the workers are stopped.
    pub fn preview<'a>(&'a self, workers: &'a Workers) -> Result<Preview<'a>> {
        if !matches!(self.scope, Scope::Rows { .. }) {
            return Err(PipelineError::OtherScope(
                "rows are shown of what was compiled with `Scope::Rows` only",
            ));
        }
        let (dag, session) = (self.plan(workers)?.dag().clone(), self.session.clone());
        let options = RunOptions {
            cancellation: workers.cancellation().clone(),
            no_progress_timeout: workers.options().no_progress_timeout,
            ..RunOptions::new(&self.source.base_dir, "preview")
        };
        let rows = workers.run(async move { engine::returned_rows(&session, &dag, &options).await })?;
        let rows = rows.map_err(|error| self.failed(&error, workers))?;
        Ok(Preview {
            schema: rows.schema,
            compilation: self,
            workers,
            segment: rows.segment,
            batches: read_ahead(rows.batches, workers)?,
            operators: rows.operators,
        })
    }
}

impl Preview<'_> {
    /// What its operators did until now.
    pub(super) fn operators(&self) -> Vec<OperatorMetrics> {
        self.operators.metrics()
    }

    /// What was read of tables until now.
    #[must_use]
    pub fn scanned(&self) -> Scanned {
        let mut read: BTreeMap<String, ScannedInput> = BTreeMap::new();
        // What stands below the scan of a table is how it is read.
        let mut table: Option<(usize, String)> = None;
        for operator in self.operators.metrics() {
            table = table.filter(|(depth, _)| operator.depth > *depth);
            let rows = match &operator.kind {
                OperatorKind::Scan(scanned) => {
                    let input = self.input_of(&scanned.table_id, scanned.version);
                    table = Some((operator.depth, input));
                    operator.output_rows
                }
                _ => None,
            };
            let Some((_, input)) = &table else { continue };
            let entry = read.entry(input.clone());
            let entry = entry.or_insert_with(|| ScannedInput { input: input.clone(), rows: 0, bytes: 0 });
            let add = |sum: &mut u64, more: Option<usize>| {
                *sum = sum.saturating_add(more.map_or(0, |more| u64::try_from(more).unwrap_or(u64::MAX)));
            };
            add(&mut entry.rows, rows);
            add(&mut entry.bytes, operator.scan.map(|scan| scan.bytes));
        }
        let opened = self.compilation.oracle.tables().opened();
        let of_inputs = self.compilation.source.spec.input_relations.len();
        Scanned { inputs: read.into_values().collect(), opened, of_inputs }
    }

    /// The first input of the spec that reads this version of this table, or these files.
    fn input_of(&self, table_id: &str, version: u64) -> String {
        let tables = self.compilation.oracle.tables();
        let is_of = |input: &&InputRelation| {
            let Some(location) = input.place() else { return false };
            match input.files() {
                Some(source) => {
                    tables.files(location, &source).is_ok_and(|files| files.digest().to_string() == table_id)
                }
                None => tables
                    .table(location, input.version_pin)
                    .is_ok_and(|table| table.table_id() == table_id && table.version() == version),
            }
        };
        let input = self.compilation.source.spec.input_relations.iter().find(is_of);
        input.map_or_else(|| table_id.to_owned(), |input| input.logical_name.clone())
    }
}

impl Iterator for Preview<'_> {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.batches.next()?;
        Some(next.map_err(|stopped| match stopped {
            Stopped::ByWorkers => PipelineError::Interrupted("stopped before all rows were read".to_owned()),
            Stopped::By(error) => self.failed(error),
        }))
    }
}

impl Preview<'_> {
    /// Why a computation failed, in words that say nothing of outputs and publication.
    fn failed(&self, error: DataFusionError) -> PipelineError {
        let message = engine::message_of(&error);
        let error = RunError::execution(&self.segment, error);
        match self.compilation.failed(&error, self.workers) {
            PipelineError::Findings { mut diagnostics, map } => {
                if let [found] = diagnostics.as_mut_slice() {
                    found.message = message.lines().map(str::trim).collect::<Vec<_>>().join(" ");
                }
                PipelineError::Findings { diagnostics, map }
            }
            other => other,
        }
    }
}
