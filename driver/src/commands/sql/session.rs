//! Answers statements one after the other, with what holds for all of them: the lake, the form of rows, parameters.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use ir::spec::GivenParameter;
use ir::stage::Stage;
use pipeline::{
    Answer, Asking, Cancellation, Lake, Memory, Observer as _, PipelineError, Statement, Workers,
    read_parameters,
};

use crate::cli::{Format, SqlArgs};
use crate::commands::Context;
use crate::commands::rows::{Written, write_rows};
use crate::failure::Failure;
use crate::report::{Layout, RowError, count, row_writer, seconds};
use crate::terminal::Paged;

/// Rows that are shown on a terminal, unless somebody says how many.
const SHOWN_ROWS: usize = 1000;

/// What holds for all statements.
pub(super) struct Session {
    pub(super) lake: Lake,
    pub(super) workers: Arc<Workers>,
    /// The switch that stops the statement that runs.
    pub(super) current: Arc<Mutex<Cancellation>>,
    memory: Memory,
    pub(super) parameters: Vec<GivenParameter>,
    pub(super) options: Options,
}

/// How answers are shown.
pub(super) struct Options {
    /// The form of rows.
    pub(super) format: Format,
    /// How many rows are shown; all of them if absent.
    pub(super) max_rows: Option<usize>,
    /// The file for the rows of the next statement; stdout if absent.
    pub(super) output: Option<PathBuf>,
    /// Whether the time of each statement is said.
    pub(super) timing: bool,
    /// Whether what does not fit on a screen is shown page by page.
    pub(super) paging: bool,
    /// How all rows are asked for, in the words of who asks.
    pub(super) more: &'static str,
}

impl Session {
    pub(super) fn new(
        lake: Lake,
        arguments: &SqlArgs,
        workers: Arc<Workers>,
        context: &Context<'_>,
    ) -> Result<Self, Failure> {
        let terminals = context.console.terminals;
        let for_people = terminals.stdout && arguments.answers.output.is_none();
        let max_rows = match arguments.answers.max_rows {
            Some(rows) => rows.0,
            None => for_people.then_some(SHOWN_ROWS),
        };
        let options = Options {
            format: context.console.format,
            max_rows,
            output: arguments.answers.output.clone(),
            timing: arguments.timing,
            paging: for_people && terminals.stdin && !arguments.answers.no_pager,
            more: "`--max-rows all`",
        };
        let mut parameters =
            arguments.parameters.params.as_deref().map(read_parameters).transpose()?.unwrap_or_default();
        parameters.retain(|of_file| arguments.parameters.param.iter().all(|it| it.label != of_file.label));
        parameters.extend(arguments.parameters.param.iter().cloned());
        let current = Arc::new(Mutex::new(workers.cancellation().clone()));
        Ok(Self { lake, workers, current, memory: Memory::default(), parameters, options })
    }

    /// Refuses parameters that none of the statements has.
    pub(super) fn must_use_parameters(&self, statements: &[Statement]) -> Result<(), Failure> {
        let is_used = |given: &GivenParameter| {
            statements.iter().any(|statement| statement.placeholders().contains(&format!("${}", given.label)))
        };
        match self.parameters.iter().find(|given| !is_used(given)) {
            Some(given) => Err(Failure::User(format!(
                "a value is given for `{0}`, and no query has `${0}`; parameters are `$1`, `$2`, ...",
                given.label
            ))),
            None => Ok(()),
        }
    }

    /// Answers a statement, and shows the rows of its answer.
    pub(super) fn answer(&self, statement: &Statement, context: &mut Context<'_>) -> Result<(), Failure> {
        self.answered(statement, context).map_err(|failure| match failure {
            // Nothing would have been published in any case.
            Failure::Interrupted(_) => Failure::Interrupted("the query was stopped".to_owned()),
            other => other,
        })
    }

