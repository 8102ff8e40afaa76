//! Runs any number of seeds, in a process of its own that may die.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

mod alone;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use fuzz::Fuzzer;
use fuzz::target::Target;

use alone::Ended;

/// Hostile specs, texts of graphs, archives and Delta tables
///
/// Prints a line for every seed whose input makes the program panic, abort, hang, or take much memory, and for every one
/// that two of its readers read differently. Exit status 1 when there was one.
#[derive(Parser)]
pub(crate) struct Arguments {
    /// The first seed
    #[arg(long, default_value_t = 0)]
    pub(crate) from: u64,
    /// How many seeds of each target
    #[arg(long, default_value_t = 1000)]
    pub(crate) runs: u64,
    /// What reads the inputs; all if absent
    #[arg(long)]
    pub(crate) target: Vec<Target>,
    /// Writes the input of every finding to FOLDER/TARGET-SEED
    #[arg(long, value_name = "FOLDER")]
    pub(crate) keep: Option<PathBuf>,
    /// Writes the input of every seed to FOLDER/TARGET-SEED, and reads none
    #[arg(long, value_name = "FOLDER")]
    make: Option<PathBuf>,
    /// Where this process says which seed it is at; it is one that may die
    #[arg(long, hide = true)]
    pub(crate) progress: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let run = match (&arguments.progress, &arguments.make) {
        (Some(progress), _) => alone::run(&arguments, progress),
        (None, Some(folder)) => make(&arguments, folder),
        (None, None) => watch(&arguments),
    };
    match run {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

fn targets(arguments: &Arguments) -> Vec<Target> {
    if arguments.target.is_empty() { Target::ALL.to_vec() } else { arguments.target.clone() }
}

/// Where the input of a seed is written.
pub(crate) fn kept(folder: &Path, target: Target, seed: u64) -> PathBuf {
    folder.join(format!("{}-{seed}", target.name()))
}

fn make(arguments: &Arguments, folder: &Path) -> Result<u64, String> {
    let fuzzer = Fuzzer::open(&root())?;
    for target in targets(arguments) {
        for seed in arguments.from..arguments.from.saturating_add(arguments.runs) {
            let written = fuzzer.input(target, seed).write(&kept(folder, target, seed));
            written.map_err(|error| error.to_string())?;
        }
    }
    Ok(0)
}

/// Runs the seeds in other processes, and goes on with a new one where one ended before its time.
fn watch(arguments: &Arguments) -> Result<u64, String> {
    let mut all = 0;
    for target in targets(arguments) {
        let (mut findings, started) = (0, Instant::now());
        let end = arguments.from.saturating_add(arguments.runs);
        let mut next = arguments.from;
        while next < end {
            let Ended { found, at, how } = alone::start(arguments, target, next..end)?;
            findings += found;
            next = at;
            if let Some(how) = how {
                findings += 1;
                alone::report(arguments, target, at, &how, None);
                next = at.saturating_add(1);
            }
        }
        let elapsed = started.elapsed();
        println!("{:>8}: {}", target.name(), summary(arguments.runs, findings, elapsed));
        all += findings;
    }
    Ok(all)
}

fn summary(runs: u64, findings: u64, elapsed: Duration) -> String {
    let each = elapsed.as_micros() / u128::from(runs.max(1));
    format!("{runs} executions, {findings} findings, {:.1} s, {each} µs each", elapsed.as_secs_f64())
}
