//! The command line of CodeAnatomy.
//!
//! ```text
//! driver build REPO        source code -> extraction tables -> code property graph
//! driver run SPEC          a spec -> its output tables
//! driver check SPEC        everything that is wrong with a spec
//! driver preview SPEC VIEW the first rows of a view
//! driver watch SPEC        one of these again after every change
//! driver lsp               the protocol of editors
//! driver compile SPEC      any stage between the spec and the physical plan, as text
//! driver sql [QUERY]       queries over the tables of a lake; without one a shell
//! driver export            a code graph for other programs
//! ```
//!
//! | module | does |
//! |---|---|
//! | cli | the arguments |
//! | commands | one file a command |
//! | signals | Ctrl-C |
//! | report | results as text and as JSON |
//! | telemetry | events in a file, the log |
//! | terminal | the three streams, colours, progress |
//! | failure | why a command ends, and with which exit code |
//!
//! What the commands do is done by [`pipeline`].
//!
//! Results go to stdout; diagnostics and progress go to stderr. Exit codes: 0 done, 1 something is wrong with what
//! the user gave, 2 the command line is wrong, 70 a bug in this program, 130 stopped by Ctrl-C.

#[doc = include_str!("../../ARCHITECTURE.md")]
pub mod architecture {}

mod cli;
mod commands;
mod failure;
mod report;
mod signals;
mod telemetry;
mod terminal;

pub use telemetry::{LogError, show_log};

use std::ffi::OsString;
use std::io::{Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use clap::Parser as _;
use pipeline::configuration::Environment;

use crate::cli::{Cli, ColorChoice};
use crate::commands::Context;
use crate::failure::{Failure, exit};
use crate::terminal::{Console, Terminals};

/// What a command reads from and writes to.
pub struct Streams<'a> {
    /// Where `-` reads from.
    pub stdin: &'a mut dyn Read,
    /// Receives results.
    pub stdout: &'a mut dyn Write,
    /// Receives diagnostics and progress.
    pub stderr: &'a mut dyn Write,
    /// Whether somebody types what `stdin` gives.
    pub stdin_is_terminal: bool,
    /// Whether somebody looks at `stdout` directly.
    pub stdout_is_terminal: bool,
    /// Whether somebody looks at `stderr` directly. Only then progress is shown.
    pub stderr_is_terminal: bool,
    /// Whether a log is shown on stderr ([`show_log`]). Progress is not shown then.
    pub log_is_shown: bool,
    /// Whether the environment asks for no colours.
    pub no_color: bool,
    /// What else the environment says.
    pub environment: Environment,
}

/// Runs one command line, the program's name first, and returns its exit code.
#[must_use]
pub fn main_with(arguments: Vec<OsString>, streams: &mut Streams<'_>) -> u8 {
    let outcome = catch_unwind(AssertUnwindSafe(|| parse_and_run(&arguments, streams)));
    outcome.unwrap_or_else(|_| {
        // The panic's own message is on stderr already.
        let _ =
            streams.stderr.write_all(failure::bug_report("it panicked, see the message above").as_bytes());
        exit::BUG
    })
}

/// Keeps panics quiet that become errors: those of readers of files, which are told with the file's name. The process prints all
/// others as before.
pub fn hush_readers() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !pipeline::is_in_a_reader() {
            hook(panic);
        }
    }));
}

fn parse_and_run(arguments: &[OsString], streams: &mut Streams<'_>) -> u8 {
    match Cli::try_parse_from(arguments) {
        Ok(cli) => run(cli, streams),
        Err(error) => {
            let terminal =
                if error.use_stderr() { streams.stderr_is_terminal } else { streams.stdout_is_terminal };
            let wanted = color_argument(arguments).unwrap_or_default();
            let text = if wanted.is_on(terminal, streams.no_color) {
                error.render().ansi().to_string()
            } else {
                error.render().to_string()
            };
            let stream: &mut dyn Write = if error.use_stderr() { streams.stderr } else { streams.stdout };
            // Nowhere is left to report that writing failed.
            let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
            if error.use_stderr() { exit::USAGE } else { exit::OK }
        }
    }
}

/// The value of `--color` on a command line that does not parse.
fn color_argument(arguments: &[OsString]) -> Option<ColorChoice> {
    let texts: Vec<&str> = arguments.iter().filter_map(|argument| argument.to_str()).collect();
    let spelled = texts.iter().find_map(|text| text.strip_prefix("--color="));
    let apart = || {
        texts.windows(2).find_map(|pair| pair.first().zip(pair.get(1)).filter(|(key, _)| **key == "--color"))
    };
    <ColorChoice as clap::ValueEnum>::from_str(spelled.or_else(|| apart().map(|(_, value)| *value))?, true)
        .ok()
}

fn run(cli: Cli, streams: &mut Streams<'_>) -> u8 {
    let console = Console::new(
        &cli.globals,
        streams.stdout,
        streams.stderr,
        [
            cli.globals.color.is_on(streams.stdout_is_terminal, streams.no_color),
            cli.globals.color.is_on(streams.stderr_is_terminal, streams.no_color),
        ],
        Terminals {
            stdin: streams.stdin_is_terminal,
            stdout: streams.stdout_is_terminal,
            stderr: streams.stderr_is_terminal && !streams.log_is_shown,
        },
    );
    let mut context = Context::new(cli.globals, streams.environment.clone(), console, streams.stdin);
    let outcome = commands::dispatch(cli.command, &mut context).and_then(|()| context.console.flush());
    match outcome {
        Ok(()) => exit::OK,
        Err(failure) => {
            // What was printed before the failure comes first.
            let _ = context.console.flush();
            context.console.fail(&failure);
            Failure::exit_code(&failure)
        }
    }
}
