//! The streams of the program: results, diagnostics, progress.

mod paged;

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use engine::{OutputOutcome, SegmentOutcome};
use indicatif::{ProgressBar, ProgressStyle};
use ir::diag::{Diagnostic, RenderOptions, SourceMap, render, resolve, summary};
use ir::stage::Stage;
use pipeline::Observer;

pub(crate) use paged::{Paged, Wanted};

use crate::cli::{Format, Globals};
use crate::failure::{Failure, bug_report};
use crate::report;

/// Which streams are terminals.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Terminals {
    /// Where input is typed.
    pub(crate) stdin: bool,
    /// Where results are looked at.
    pub(crate) stdout: bool,
    /// Where messages are looked at, and no log is.
    pub(crate) stderr: bool,
}

/// The size of a terminal, in letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Screen {
    /// Its lines.
    pub(crate) rows: usize,
    /// The letters of a line.
    pub(crate) columns: usize,
}

impl Terminals {
    /// Whether somebody types and looks.
    pub(crate) fn are_for_people(self) -> bool {
        self.stdin && self.stdout
    }

    /// The size of the terminal that results are looked at on, if they are and it tells.
    pub(crate) fn screen(self) -> Option<Screen> {
        let (rows, columns) = console::Term::stdout().size_checked().filter(|_| self.stdout)?;
        Some(Screen { rows: rows.into(), columns: columns.into() })
    }
}

/// Where results and messages go, and in which form.
pub(crate) struct Console<'a> {
    out: BufWriter<&'a mut dyn Write>,
    err: &'a mut dyn Write,
    /// The form of results and diagnostics.
    pub(crate) format: Format,
    /// Whether results may be coloured.
    pub(crate) color: bool,
    color_err: bool,
    show_progress: bool,
    /// Which streams are terminals.
    pub(crate) terminals: Terminals,
    verbose: bool,
    quiet: bool,
}

impl<'a> Console<'a> {
    /// A console; the switches are colours on stdout and colours on stderr.
    pub(crate) fn new(
        globals: &Globals,
        out: &'a mut dyn Write,
        err: &'a mut dyn Write,
        [color, color_err]: [bool; 2],
        terminals: Terminals,
    ) -> Self {
        Self {
            out: BufWriter::new(out),
            err,
            format: globals.format,
            color,
            color_err,
            show_progress: terminals.stderr && !globals.quiet && globals.format == Format::Text,
            terminals,
            verbose: globals.verbose,
            quiet: globals.quiet,
        }
    }

    /// Whether results are JSON.
    pub(crate) fn is_json(&self) -> bool {
        matches!(self.format, Format::Json | Format::Ndjson)
    }

    /// Whether more than usual is said.
    pub(crate) fn is_verbose(&self) -> bool {
        self.verbose
    }

    /// Writes a result.
    pub(crate) fn print(&mut self, text: &str) -> Result<(), Failure> {
        self.print_bytes(text.as_bytes())
    }

