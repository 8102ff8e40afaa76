//! `driver build REPO`: extracts the source code of a repository, runs the shipped spec over it, and checks that the
//! published graph is sound.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use ir::diag::{Code, Diagnostic, SourceMap, codes, escape_text};
use pipeline::{
    Observer as _, PublishOptions, Rows, Source, Workers, compile, extract, lake_of_repository, make_lake,
    no_linked_tables, publish,
};
use serde_json::{Value, json};

use super::extract::{extract_options, seen};
use crate::cli::BuildArgs;
use crate::commands::Context;
use crate::failure::Failure;
use crate::report::RunReport;

/// The spec of the code property graph, as shipped.
const CPG_SPEC: &str = include_str!("../../../specs/cpg.yaml");
/// What the shipped spec is called in messages.
const CPG_SPEC_NAME: &str = "cpg.yaml (shipped)";
/// Where the tables of the extraction are, below the lake; the shipped spec looks for them there.
const EXTRACTION: &str = "extract/";

/// Something every code property graph must satisfy.
struct Check {
    /// What must hold.
    rule: &'static str,
    /// The code of a violation.
    code: Code,
    /// Gives a row when there may be violations, and reads much less than finding them.
    suspicion: Option<&'static str>,
    /// Gives a row for every violation.
    violations: &'static str,
}

/// An end of an edge that is no node: of both ends in one pass over the nodes, and only by their ids.
const DANGLING_END: &str = "SELECT e.node_id FROM (SELECT src_node_id AS node_id FROM cpg_edges \
                            UNION ALL SELECT dst_node_id FROM cpg_edges) e \
                            WHERE NOT EXISTS (SELECT 1 FROM cpg_nodes n WHERE n.node_id = e.node_id) LIMIT 1";

/// What is checked of every graph that is built.
const CHECKS: [Check; 4] = [
    Check {
        rule: "node ids are unique",
        code: codes::ID_COLLISION,
        suspicion: None,
        violations: "SELECT node_id, COUNT(*) AS nodes FROM cpg_nodes GROUP BY node_id HAVING COUNT(*) > 1",
    },
    Check {
        rule: "edge ids are unique",
        code: codes::ID_COLLISION,
        suspicion: None,
        violations: "SELECT edge_id, COUNT(*) AS edges FROM cpg_edges GROUP BY edge_id HAVING COUNT(*) > 1",
    },
    Check {
        rule: "every edge starts at a node",
        code: codes::DANGLING_EDGE,
        suspicion: Some(DANGLING_END),
        violations: "SELECT e.edge_id, e.edge_kind, e.src_node_id, e.path FROM cpg_edges e \
                     WHERE NOT EXISTS (SELECT 1 FROM cpg_nodes n WHERE n.node_id = e.src_node_id)",
    },
    Check {
        rule: "every edge ends at a node",
        code: codes::DANGLING_EDGE,
        suspicion: Some(DANGLING_END),
        violations: "SELECT e.edge_id, e.edge_kind, e.dst_node_id, e.path FROM cpg_edges e \
                     WHERE NOT EXISTS (SELECT 1 FROM cpg_nodes n WHERE n.node_id = e.dst_node_id)",
    },
];

/// Violations shown of each check.
const SHOWN_VIOLATIONS: usize = 3;

pub(in crate::commands) fn run(arguments: &BuildArgs, context: &mut Context<'_>) -> Result<(), Failure> {
    context.describe_session()?;
    if !arguments.repository.is_dir() {
        let folder = arguments.repository.display();
        return Err(Failure::User(format!("`{folder}` is not a folder; give the folder of a repository")));
    }
    // From here on Ctrl-C cleans up.
    context.workers()?;
    let lake = match &arguments.lake {
        Some(lake) => make_lake(lake)?,
        None => lake_of_repository(&arguments.repository)?,
    };
    let source = Source::from_bytes(CPG_SPEC.as_bytes(), CPG_SPEC_NAME.into(), "cpg", &lake)?;
    // Before anything is written, and not only those that extraction writes.
    no_linked_tables(&lake, source.spec.output_targets.iter().map(|output| output.table_name.as_str()))?;
    let progress = context.console.progress();
    let options = extract_options(&arguments.source);
    let extracted =
        extract(&arguments.repository, &lake, EXTRACTION, &options, context.workers()?, &progress)?;
    drop(progress);
    context.console.note(&seen(&extracted));
    let source = source.with_kept_proofs();
    let compilation = compile(source, context.workers()?, &context.compile_options(), &())?;
    compilation.must_be_sound()?;
    context.console.diagnose(&compilation.diagnostics, &compilation.source.map);
    let progress = Arc::new(context.console.progress());
    let options = PublishOptions { before: extracted.stages };
    let outcome = publish(compilation, context.workers()?, options, progress)?;
    let mut report = RunReport { extracted: extracted.tables, outcome };
    let progress = context.console.progress();
    progress.stage_started("check");
    let checking = Instant::now();
    let findings = check(&lake, context.workers()?)?;
    report.outcome.stages.add("check", checking.elapsed());
    drop(progress);
    if context.console.is_json() {
        let mut value = report.json();
        if let Some(map) = value.as_object_mut() {
            map.insert("lake".to_owned(), json!(lake.display().to_string()));
            map.insert("checks".to_owned(), checks_json(&findings));
        }
        context.console.print_json(&value)?;
    } else {
        let text = report.text(context.console.is_verbose());
        context.console.print(&text)?;
    }
    let diagnostics: Vec<Diagnostic> = findings.into_iter().flatten().collect();
    if diagnostics.is_empty() {
        let query = format!("driver sql 'SELECT ...' --lake {}", escape_text(&lake.display().to_string()));
        context.console.flush()?;
        context
            .console
            .note(&format!("the graph is sound: {} checks passed; query it with `{query}`\n", CHECKS.len()));
        return Ok(());
    }
    Err(Failure::Findings { diagnostics, source: Box::new(SourceMap::new(CPG_SPEC_NAME.into(), "")) })
}

