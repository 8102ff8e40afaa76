//! Cases: folders with a spec and the fixtures of its tables, or with a repository for the shipped spec.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use ir::diag::{Diagnostic, RenderOptions, render};
use tempfile::TempDir;

use super::extraction::write_extraction;
use super::{
    Execution, Stage, compile_text, entries, execute, folders, on_deep_stack, root, session, stem,
    write_fixtures,
};

/// The stage of a case that shows the rows of its outputs.
const ROWS: &str = "95-rows";

/// The case that has goldens of the shipped spec: for the others that run it they are the same but for estimates.
const SHOWS_SHIPPED_SPEC: &str = "cpg_python";

/// One folder of `tests/cases`.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    /// Whether its graphs and plans have goldens. Those of the shipped spec have, for [`SHOWS_SHIPPED_SPEC`].
    pub(crate) shows_stages: bool,
    /// Whether its rows have a golden. Those of the shipped spec have none: nobody can review thousands of rows of
    /// numbers, and questions with answers judge them.
    pub(crate) shows_rows: bool,
    prepared: OnceLock<Result<Prepared, String>>,
}

/// A case with its tables written and its spec compiled.
pub(crate) struct Prepared {
    /// The folder relative locations count from; the fixtures are below `tables/`.
    pub(crate) home: TempDir,
    pub(crate) stages: Vec<Stage>,
    /// The warnings as they are shown, or a line that there are none.
    pub(crate) warnings: String,
    executed: OnceLock<Result<Execution, String>>,
}

impl Case {
    /// All cases, by name.
    pub(crate) fn all() -> Vec<Arc<Self>> {
        let folders = entries(&root().join("tests/cases")).into_iter().filter(|path| path.is_dir());
        let case = |folder: PathBuf| {
            let own_spec = !folder.join("repo").is_dir();
            let (name, prepared) = (stem(&folder), OnceLock::new());
            let shows_stages = own_spec || name == SHOWS_SHIPPED_SPEC;
            Arc::new(Self { name, folder, shows_stages, shows_rows: own_spec, prepared })
        };
        folders.map(case).collect()
    }

    /// The stages that have goldens, of these.
    pub(crate) fn shown<'a>(&self, stages: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
        stages.filter(|stage| if *stage == ROWS { self.shows_rows } else { self.shows_stages }).collect()
    }

    /// The case, written and compiled once for all tests. Everything wrong with it fails the test that asks.
    pub(crate) fn prepared(&self) -> &Prepared {
        let prepared = self.prepared.get_or_init(|| on_deep_stack(|| self.prepare()));
        prepared.as_ref().unwrap_or_else(|error| panic!("the case {} does not compile: {error}", self.name))
    }

    /// The files of one kind of expectation; none if the case has no such folder.
    pub(crate) fn expectations(&self, kind: &str) -> Vec<PathBuf> {
        entries(&self.folder.join(kind))
    }

    fn prepare(&self) -> Prepared {
        let home = tempfile::tempdir().expect("a folder is made");
        write_fixtures(&self.folder.join("tables"), &home.path().join("tables"));
        let repository = self.folder.join("repo");
        let spec = if repository.is_dir() {
            write_extraction(&repository, home.path());
            root().join("driver/specs/cpg.yaml")
        } else {
            self.folder.join("spec.yaml")
        };
        let text =
            std::fs::read_to_string(&spec).unwrap_or_else(|error| panic!("{}: {error}", spec.display()));
        let compiled = compile_text(&text, "spec.yaml", &self.name, home.path(), &session(4, 8192));
        let shown = render(&compiled.diagnostics, &compiled.source, RenderOptions { color: false });
        assert!(!compiled.diagnostics.iter().any(Diagnostic::is_error), "{shown}");
        let warnings = if shown.is_empty() { "no warnings".to_owned() } else { shown };
        Prepared { home, stages: compiled.stages, warnings, executed: OnceLock::new() }
    }
}

impl Prepared {
    /// The tables the fixtures describe.
    pub(crate) fn tables(&self) -> BTreeMap<String, PathBuf> {
        folders(&self.home.path().join("tables"))
    }

    pub(crate) fn stage(&self, pass: &str) -> &Stage {
        self.stages
            .iter()
            .find(|stage| stage.pass.name == pass)
            .unwrap_or_else(|| panic!("there is no pass {pass}"))
    }

    /// What the finished graph does, run once for all tests.
    pub(crate) fn executed(&self) -> &Execution {
        let run = || execute(&self.stage("schedule").graph, self.home.path(), &session(4, 8192));
        let executed = self.executed.get_or_init(|| on_deep_stack(run));
        executed.as_ref().unwrap_or_else(|error| panic!("the case does not run: {error}"))
    }
}
