//! The workspace: crates depend in one direction, pure crates are kept pure by their lint file, documents name every
//! pass and every dependency.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use libtest_mimic::Trial;
use passes::PIPELINE;
use serde_json::Value;

use super::{files, has_extension, read, rule, shown};
use crate::harness::root;

/// What each crate may use of this workspace outside its tests. One line of the design: hash <- ir <- passes <- pipeline, and
/// ir <- backend <- pipeline <- driver.
const DIRECTIONS: &[(&str, &[&str])] = &[
    ("codeanatomy", &[]),
    ("codeanatomy-hash", &[]),
    ("codeanatomy-ir", &["codeanatomy-hash"]),
    ("codeanatomy-passes", &["codeanatomy-ir"]),
    ("codeanatomy-functions", &["codeanatomy-ir"]),
    ("codeanatomy-delta", &["codeanatomy-hash"]),
    ("codeanatomy-files", &["codeanatomy-ir", "codeanatomy-delta"]),
    (
        "codeanatomy-engine",
        &["codeanatomy-ir", "codeanatomy-delta", "codeanatomy-files", "codeanatomy-functions"],
    ),
    ("codeanatomy-extract", &["codeanatomy-ir"]),
    // What makes specs and says what they give shares nothing with the program; it only runs it.
    (
        "codeanatomy-differential",
        &["codeanatomy-ir", "codeanatomy-passes", "codeanatomy-engine", "codeanatomy-pipeline"],
    ),
    (
        "codeanatomy-fuzz",
        &[
            "codeanatomy-ir",
            "codeanatomy-passes",
            "codeanatomy-delta",
            "codeanatomy-engine",
            "codeanatomy-pipeline",
        ],
    ),
    // The judge of performance knows nothing of what it judges.
    ("codeanatomy-bench", &[]),
    (
        "codeanatomy-pipeline",
        &[
            "codeanatomy-hash",
            "codeanatomy-ir",
            "codeanatomy-passes",
            "codeanatomy-engine",
            "codeanatomy-delta",
            "codeanatomy-extract",
        ],
    ),
    (
        "codeanatomy-driver",
        &["codeanatomy-ir", "codeanatomy-passes", "codeanatomy-engine", "codeanatomy-pipeline"],
    ),
];

/// Crates without files, clocks, environment and async: their lint file says so, and they cannot name the engine.
const PURE: [&str; 3] = ["ir/hash", "ir", "passes"];
const IMPURE_CRATES: [&str; 6] =
    ["datafusion", "deltalake", "tokio", "futures", "object_store", "async-trait"];

pub(super) fn trials() -> Vec<Trial> {
    vec![
        rule(
            "crates_depend_in_one_direction",
            "dependencies against the design's direction",
            wrong_directions,
        ),
        rule("pure_crates_stay_pure", "a pure crate could do I/O", impure),
        rule(
            "one_crate_compiles_and_runs",
            "crates that run passes and plan or run graphs; call `pipeline` for one of them",
            other_pipelines,
        ),
        rule(
            "passes_are_documented",
            "passes missing from the stage table of ARCHITECTURE.md or from the picture in README.md",
            undocumented_passes,
        ),
        rule(
            "dependencies_are_explained",
            "workspace dependencies without a row in the dependency table of ARCHITECTURE.md, or rows without one",
            unexplained_dependencies,
        ),
    ]
}

/// `cargo metadata` of this workspace: the packages.
fn packages() -> Vec<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    metadata["packages"].as_array().cloned().unwrap_or_default()
}

/// The names of a package's dependencies outside tests.
fn dependencies(package: &Value) -> BTreeSet<String> {
    let all = package["dependencies"].as_array().into_iter().flatten();
    all.filter(|dependency| dependency["kind"].as_str() != Some("dev"))
        .filter_map(|dependency| dependency["name"].as_str())
        .map(str::to_owned)
        .collect()
}

fn wrong_directions() -> Vec<String> {
    let allowed: BTreeMap<&str, &[&str]> = DIRECTIONS.iter().copied().collect();
    let packages = packages();
    let members: BTreeSet<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    let mut wrong = Vec::new();
    for package in &packages {
        let name = package["name"].as_str().unwrap_or_default();
        let Some(allowed) = allowed.get(name) else {
            wrong.push(format!("{name} is not in the list of the tidy test"));
            continue;
        };
        let used = dependencies(package);
        let inside = used.iter().filter(|used| members.contains(used.as_str()));
        wrong.extend(
            inside.filter(|used| !allowed.contains(&used.as_str())).map(|used| format!("{name} uses {used}")),
        );
    }
    wrong
}

/// What runs passes, and what turns graphs into plans and runs these. Only the pipeline has both in its hands, so that
/// there is one way from a spec to a running plan.
const PASS_RUNNER: [&str; 4] = ["begin", "compile", "resume", "run_pass"];
const PLANNING: [&str; 3] = ["emit", "execute", "explain"];

