//! The benchmark of the project: the driver beside its peers.
//!
//! ```console
//! $ cargo run --release -p codeanatomy-bench
//! ```
//!
//! Data is generated from seeds. In every contest ([`contest`]) programs do the same work in turn, several times;
//! each is a process of its own whose CPU time, wall time and peak memory are measured ([`process`]). Answers are
//! compared first: whoever finds something else is a failure of the benchmark, not a number in a table. Peers take
//! part as one naturally writes the work for them and in the best form that is known, and are measured without their
//! start and their imports. What the machine allows is measured in the same run ([`limits`]).

mod cli;
mod contest;
mod data;
mod failure;
mod limits;
mod machine;
mod process;
mod report;
mod specs;
mod statistics;
mod suite;
mod table;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Arguments, Command};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.command {
        Some(Command::Measure { report, command }) => process::measure(&report, &command).map(|()| true),
        None => cli::run(&arguments.options),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            report::progress(&format!("error: {failure}"));
            ExitCode::FAILURE
        }
    }
}
