//! Runs any number of seeds.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use differential::coverage::Coverage;
use differential::folder::{write_case, write_queries};
use differential::judge::plain::{Answer, ask};
use differential::plan::spec_text;
use differential::program::runs_that_spilled;
use differential::shrink::shrunk;
use differential::{Case, Fault, Verdict, check};

/// Random specs over random Delta tables, judged row by row
///
/// Prints a line for every seed that is wrong, and at the end how many were right. Exit status 1 when one was wrong.
#[derive(Parser)]
struct Arguments {
    /// The first seed
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// How many seeds
    #[arg(long, default_value_t = 1000)]
    seeds: u64,
    /// In how many ways each is run besides the usual one
    #[arg(long, default_value_t = 2)]
    ways: usize,
    /// Prints the spec of every seed
    #[arg(long)]
    show: bool,
    /// Makes every wrong case small, with so many tries, and writes it as FOLDER/SEED in the form of `tests/cases`
    #[arg(long, value_name = "FOLDER")]
    shrink: Option<PathBuf>,
    /// Tries to make a case small
    #[arg(long, default_value_t = 400)]
    tries: usize,
    /// Prints which properties of specs and tables met; exit status 1 when two never did
    #[arg(long)]
    coverage: bool,
    /// Writes every view as a query of DuckDB, the rows that it reads and those that are right to FOLDER/SEED-SPEC.json, for
    /// `tests/judges/evaluator_check.py`
    #[arg(long, value_name = "FOLDER")]
    queries: Option<PathBuf>,
    /// Asks DataFusion alone for the rows of every view, and prints where the evaluator has others; that is no fault of the program
    #[arg(long)]
    plain: bool,
    /// Makes the cases and runs nothing
    #[arg(long)]
    make_only: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> io::Result<bool> {
    if arguments.shrink.is_some() {
        // Most tries to make a case small make none of sense.
        std::panic::set_hook(Box::new(|_| {}));
    }
    let (mut right, mut wrong) = (0_u64, 0_u64);
    let mut coverage = Coverage::default();
    let mut asked = [0_u64; 2];
    for seed in arguments.from..arguments.from.saturating_add(arguments.seeds) {
        let case = Case::new(seed);
        coverage.add(&case);
        if arguments.show {
            case.rounds.iter().for_each(|plan| println!("# seed {seed}\n{}", spec_text(plan)));
        }
        if let Some(folder) = &arguments.queries {
            write_queries(&case, seed, folder)?;
        }
        if arguments.plain {
            ask_datafusion(&case, seed, &mut asked)?;
        }
        if arguments.make_only {
            continue;
        }
        let Verdict::Wrong(fault, why) = judged(&case, seed, arguments.ways)? else {
            right += 1;
            continue;
        };
        wrong += 1;
        println!("seed {seed}: {fault:?}: {why}");
        if let Some(folder) = &arguments.shrink {
            let kind = kind_of(&why);
            let same = |case: &Case| match judged(case, seed, arguments.ways) {
                Ok(Verdict::Wrong(other, why)) => other == fault && kind_of(&why) == kind,
                _ => false,
            };
            let small = shrunk(&case, arguments.tries, same);
            let folder = folder.join(seed.to_string());
            let why = match judged(&small, seed, arguments.ways)? {
                Verdict::Wrong(_, why) => why,
                Verdict::Right => "right when it is tried again".to_owned(),
            };
            write_case(&small, &format!("seed {seed}: {fault:?}: {why}"), &folder)?;
            println!("written to {}", folder.display());
        }
    }
    println!("{right} right, {wrong} wrong; {} runs spilled", runs_that_spilled());
    if arguments.plain {
        println!("DataFusion alone: {} views equal, {} not", asked[0], asked[1]);
    }
    let missing = if arguments.coverage { coverage.missing() } else { Vec::new() };
    if arguments.coverage {
        print!("{coverage}");
        missing.iter().for_each(|(one, other)| println!("never met: {one} and {other}"));
    }
    Ok(wrong == 0 && missing.is_empty())
}

/// Counts the views of which DataFusion alone says the same, and those of which it says something else.
fn ask_datafusion(case: &Case, seed: u64, asked: &mut [u64; 2]) -> io::Result<()> {
    let results = case.results().map_err(|_| io::Error::other("the evaluator does not come to its end"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    for (plan, right) in case.rounds.iter().zip(&results) {
        for view in &plan.views {
            match runtime.block_on(ask(plan, view, right)).map_err(io::Error::other)? {
                Answer::Equal => asked[0] += 1,
                Answer::NotAsked => {}
                Answer::Different(what) => {
                    asked[1] += 1;
                    println!("seed {seed}: {}: DataFusion alone gives {what}", view.name);
                }
            }
        }
    }
    Ok(())
}

/// What a fault is told by while a case gets smaller: the code of an error, or what its text says without names and numbers.
fn kind_of(why: &str) -> String {
    let text = why.split_once(": ").map_or(why, |(_, why)| why);
    let code = text.split(|letter: char| !letter.is_ascii_alphanumeric()).find(|word| {
        word.len() == 5 && word.starts_with('E') && word[1..].bytes().all(|byte| byte.is_ascii_digit())
    });
    match code {
        Some(code) => code.to_owned(),
        None => text.chars().filter(|letter| letter.is_alphabetic()).take(24).collect(),
    }
}

/// A case that makes the program panic is wrong, too.
fn judged(case: &Case, seed: u64, ways: usize) -> io::Result<Verdict> {
    let home = tempfile::tempdir()?;
    let verdict = catch_unwind(AssertUnwindSafe(|| check(case, seed, ways, home.path())));
    Ok(verdict.unwrap_or_else(|_| Verdict::Wrong(Fault::Failed, "a panic".to_owned())))
}
