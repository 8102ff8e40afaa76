//! Compiles a spec, runs it and prints what was published:
//! `cargo run --example run_spec -- spec.yaml`
#![allow(clippy::print_stdout, reason = "an example prints")]

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use ir::stage::Stage;
use pipeline::{Cancellation, CompileRequest, Observer, PublishOptions, Source, WorkerOptions, Workers};

/// Says what happens while it happens.
struct Narrator;

impl Observer for Narrator {
    fn stage_started(&self, stage: Stage) {
        println!("{stage} ...");
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let path: PathBuf = std::env::args_os().nth(1).ok_or("usage: run_spec SPEC")?.into();
    // Threads, memory and the switch that stops them: throw it from another thread to end everything below early. Functions and
    // planners of this program's own would go into `WorkerOptions::extensions`.
    let workers = Workers::new(WorkerOptions::default(), Cancellation::new());

    let source = Source::open(&path)?;
    let request = CompileRequest { tracing: Some(&Narrator), ..CompileRequest::new(source, &workers) };
    let compilation = pipeline::compile(request)?;
    // The hashes that identify the run, and its schedule in numbers, are known before anything is computed.
    let response = compilation.response()?;
    println!("envelope {}, critical path {}", response.envelope_hash, response.critical_path_length);
    // Mistakes in the spec are values: each has a code, a message and a place.
    for diagnostic in &compilation.diagnostics {
        println!("{diagnostic}");
    }
    // Writes the files of all outputs, then commits them together, then records the run beside the spec.
    let outcome = pipeline::publish(compilation, &workers, PublishOptions::default(), Arc::new(Narrator))?;
    for output in &outcome.run.outputs {
        println!("{}: {} rows, version {}", output.table, output.rows, output.version);
    }
    println!("recorded in {}", outcome.record_file.display());
    Ok(())
}
