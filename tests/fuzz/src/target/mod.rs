//! What reads bytes: how inputs for it are made, and how it is called.

mod archive;
mod log;
mod spec;
mod tables;
mod text;

use std::io;
use std::path::Path;

use arbitrary::Unstructured;
use clap::ValueEnum;
use engine::{EngineOracle, Session, SessionOptions, Tables};
use ir::archive as archived;
use ir::graph::Graph;
use ir::op::{Input as Relation, Read};
use ir::oracle::Oracle;
use ir::text::{parse, print};
use pipeline::{Cancellation, WorkerOptions, Workers};

use crate::corpus::Corpus;
use crate::oracle::TablesFrom;
use crate::seed;

pub use tables::{Files, valid_tables};

/// What reads an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Target {
    /// The loader of specs, and the passes, over tables of which only the columns are there.
    Spec,
    /// The parser of the text form of graphs, the verifier, and the passes from the graph's phase on.
    Text,
    /// The reader of archived graphs and proofs.
    Archive,
    /// The reader of Delta tables.
    Log,
}

impl Target {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Spec, Self::Text, Self::Archive, Self::Log];

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Spec => "spec",
            Self::Text => "text",
            Self::Archive => "archive",
            Self::Log => "log",
        }
    }
}

/// What is read: the files of a table with their paths in its folder, or one file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Input {
    /// Paths and contents.
    pub files: Files,
}

impl Input {
    fn one(name: &str, bytes: Vec<u8>) -> Self {
        Self { files: [(name.to_owned(), bytes)].into() }
    }

    /// The bytes of the only file.
    fn bytes(&self) -> &[u8] {
        self.files.values().next().map_or(&[], Vec::as_slice)
    }

    /// Writes the files below a folder.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        for (name, bytes) in &self.files {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().unwrap_or(folder))?;
            std::fs::write(path, bytes)?;
        }
        Ok(())
    }
}

/// The program under test.
pub struct Program {
    workers: Workers,
    session: Session,
}

impl Program {
    /// Starts it, with few threads and little memory.
    ///
    /// # Errors
    /// What could not be started.
    pub fn start() -> Result<Self, String> {
        let options = SessionOptions {
            target_partitions: 2,
            memory_limit_bytes: 256 << 20,
            spill_limit_bytes: Some(1 << 30),
            batch_size: 1024,
            ..SessionOptions::for_this_machine()
        };
        let options = WorkerOptions { session: options, ..WorkerOptions::default() };
        let workers = Workers::new(options, Cancellation::new());
        let session = workers.session().map_err(|error| error.to_string())?;
        Ok(Self { workers, session })
    }

    /// The engine's answers about types, and columns for every table there could be.
    fn oracle<'c>(&self, corpus: &'c Corpus) -> impl Oracle + use<'c> {
        let table = |_: &EngineOracle, input: &Relation, read: &Read| {
            spec::known_columns(&corpus.columns, input, read)
        };
        TablesFrom { engine: EngineOracle::new(self.session.clone(), Tables::default()), table }
    }
}

/// The input of a seed.
#[must_use]
pub fn input(target: Target, seed: u64, corpus: &Corpus) -> Input {
    let bytes = seed::bytes(target.name(), seed);
    let mut choices = Unstructured::new(&bytes);
    let made = match target {
        Target::Spec => spec::input(&mut choices, corpus),
        Target::Text => text::input(&mut choices, corpus),
        Target::Archive => archive::input(&mut choices, corpus),
        Target::Log => log::input(&mut choices, corpus),
    };
    // Choices that cannot be made are those among nothing; an input without files stands for them.
    made.unwrap_or_default()
}

/// Has an input read.
///
/// # Errors
/// Where two readers of the program disagree, or it calls an input a bug of its own.
pub fn read(target: Target, input: &Input, program: &Program, corpus: &Corpus) -> Result<(), String> {
    match target {
        Target::Spec => spec::read(input.bytes(), program, corpus),
        Target::Text => text::read(input.bytes(), program, corpus),
        Target::Archive => archive::read(input.bytes()),
        Target::Log => log::read(input, program),
    }
}

/// Checks that the text form and the archive of a graph lose nothing.
fn loses_nothing(graph: &Graph) -> Result<(), String> {
    let text = print(graph);
    let parsed =
        parse(&text).map_err(|error| format!("what was printed does not parse: {error}\n{text}"))?.graph;
    if parsed != *graph {
        return Err(format!(
            "parsing what was printed gives another graph:\n{text}\nprints as\n{}",
            print(&parsed)
        ));
    }
    let again = print(&parsed);
    if again != text {
        return Err(format!("a graph that was parsed prints as another text:\n{text}\nbecomes\n{again}"));
    }
    let bytes = archived::write(graph).map_err(|error| format!("a graph is not archived: {error}"))?;
    let read = archived::read(&bytes).map_err(|error| format!("an archive is not read: {error}\n{text}"))?;
    if read != *graph {
        return Err(format!("the archive holds another graph:\n{text}\nbecomes\n{}", print(&read)));
    }
    Ok(())
}