fn checks_json(findings: &[Option<Diagnostic>]) -> Value {
    let checks = CHECKS.iter().zip(findings);
    checks.map(|(check, finding)| json!({"rule": check.rule, "holds": finding.is_none()})).collect()
}

/// What is wrong with the published graph, for every check.
fn check(lake: &Path, workers: &Workers) -> Result<Vec<Option<Diagnostic>>, Failure> {
    let mut suspicions: BTreeMap<&str, bool> = BTreeMap::new();
    let mut findings = Vec::new();
    for check in &CHECKS {
        let suspected = match check.suspicion {
            None => true,
            Some(query) => match suspicions.get(query) {
                Some(known) => *known,
                None => {
                    let found = has_rows(query, lake, workers)?;
                    suspicions.insert(query, found);
                    found
                }
            },
        };
        findings.push(if suspected { check.run(lake, workers)? } else { None });
    }
    Ok(findings)
}

fn has_rows(query: &str, lake: &Path, workers: &Workers) -> Result<bool, Failure> {
    for batch in Rows::of(query, lake, workers)? {
        if batch?.num_rows() > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Check {
    fn run(&self, lake: &Path, workers: &Workers) -> Result<Option<Diagnostic>, Failure> {
        let mut count = 0;
        let mut shown = Vec::new();
        for batch in Rows::of(self.violations, lake, workers)? {
            let batch = batch?;
            count += batch.num_rows();
            for row in 0..batch.num_rows().min(SHOWN_VIOLATIONS.saturating_sub(shown.len())) {
                shown.push(describe(&batch, row)?);
            }
        }
        if count == 0 {
            return Ok(None);
        }
        let message = format!("not so in {count} cases: {}; such as {}", self.rule, shown.join("; "));
        let help =
            "the tables are published all the same; this is a mistake in the shipped spec, please report it";
        Ok(Some(Diagnostic::new(self.code, message).help(help)))
    }
}

/// A row as `column value, column value`.
fn describe(batch: &RecordBatch, row: usize) -> Result<String, Failure> {
    let unprintable = |error| Failure::Bug(format!("a violation cannot be shown: {error}"));
    let options = FormatOptions::default().with_null("NULL");
    let mut parts = Vec::new();
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        let formatter = ArrayFormatter::try_new(column.as_ref(), &options).map_err(unprintable)?;
        parts.push(format!(
            "{} {}",
            field.name(),
            formatter.value(row).try_to_string().map_err(unprintable)?
        ));
    }
    Ok(parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two nodes with one id, one edge that starts nowhere and two that end nowhere.
    const BROKEN_GRAPH: &str = "\
version: 4
input_relations: []
view_definitions:
  - name: nodes
    transform: {kind: Sql, query: \"SELECT * FROM (VALUES (1), (1), (2)) AS t(node_id)\"}
  - name: edges
    transform:
      kind: Sql
      query: |
        SELECT edge_id, 'CALLS' AS edge_kind, src AS src_node_id, dst AS dst_node_id, 'a.py' AS path
        FROM (VALUES (10, 1, 2), (11, 7, 2), (12, 1, 8), (13, 2, 9)) AS t(edge_id, src, dst)
output_targets:
  - {table_name: cpg_nodes, source_view: nodes}
  - {table_name: cpg_edges, source_view: edges}
";

    #[test]
    fn a_broken_graph_is_found_out() {
        let lake = tempfile::tempdir().unwrap();
        let spec = lake.path().join("spec.yaml");
        std::fs::write(&spec, BROKEN_GRAPH).unwrap();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut streams = crate::Streams {
            stdin: &mut std::io::empty(),
            stdout: &mut out,
            stderr: &mut err,
            stdout_is_terminal: false,
            stderr_is_terminal: false,
            no_color: true,
        };
        let code = crate::main_with(vec!["driver".into(), "run".into(), spec.into()], &mut streams);
        assert_eq!(code, 0, "{}", String::from_utf8_lossy(&err));
        let workers = Workers::new(pipeline::WorkerOptions::default(), pipeline::Cancellation::new());
        let findings = check(lake.path(), &workers).unwrap();
        let messages: Vec<Option<&str>> =
            findings.iter().map(|finding| finding.as_ref().map(|finding| finding.message.as_str())).collect();
        let [nodes, edges, starts, ends] = messages.try_into().unwrap();
        assert_eq!(nodes, Some("not so in 1 cases: node ids are unique; such as node_id 1, nodes 2"));
        assert_eq!(edges, None);
        assert!(starts.unwrap().starts_with("not so in 1 cases"), "{starts:?}");
        assert!(starts.unwrap().contains("src_node_id 7"), "{starts:?}");
        assert!(ends.unwrap().starts_with("not so in 2 cases"), "{ends:?}");
    }
}