    /// Writes a result that is not text.
    pub(crate) fn print_bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.out.write_all(bytes).map_err(|error| Failure::output("stdout", &error))
    }

    /// Where results go.
    pub(crate) fn writer(&mut self) -> &mut dyn Write {
        &mut self.out
    }

    /// Writes a JSON result.
    pub(crate) fn print_json(&mut self, value: &serde_json::Value) -> Result<(), Failure> {
        self.print(&report::json_text(value))
    }

    /// Brings results out.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.out.flush().map_err(|error| Failure::output("stdout", &error))
    }

    /// Clears the screen; nothing where messages do not go to one.
    pub(crate) fn clear(&mut self) {
        if self.terminals.stderr {
            self.say("\u{1b}[2J\u{1b}[3J\u{1b}[H");
        }
    }

    /// Says something that is not a result; nothing when quiet.
    pub(crate) fn note(&mut self, text: &str) {
        if !self.quiet {
            self.say(text);
        }
    }

    /// Says that somebody else publishes to a table, and that this waits for it.
    pub(crate) fn waits(&mut self, busy: &str) {
        self.note(&format!("waiting: {busy}\n"));
    }

    /// Shows diagnostics with their places; only errors when quiet.
    pub(crate) fn diagnose(&mut self, diagnostics: &[Diagnostic], source: &SourceMap) {
        let shown: Vec<Diagnostic> =
            diagnostics.iter().filter(|diagnostic| diagnostic.is_error() || !self.quiet).cloned().collect();
        if shown.is_empty() {
            return;
        }
        if self.is_json() {
            for diagnostic in resolve(&shown, source) {
                let line = serde_json::to_string(&diagnostic)
                    .unwrap_or_else(|error| format!("{{\"message\":\"{error}\"}}"));
                self.say(&format!("{line}\n"));
            }
        } else {
            let text = render(&shown, source, RenderOptions { color: self.color_err });
            self.say(&format!("{text}{}\n", summary(&shown)));
        }
    }

    /// Says why a command failed.
    pub(crate) fn fail(&mut self, failure: &Failure) {
        match failure {
            Failure::Findings { diagnostics, source } => self.diagnose(diagnostics, source),
            Failure::User(message) => self.error("error", message),
            Failure::Usage(message) => self.error("usage", message),
            Failure::Interrupted(message) => self.error("stopped", message),
            Failure::Bug(message) if self.is_json() => self.error("bug", message),
            Failure::Bug(message) => self.say(&bug_report(message)),
            Failure::Reported | Failure::ReaderGone => {}
        }
    }

    fn error(&mut self, kind: &str, message: &str) {
        if self.is_json() {
            let value = serde_json::json!({"severity": "error", "kind": kind, "message": message});
            self.say(&format!("{value}\n"));
            return;
        }
        let kind = if kind == "usage" { "error" } else { kind };
        let (on, off) = if self.color_err { ("\u{1b}[1;31m", "\u{1b}[0m") } else { ("", "") };
        self.say(&format!("{on}{kind}{off}: {message}\n"));
    }

    fn say(&mut self, text: &str) {
        // A diagnostic that cannot be written has nowhere else to go.
        let _ = self.err.write_all(text.as_bytes()).and_then(|()| self.err.flush());
    }

    /// A line that shows what is going on, on a terminal. It disappears when it is dropped.
    pub(crate) fn progress(&self) -> Progress {
        let bar = if self.show_progress { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {wide_msg}") {
            bar.set_style(style);
        }
        if self.show_progress {
            bar.enable_steady_tick(Duration::from_millis(120));
        }
        Progress { bar, running: Mutex::default(), not_recorded: OnceLock::new(), warnings: Mutex::default() }
    }
}

/// A line on a terminal that shows what is going on.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    /// The segments that run, with the rows they have given.
    running: Mutex<BTreeMap<String, u64>>,
    not_recorded: OnceLock<String>,
    warnings: Mutex<Vec<Diagnostic>>,
}

impl Progress {
    /// Why a run that failed is not recorded.
    pub(crate) fn not_recorded(&self) -> Option<&str> {
        self.not_recorded.get().map(String::as_str)
    }

    /// What was found of a run after its spec was compiled.
    pub(crate) fn warnings(&self) -> Vec<Diagnostic> {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn update(&self, change: impl FnOnce(&mut BTreeMap<String, u64>)) {
        if self.bar.is_hidden() {
            return;
        }
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut running);
        let texts = running.iter().map(|(segment, rows)| format!("{segment} {}", report::count(*rows)));
        self.bar.set_message(texts.collect::<Vec<_>>().join(", "));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Observer for Progress {
    fn stage_started(&self, stage: Stage) {
        let text = match stage {
            Stage::Resolve => "opening tables",
            Stage::Emit => "planning",
            Stage::Execute => "running",
            Stage::Extract => "extracting",
            Stage::CommitExtraction => "committing the extraction",
            Stage::Query => "running the query",
            Stage::Check => "checking the graph",
            other => other.name(),
        };
        self.bar.set_message(text.to_owned());
    }

    fn rows_extracted(&self, rows: u64) {
        if !self.bar.is_hidden() {
            self.bar.set_message(format!("extracting: {} rows", report::count(rows)));
        }
    }

    fn segment_started(&self, segment: &str) {
        self.update(|running| {
            running.insert(segment.to_owned(), 0);
        });
    }

    fn segment_progress(&self, segment: &str, rows: u64) {
        self.update(|running| {
            running.insert(segment.to_owned(), rows);
        });
    }

    fn segment_finished(&self, outcome: &SegmentOutcome) {
        self.update(|running| {
            running.remove(&outcome.segment);
        });
    }

    fn warned(&self, found: &Diagnostic) {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).push(found.clone());
    }

    fn not_recorded(&self, reason: &str) {
        // A run is recorded once.
        let _ = self.not_recorded.set(reason.to_owned());
    }

    fn output_committed(&self, outcome: &OutputOutcome) {
        self.bar.set_message(format!("committed {}", outcome.table));
    }
}
