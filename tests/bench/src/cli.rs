//! The command line, and the run it asks for.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use clap::{Args, Parser, Subcommand};
use serde_json::Value;

use crate::contest::{Arena, Driver, Peers};
use crate::data::Data;
use crate::failure::{Failure, Result};
use crate::machine::{Machine, cores};
use crate::report::{self, progress};
use crate::suite::{BENCHMARKS, Setting};

/// Runs the benchmark: ours beside the peers, results compared first.
#[derive(Debug, Parser)]
#[command(name = "bench", version, args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) options: Options,
}

/// What the program does to itself.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs a program and writes down what it used.
    #[command(hide = true)]
    Measure {
        /// Where that is written.
        report: PathBuf,
        /// The program and its arguments.
        #[arg(last = true, required = true)]
        command: Vec<OsString>,
    },
}

/// What is to be run.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Small data, one run, no peers unless --peers is given, no verdicts; everything else is the same
    #[arg(long)]
    quick: bool,
    /// One benchmark only; may be given several times
    #[arg(long, value_name = "NAME", value_parser = BENCHMARKS.map(|benchmark| benchmark.name))]
    only: Vec<String>,
    /// Turns of each contestant [default: 5; with --quick 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    runs: Option<u16>,
    /// The program under test [default: it is built in release first]
    #[arg(long, value_name = "FILE")]
    driver: Option<PathBuf>,
    /// Another version of the program, which does all of its work too: turn by turn, before or after it
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// The folder in which tests/bench/peers/install put the peers [default: OUTPUT/peers]
    #[arg(long, value_name = "DIR", conflicts_with = "no_peers")]
    peers: Option<PathBuf>,
    /// Leave the peers out
    #[arg(long)]
    no_peers: bool,
    /// Threads everyone may use [default: all cores]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Where data is kept and results.json and results.md are written; --quick makes its data anew
    #[arg(long, value_name = "DIR", default_value = "target/benchmark")]
    output: PathBuf,
}

/// Runs what was asked for. Gives whether all contestants agreed and none failed.
///
/// # Errors
/// When something is missing or data cannot be made.
pub(crate) fn run(options: &Options) -> Result<bool> {
    let setting = setting(options)?;
    let machine = Machine::now(&setting.sources, setting.arena.driver.version()?);
    let mut reports = Vec::new();
    for benchmark in &BENCHMARKS {
        if options.only.is_empty() || options.only.iter().any(|name| name == benchmark.name) {
            progress(&format!("{}:", benchmark.name));
            let found = (benchmark.run)(&setting)?;
            report::print(&report::benchmark(&found, options.quick))?;
            reports.push(found);
            // After each, so that an interrupted run leaves what it has.
            report::write(&options.output, &machine, options.quick, setting.arena.runs, &reports)?;
        }
    }
    let failures: Vec<&String> = reports.iter().flat_map(|report| report.failures()).collect();
    failures.iter().for_each(|failure| progress(&format!("FAILED: {failure}")));
    progress(&format!("results: {}", options.output.join("results.md").display()));
    Ok(failures.is_empty())
}

fn setting(options: &Options) -> Result<Setting> {
    std::fs::create_dir_all(&options.output).map_err(Failure::file("make", &options.output))?;
    let output = options.output.canonicalize().map_err(Failure::file("find", &options.output))?;
    let sources = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let threads = options.threads.unwrap_or_else(cores);
    let environments = match &options.peers {
        Some(folder) => Some(folder.canonicalize().map_err(Failure::file("find", folder))?),
        None if options.no_peers || options.quick => None,
        None => Some(output.join("peers")),
    };
    let peers = Peers::new(environments, sources.join("peers"), threads)?;
    let found = |path: &PathBuf| path.canonicalize().map_err(Failure::file("find", path));
    let driver = options.driver.as_ref().map_or_else(|| build_driver(&sources), found)?;
    let baseline = options.baseline.as_ref().map(found).transpose()?;
    let baseline = baseline.map(|path| Driver { path, threads });
    let work = output.join("work");
    std::fs::create_dir_all(&work).map_err(Failure::file("make", &work))?;
    let made = || tempfile::tempdir_in(&work).map_err(Failure::file("make a folder in", &work));
    let quick_data = if options.quick { Some(made()?) } else { None };
    let data = quick_data.as_ref().map_or_else(|| output.join("data"), |folder| folder.path().to_path_buf());
    let runs = options.runs.map_or(if options.quick { 1 } else { 5 }, usize::from);
    Ok(Setting {
        peers,
        data: Data::in_folder(data)?,
        quick_data,
        arena: Arena { runs, folder: work, driver: Driver { path: driver, threads }, baseline },
        quick: options.quick,
        cores: cores(),
        sources,
        repository: std::env::var_os("CODEANATOMY_BENCH_SOURCES").map(PathBuf::from),
    })
}

/// Builds the program under test in release, as a user would.
fn build_driver(sources: &Path) -> Result<PathBuf> {
    progress("building the driver in release");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let arguments =
        ["build", "--release", "--locked", "--bin", "driver", "--message-format", "json-render-diagnostics"];
    let output = std::process::Command::new(&cargo)
        .args(arguments)
        .current_dir(sources.join("../.."))
        .stderr(Stdio::inherit())
        .output()
        .map_err(Failure::file("run", Path::new(&cargo)))?;
    if !output.status.success() {
        let message = "see above".to_owned();
        return Err(Failure::Program {
            program: "cargo build".to_owned(),
            status: output.status.to_string(),
            message,
        });
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let messages = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut built = messages.filter(|message| message["target"]["name"] == "driver");
    let path = built.find_map(|message| message["executable"].as_str().map(PathBuf::from));
    path.ok_or_else(|| {
        Failure::Missing("cargo did not say where it put the driver; give --driver".to_owned())
    })
}