fn other_pipelines() -> Vec<String> {
    let mut named: BTreeMap<String, [Option<String>; 2]> = BTreeMap::new();
    for path in files(root()).into_iter().filter(|path| has_extension(path, "rs")) {
        let text = read(&path);
        let [runs, plans] = named.entry(crate_folder(&path)).or_default();
        if PASS_RUNNER.iter().any(|name| imported(&text, "passes").contains(name)) {
            runs.get_or_insert_with(|| shown(&path));
        }
        if PLANNING.iter().any(|name| imported(&text, "engine").contains(name))
            || text.contains(concat!(".em", "it("))
        {
            plans.get_or_insert_with(|| shown(&path));
        }
    }
    let both = named.into_iter().filter(|(folder, _)| folder != "driver/pipeline");
    both.filter_map(|(_, [runs, plans])| Some(format!("{} runs passes, {} plans", runs?, plans?))).collect()
}

/// The nearest folder above a file that holds a manifest.
fn crate_folder(path: &Path) -> String {
    let folder = path.ancestors().skip(1).find(|folder| folder.join("Cargo.toml").is_file());
    folder.map(shown).unwrap_or_default()
}

/// The names a text takes directly from a crate: `name::this` and `name::{this, that}`.
fn imported<'a>(text: &'a str, name: &str) -> BTreeSet<&'a str> {
    let path = format!("{name}::");
    let word = |text: &'a str| text.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("");
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices(&path) {
        // `other_name::` and `crate::name::` are other paths.
        if text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':') {
            continue;
        }
        let rest = &text[at + path.len()..];
        match rest.strip_prefix('{').and_then(|list| list.split_once('}')) {
            Some((list, _)) => found.extend(list.split(',').map(|item| word(item.trim()))),
            None => {
                found.insert(word(rest));
            }
        }
    }
    found
}

fn impure() -> Vec<String> {
    let mut found = Vec::new();
    let packages = packages();
    for name in PURE {
        let lints = root().join(name).join("clippy.toml");
        let forbidden = if lints.is_file() { read(&lints) } else { String::new() };
        for method in ["std::time::Instant::now", "std::env::var", "std::fs::read", "std::thread::spawn"] {
            if !forbidden.contains(&format!("\"{method}\"")) {
                found.push(format!("{name}/clippy.toml does not forbid {method}"));
            }
        }
        let crate_name = name.rsplit('/').next().unwrap_or(name);
        let package = packages.iter().find(|package| package["name"] == format!("codeanatomy-{crate_name}"));
        let used = package.map(dependencies).unwrap_or_default();
        found.extend(
            IMPURE_CRATES
                .iter()
                .filter(|other| used.contains(**other))
                .map(|other| format!("{name} uses {other}")),
        );
    }
    found
}

/// The cells of the table rows of a document, without the marks of code.
fn table_rows(document: &str) -> Vec<Vec<String>> {
    let rows = document.lines().filter(|line| line.starts_with('|'));
    rows.map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect())
        .collect()
}

fn undocumented_passes() -> Vec<String> {
    let rows = table_rows(&read(&root().join("ARCHITECTURE.md")));
    let stages: Vec<&str> = rows.iter().filter_map(|row| row.first()).map(String::as_str).collect();
    let readme = read(&root().join("README.md"));
    let picture = readme.split_once("## The stages").and_then(|(_, rest)| rest.split("```").nth(1));
    let picture = picture.unwrap_or_default();
    let words: BTreeSet<&str> = picture.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let mut missing = Vec::new();
    let mut last = 0;
    for pass in PIPELINE {
        match stages.iter().position(|stage| *stage == pass.stage()) {
            None => missing.push(format!("ARCHITECTURE.md: no row `{}`", pass.stage())),
            Some(at) if at < last => {
                missing.push(format!("ARCHITECTURE.md: `{}` is not in pipeline order", pass.stage()))
            }
            Some(at) => last = at,
        }
        if !words.contains(pass.name) {
            missing.push(format!("README.md: `{}` is not in the picture of the stages", pass.name));
        }
    }
    let numbered =
        stages.iter().filter(|stage| stage.split_once('-').is_some_and(|(n, _)| n.parse::<u16>().is_ok()));
    missing.extend(
        numbered
            .filter(|stage| !PIPELINE.iter().any(|pass| pass.stage() == **stage))
            .map(|stage| format!("ARCHITECTURE.md: `{stage}` is not a pass")),
    );
    missing
}

fn unexplained_dependencies() -> Vec<String> {
    let manifest = read(&root().join("Cargo.toml"));
    let section = manifest.split("[workspace.dependencies]").nth(1).unwrap_or_default();
    let section = section.split("\n[").next().unwrap_or_default();
    let external = section.lines().filter(|line| line.contains('=') && !line.contains("path ="));
    let names: BTreeSet<String> =
        external.filter_map(|line| line.split('=').next()).map(|name| name.trim().to_owned()).collect();
    let document = read(&root().join("ARCHITECTURE.md"));
    let table = document.split("| crate | why |").nth(1).unwrap_or_default();
    let table = table.split("\n\n").next().unwrap_or_default();
    let explained: BTreeSet<String> = table_rows(table)
        .iter()
        .filter_map(|row| row.first())
        .filter(|cell| !cell.contains("---"))
        .flat_map(|cell| cell.split(','))
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect();
    let missing = names.difference(&explained).map(|name| format!("{name} is not explained"));
    missing
        .chain(explained.difference(&names).map(|name| format!("{name} is explained and not used")))
        .collect()
}
