//! `driver build REPO ...`: extracts the source code of repositories, runs the shipped spec over what was extracted, and
//! publishes both together.

use std::path::Path;

use ir::diag::escape_text;
use pipeline::{
    CompileRequest, InScope, PublishOptions, Source, compile, extract, lake_of_repository, make_lake,
    no_linked_tables, shown_folders,
};
use serde_json::json;

use super::extract::{extract_options, seen};
use super::published;
use crate::cli::{BuildArgs, Detail};
use crate::commands::Context;
use crate::failure::Failure;
use crate::report::RunReport;

/// The spec of the code property graph, as shipped.
const CPG_SPEC: &str = include_str!("../../../specs/cpg.yaml");
/// What the shipped spec is called in messages.
const CPG_SPEC_NAME: &str = "cpg.yaml (shipped)";
/// Where the tables of the extraction are, below the lake; the shipped spec looks for them there.
const EXTRACTION: &str = "extract/";

pub(in crate::commands) fn run(arguments: &BuildArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    context.describe_session()?;
    let repositories = arguments.repositories.repositories()?;
    // From here on Ctrl-C cleans up.
    context.workers()?;
    for repository in &repositories {
        context.warn_of_configuration_in(&repository.root)?;
    }
    let lake = match (context.lake(arguments.lake.as_deref())?, repositories.as_slice()) {
        (Some(lake), _) => make_lake(&lake, &repositories)?,
        (None, [repository]) => lake_of_repository(&repository.root)?,
        (None, _) => {
            let message = "several repositories have no lake of their own; name a folder with `--lake DIR`";
            return Err(Failure::User(message.to_owned()));
        }
    };
    let source = Source::from_bytes(CPG_SPEC.as_bytes(), CPG_SPEC_NAME.into(), "cpg", &lake)?;
    let outputs: Vec<&str> =
        source.spec.output_targets.iter().map(|output| output.table_name.as_str()).collect();
    // Before anything is written, and not only those that extraction writes.
    no_linked_tables(&lake, outputs.iter().copied())?;
    no_other_detail(&lake, &outputs, arguments.detail)?;
    let scope = arguments.detail.scope(&outputs)?;
    let options = extract_options(&arguments.source, arguments.detail.syntax());
    let work = format!("a build of {}", shown_folders(&repositories));
    let (roots, waiting) = (context.workers()?.options().roots.clone(), context.workers()?.waiting());
    context.telemetry.spec_is_read(&source)?;
    let observer = context.telemetry.observer();
    let locks = source.lock_outputs(&InScope::default(), &work, &roots, &waiting, &mut |busy| {
        observer.waiting(busy);
        context.console.waits(busy);
    })?;
    let watching = (context.console.progress(), &observer);
    let extraction = extract(&repositories, &lake, EXTRACTION, &options, context.workers()?, &watching)?;
    drop(watching);
    context.console.note(&seen(&extraction.summary));
    let source = source.with_kept_proofs();
    let request = CompileRequest::new(source, context.workers()?);
    let request = CompileRequest { ruleset: context.ruleset(), extraction: Some(&extraction), ..request };
    let request = CompileRequest { scope, tracing: Some(&observer), ..request };
    let compilation = compile(request)?;
    compilation.must_be_sound()?;
    context.console.diagnose(&compilation.diagnostics, &compilation.source.map);
    let options =
        PublishOptions { extraction: Some(extraction), locks: Some(locks), ..PublishOptions::default() };
    let outcome = published(compilation, options, context)?;
    let report = RunReport { record: &outcome.record, file: &outcome.record_file };
    if context.console.is_json() {
        let mut value = report.json()?;
        value["lake"] = json!(lake.display().to_string());
        context.console.print_json(&value)?;
    } else {
        let text = report.text(context.console.is_verbose());
        context.console.print(&text)?;
    }
    let checks = outcome.record.checks.len();
    let query = format!("driver sql 'SELECT ...' --lake {}", escape_text(&lake.display().to_string()));
    context.console.flush()?;
    let sound =
        if checks == 0 { String::new() } else { format!("the graph is sound: {checks} checks passed; ") };
    context.console.note(&format!("{sound}query it with `{query}`, or `driver ask`\n"));
    Ok(())
}

/// Refuses to leave tables of a build with more detail beside those of another state of the repository.
fn no_other_detail(lake: &Path, outputs: &[&str], detail: Detail) -> Result<(), Failure> {
    let is_left = |output: &&&str| !detail.has(output) && lake.join(output).join("_delta_log").is_dir();
    match outputs.iter().find(is_left) {
        Some(output) => Err(Failure::User(format!(
            "the lake `{}` has `{output}`, which a build with this detail would leave as it is, beside tables of another \
             state; build with the detail it was built with, or name another lake with `--lake DIR`",
            lake.display()
        ))),
        None => Ok(()),
    }
}