    fn answered(&self, statement: &Statement, context: &mut Context<'_>) -> Result<(), Failure> {
        if self.options.format == Format::Parquet && self.options.output.is_none() {
            let message = "rows of `parquet` go to a file: `--output FILE`, or `.output FILE` in the shell";
            return Err(Failure::Usage(message.to_owned()));
        }
        let began = Instant::now();
        let progress = context.console.progress();
        let asking = Asking {
            ruleset: context.ruleset(),
            memory: Some(&self.memory),
            parameters: &self.parameters,
            tracing: Some(&progress),
            ..Asking::new(&self.workers)
        };
        let answer = self.lake.ask(statement, &asking)?;
        progress.stage_started(Stage::Query);
        let mut rows = answer.rows(&self.workers)?;
        let schema = Arc::clone(&rows.schema);
        // The line must be gone when the first row is printed.
        let first = rows.next();
        drop(progress);
        if let Some((found, map)) = answer.findings() {
            context.console.diagnose(found, map);
        }
        let mut batches = first.into_iter().chain(rows);
        let written = match &self.options.output {
            Some(path) => self.to_file(path, &answer, &schema, &mut batches)?,
            None => self.to_stdout(&answer, &schema, &mut batches, context)?,
        };
        context.console.flush()?;
        self.tell(&written, began.elapsed(), context);
        Ok(())
    }

    /// Says what is to be known of rows that were shown.
    fn tell(&self, written: &Written, took: Duration, context: &mut Context<'_>) {
        let rows = count(u64::try_from(written.rows).unwrap_or(u64::MAX));
        let word = if written.rows == 1 { "row" } else { "rows" };
        if let Some(remark) = &written.remark {
            context.console.note(&format!("{remark}\n"));
        }
        if written.is_cut {
            let more = self.options.more;
            context.console.note(&format!("the first {rows} {word}; {more} shows all of them\n"));
        }
        if self.options.timing {
            context.console.note(&format!("{rows} {word} in {} s\n", seconds(took)));
        }
    }

    fn to_stdout(
        &self,
        answer: &Answer,
        schema: &SchemaRef,
        batches: &mut dyn Iterator<Item = Result<RecordBatch, PipelineError>>,
        context: &mut Context<'_>,
    ) -> Result<Written, Failure> {
        let Options { format, max_rows, paging, .. } = self.options;
        let screen = context.console.terminals.screen();
        let layout = Layout { width: screen.map(|screen| screen.columns), is_text: answer.is_text() };
        let refused = |error: RowError| error.into_failure("stdout");
        let mut writer = row_writer(format, schema, layout).map_err(refused)?;
        let pager = context.pager().map(ToOwned::to_owned);
        let out = context.console.writer();
        let mut out = match screen.filter(|_| paging) {
            Some(screen) => Paged::new(out, screen, pager),
            None => Paged::off(out),
        };
        let written = write_rows(writer.as_mut(), batches, max_rows, &mut out, "stdout");
        let ended = out.finish().map_err(|error| Failure::output("stdout", &error));
        match written {
            // Whoever looks at pages has seen enough.
            Err(Failure::ReaderGone) if paging => Ok(Written::default()),
            Err(other) => Err(other),
            Ok(written) => ended.map(|()| written),
        }
    }

    /// Writes the rows to a file, which is there when all of them are.
    fn to_file(
        &self,
        path: &Path,
        answer: &Answer,
        schema: &SchemaRef,
        batches: &mut dyn Iterator<Item = Result<RecordBatch, PipelineError>>,
    ) -> Result<Written, Failure> {
        let mut unfinished = path.as_os_str().to_owned();
        unfinished.push(".unfinished");
        let unfinished = PathBuf::from(unfinished);
        let failed = |error: std::io::Error| Failure::file("write", path, &error);
        let mut write = || {
            let layout = Layout { width: None, is_text: answer.is_text() };
            let place = format!("`{}`", path.display());
            let refused = |error: RowError| error.into_failure(&place);
            let mut writer = row_writer(self.options.format, schema, layout).map_err(refused)?;
            let mut file = BufWriter::new(File::create(&unfinished).map_err(failed)?);
            let mut out = Paged::off(&mut file);
            let written = write_rows(writer.as_mut(), batches, self.options.max_rows, &mut out, &place)?;
            file.flush().map_err(failed)?;
            std::fs::rename(&unfinished, path).map_err(failed)?;
            Ok(written)
        };
        let written = write();
        if written.is_err() {
            // What is said is why there is no file.
            let _ = std::fs::remove_file(&unfinished);
        }
        written
    }

    /// After a statement was stopped: what the next one works with is not stopped.
    pub(super) fn go_on(&mut self, context: &Context<'_>) -> Result<(), Failure> {
        if self.workers.cancellation().is_cancelled() {
            let cancellation = Cancellation::new();
            *self.current.lock().unwrap_or_else(PoisonError::into_inner) = cancellation.clone();
            self.workers = Arc::new(context.new_workers(cancellation)?);
            self.memory = Memory::default();
        }
        Ok(())
    }
}
