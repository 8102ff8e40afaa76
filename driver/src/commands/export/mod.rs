//! `driver export`: a code graph for other programs, or its symbols.
//!
//! ```text
//! questions: tables of the lake, each at one version -> batches of rows, ordered, of one size
//! writers:   batches of nodes, then batches of edges -> a file, or a folder
//! target:    `PATH.unfinished` -> PATH, when it is whole
//! ```
//!
//! What is held does not grow with the graph, but for `coo`, which holds the identifiers of nodes, and `scip`, which holds the names
//! of symbols. What orders rows is DataFusion, which uses temporary files.
//!
//! | module | does |
//! |---|---|
//! | questions | what is asked of the lake |
//! | writers | what a form has to do |
//! | dot, graphml, tables | the forms of graphs |
//! | scip | the index of symbols |
//! | target | the file or folder that is written |
//! | characters | what takes the place of characters that a form does not have |

mod characters;
mod dot;
mod graphml;
mod questions;
mod scip;
mod tables;
mod target;
mod writers;

use std::path::PathBuf;
use std::sync::Arc;

use pipeline::Lake;

use crate::cli::{DEFAULT_LAKE, ExportArgs, Format};
use crate::commands::Context;
use crate::failure::Failure;
use crate::report::count;
use questions::{Part, Questions};
use target::Target;
use writers::{GraphWriter, write_graph};

pub(in crate::commands) fn run(arguments: &ExportArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    exported(arguments, context).map_err(|failure| match failure {
        Failure::Interrupted(_) => {
            Failure::Interrupted("the export was stopped; nothing is written".to_owned())
        }
        other => other,
    })
}

fn exported(arguments: &ExportArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    let format = context.console.format;
    fits(arguments, format)?;
    let folder = context.lake(arguments.lake.as_deref())?.unwrap_or_else(|| PathBuf::from(DEFAULT_LAKE));
    if !folder.is_dir() {
        return Err(Failure::User(format!(
            "there is no lake at `{}`; make one with `driver build REPO`, or name one with `--lake DIR`",
            folder.display()
        )));
    }
    let target =
        Target::new(&arguments.output, matches!(format, Format::Parquet | Format::Coo), arguments.overwrite)?;
    let workers = Arc::clone(context.workers()?);
    let lake = Lake::at(&folder)?.as_it_is(&workers)?;
    let questions = Questions::new(&lake, &workers, context.ruleset());
    let said = if format == Format::Scip {
        let root = scip::root_of(&lake, arguments.root.as_deref())?;
        scip::write(&questions, &root, target.file()?)?
    } else {
        let part = Part::new(&questions, arguments.symbols, &arguments.kinds)?;
        let written = write_graph(&questions, &part, writer(format, &target)?)?;
        format!("{} nodes and {} edges", count(written.nodes), count(written.edges))
    };
    target.publish()?;
    context
        .console
        .print(&format!("{said} in {}\n", ir::diag::escape_text(&arguments.output.display().to_string())))
}

/// Refuses options that a form does not have.
fn fits(arguments: &ExportArgs, format: Format) -> Result<(), Failure> {
    let is_index = format == Format::Scip;
    let refused =
        |option: &str, reason: &str| Err(Failure::Usage(format!("`{option}` {reason}; leave it out")));
    match arguments {
        ExportArgs { symbols: true, .. } if is_index => {
            refused("--symbols", "says nothing to `scip`, which is of symbols")
        }
        ExportArgs { kinds, .. } if is_index && !kinds.is_empty() => {
            refused("--kinds", "chooses edges, and an index of `scip` has none")
        }
        ExportArgs { root: Some(_), .. } if !is_index => refused("--root", "is for `--format scip`"),
        _ => Ok(()),
    }
}

fn writer(format: Format, target: &Target) -> Result<Box<dyn GraphWriter>, Failure> {
    Ok(match format {
        Format::Dot => Box::new(dot::Dot::new(target.file()?)),
        Format::Graphml => Box::new(graphml::Graphml::new(target.file()?)),
        Format::Jsonl => Box::new(tables::Lines::new(target.file()?)),
        Format::Parquet => Box::new(tables::Tables::new(target)?),
        Format::Coo => Box::new(tables::Pairs::new(target)?),
        Format::Text | Format::Json | Format::Csv | Format::Ndjson | Format::Markdown | Format::Scip => {
            return Err(Failure::Bug(format!("graphs have no form `{}`", format.name())));
        }
    })
}
