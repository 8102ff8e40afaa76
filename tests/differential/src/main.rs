//! Runs any number of seeds.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use differential::coverage::Coverage;
use differential::folder::write_case;
use differential::plan::spec_text;
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
    for seed in arguments.from..arguments.from.saturating_add(arguments.seeds) {
        let case = Case::new(seed);
        coverage.add(&case);
        if arguments.show {
            println!("# seed {seed}\n{}", spec_text(&case.plan));
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
            let same = |case: &Case| matches!(judged(case, seed, arguments.ways), Ok(Verdict::Wrong(other, _)) if other == fault);
            let small = shrunk(&case, arguments.tries, same);
            let folder = folder.join(seed.to_string());
            write_case(&small, &format!("seed {seed}: {fault:?}"), &folder)?;
            println!("written to {}", folder.display());
        }
    }
    println!("{right} right, {wrong} wrong");
    let missing = if arguments.coverage { coverage.missing() } else { Vec::new() };
    if arguments.coverage {
        print!("{coverage}");
        missing.iter().for_each(|(one, other)| println!("never met: {one} and {other}"));
    }
    Ok(wrong == 0 && missing.is_empty())
}

/// A case that makes the program panic is wrong, too.
fn judged(case: &Case, seed: u64, ways: usize) -> io::Result<Verdict> {
    let home = tempfile::tempdir()?;
    let verdict = catch_unwind(AssertUnwindSafe(|| check(case, seed, ways, home.path())));
    Ok(verdict.unwrap_or_else(|_| Verdict::Wrong(Fault::Failed, "a panic".to_owned())))
}
