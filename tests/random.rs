//! Random specs: rows with and without the rewriting passes, and by plain SQL.
//!
//! A spec is a chain of random views over two small integer tables, made together with the SQL query that means the
//! same. Its number is its seed: `random::07` always is the same spec, and a failure prints it.

mod agreement;
mod assertions;
mod hostile;
mod seeds;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::LazyLock;

use libtest_mimic::Trial;
use tempfile::TempDir;

use crate::harness::{compile_text, execute, folders, read_sql, root, session, trial, write_fixtures};
use crate::semantics::{planned, same_rows, share_nothing};

/// How many specs are tried.
const SPECS: u64 = 40;

pub(crate) fn trials() -> Vec<Trial> {
    let rows = (0..SPECS).map(|seed| trial(format!("random::{seed:02}"), move || check(seed)));
    rows.chain(assertions::trials())
        .chain(agreement::trials())
        .chain(seeds::trials())
        .chain(hostile::trials())
        .collect()
}

/// The tables all random specs read, written once; runs work on copies.
fn home() -> &'static Path {
    static HOME: LazyLock<TempDir> = LazyLock::new(|| {
        let home = tempfile::tempdir().expect("a folder is made");
        write_fixtures(&root().join("tests/random/tables"), &home.path().join("tables"));
        home
    });
    HOME.path()
}

fn check(seed: u64) {
    let random = RandomSpec::new(seed);
    let session = session(2, 4);
    let text = random.yaml();
    let compiled = compile_text(&text, "random.yaml", "random", home(), &session);
    let errors: Vec<String> =
        compiled.diagnostics.iter().filter(|d| d.is_error()).map(ToString::to_string).collect();
    assert!(errors.is_empty(), "seed {seed}: {}\n{text}", errors.join("\n"));
    let after = |pass: &str| {
        let stage = compiled.stages.iter().find(|stage| stage.pass.name == pass);
        stage.unwrap_or_else(|| panic!("there is no pass {pass}")).graph.clone()
    };
    let rewritten = execute(&after("schedule"), home(), &session).outputs;
    let core = after("desugar");
    let cache = share_nothing(&core);
    let plain = execute(&planned(core, cache, &session), home(), &session).outputs;
    same_rows(&rewritten, &plain, &format!("without rewriting (seed {seed})\n{text}"));
    let tables = folders(&home().join("tables"));
    for output in &random.outputs {
        let query = random.sql(output);
        let answer = BTreeMap::from([(output.clone(), read_sql(&query, &tables).untyped())]);
        let found = BTreeMap::from([(output.clone(), rewritten[output].untyped())]);
        same_rows(&found, &answer, &format!("by plain SQL (seed {seed})\n{query}\n{text}"));
    }
}

/// A view: its name, its columns, its transform in YAML and the query that means the same.
struct View {
    name: String,
    columns: Vec<String>,
    transform: String,
    query: String,
}

struct RandomSpec {
    views: Vec<View>,
    outputs: Vec<String>,
    state: u64,
}

impl RandomSpec {
    fn new(seed: u64) -> Self {
        let mut random =
            Self { views: Vec::new(), outputs: Vec::new(), state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) };
        let count = 4 + random.below(6);
        for number in 0..count {
            let view = random.view(format!("v{number}"));
            random.views.push(view);
        }
        // The last view, so that long chains are used, and one or two more, so that some views have several readers.
        let mut outputs = vec![random.views[count - 1].name.clone()];
        for _ in 0..=random.below(2) {
            let view = random.below(count);
            outputs.push(random.views[view].name.clone());
        }
        outputs.sort();
        outputs.dedup();
        random.outputs = outputs;
        random
    }

    /// A number below `bound` (a linear congruential generator with Knuth's MMIX constants).
    fn below(&mut self, bound: usize) -> usize {
        self.state =
            self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.state >> 33).unwrap_or(0) % bound.max(1)
    }

    /// A relation to read: an earlier view, most often a late one, or a table.
    fn source(&mut self) -> (String, Vec<String>) {
        let views = self.views.len();
        let recent = self.below(3).min(views.saturating_sub(1));
        match self.below(4) {
            0 | 1 if views > 0 => {
                let view = &self.views[views - 1 - recent];
                (view.name.clone(), view.columns.clone())
            }
            2 => ("left_rows".to_owned(), ["k", "a", "b"].map(str::to_owned).to_vec()),
            _ => ("right_rows".to_owned(), ["k", "a", "c"].map(str::to_owned).to_vec()),
        }
    }

    fn pick(&mut self, columns: &[String]) -> String {
        let at = self.below(columns.len());
        columns[at].clone()
    }

    fn predicate(&mut self, columns: &[String]) -> String {
        let column = self.pick(columns);
        let other = self.pick(columns);
        let number = self.below(7);
        match self.below(5) {
            0 => format!("{column} > {number}"),
            1 => format!("{column} <= {number} OR {other} IS NULL"),
            2 => format!("{column} IS NOT NULL AND {other} <> {number}"),
            3 => format!("{column} = {other}"),
            _ => format!("{column} BETWEEN 1 AND {number}"),
        }
    }

    fn view(&mut self, name: String) -> View {
        match self.below(5) {
            0 => self.filter(name),
            1 => self.project(name),
            2 => self.union(name),
            3 => self.relate(name),
            _ => self.aggregate(name),
        }
    }

    fn filter(&mut self, name: String) -> View {
        let (source, columns) = self.source();
        let predicate = self.predicate(&columns);
        let transform = format!("{{kind: Filter, source: {source}, predicate: \"{predicate}\"}}");
        let query = format!("SELECT * FROM {source} WHERE {predicate}");
        View { name, columns, transform, query }
    }

    fn project(&mut self, name: String) -> View {
        let (source, columns) = self.source();
        let (first, second) = (self.pick(&columns), self.pick(&columns));
        let number = self.below(5);
        let computed = match self.below(3) {
            0 => format!("{first} + {number}"),
            1 => format!("coalesce({first}, {second}, 0) * 2"),
            _ => format!("CASE WHEN {first} > {number} THEN {second} ELSE -1 END"),
        };
        let kept = self.pick(&columns);
        let transform = format!(
            "{{kind: Project, source: {source}, columns: [{kept}, {{name: x, expr: \"{computed}\"}}]}}"
        );
        let query = format!("SELECT {kept}, {computed} AS x FROM {source}");
        if kept == "x" {
            return View { name, columns: vec!["x".to_owned()], ..only_computed(&source, &computed) };
        }
        View { name, columns: vec![kept, "x".to_owned()], transform, query }
    }

    fn union(&mut self, name: String) -> View {
        let ((first, first_columns), (second, second_columns)) = (self.source(), self.source());
        if first == second {
            return self.filter(name);
        }
        let mut columns = first_columns.clone();
        columns.extend(second_columns.iter().filter(|column| !first_columns.contains(column)).cloned());
        let distinct = self.below(2) == 0;
        let select = |source: &str, has: &[String]| {
            let list = columns.iter().map(|column| match has.contains(column) {
                true => column.clone(),
                false => format!("CAST(NULL AS BIGINT) AS {column}"),
            });
            format!("SELECT {} FROM {source}", list.collect::<Vec<_>>().join(", "))
        };
        let word = if distinct { "UNION" } else { "UNION ALL" };
        let query = format!("{} {word} {}", select(&first, &first_columns), select(&second, &second_columns));
        let transform = format!("{{kind: Union, sources: [{first}, {second}], distinct: {distinct}}}");
        View { name, columns, transform, query }
    }

    fn relate(&mut self, name: String) -> View {
        let ((left, left_columns), (right, right_columns)) = (self.source(), self.source());
        let (left_key, right_key) = (self.pick(&left_columns), self.pick(&right_columns));
        let (left_value, right_value) = (self.pick(&left_columns), self.pick(&right_columns));
        let kind = ["Inner", "Left", "Right", "Full", "Semi", "Anti"][self.below(6)];
        let on = format!("on: [{{left: {left_key}, right: {right_key}}}]");
        if matches!(kind, "Semi" | "Anti") {
            let transform =
                format!("{{kind: Relate, left: {left}, right: {right}, join_type: {kind}, {on}}}");
            let query = format!(
                "SELECT l.* FROM {left} l LEFT {kind} JOIN {right} r ON l.{left_key} = r.{right_key}"
            );
            return View { name, columns: left_columns, transform, query };
        }
        let select = format!("[left.{left_value} as p, right.{right_value} as q, left.{left_key} as k]");
        let transform = format!(
            "{{kind: Relate, left: {left}, right: {right}, join_type: {kind}, {on}, select: {select}}}"
        );
        let query = format!(
            "SELECT l.{left_value} AS p, r.{right_value} AS q, l.{left_key} AS k FROM {left} l {kind} JOIN {right} r \
             ON l.{left_key} = r.{right_key}"
        );
        View { name, columns: ["p", "q", "k"].map(str::to_owned).to_vec(), transform, query }
    }

    fn aggregate(&mut self, name: String) -> View {
        let (source, columns) = self.source();
        let (key, value) = (self.pick(&columns), self.pick(&columns));
        let filter = self.predicate(&columns);
        let transform = format!(
            "{{kind: Aggregate, source: {source}, group_by: [{{name: g, expr: {key}}}], aggregations: [{{function: count, \
             alias: n}}, {{function: sum, column: {value}, alias: s, filter: \"{filter}\"}}, {{function: count, column: \
             {value}, alias: d, distinct: true}}]}}"
        );
        let query = format!(
            "SELECT {key} AS g, count(*) AS n, sum({value}) FILTER (WHERE {filter}) AS s, count(DISTINCT {value}) AS d \
             FROM {source} GROUP BY {key}"
        );
        View { name, columns: ["g", "n", "s", "d"].map(str::to_owned).to_vec(), transform, query }
    }

    fn yaml(&self) -> String {
        let mut text = "version: 4\ninput_relations:\n".to_owned();
        for table in ["left_rows", "right_rows"] {
            let _ = writeln!(text, "  - {{logical_name: {table}, delta_location: tables/{table}}}");
        }
        text.push_str("view_definitions:\n");
        for view in &self.views {
            let _ = writeln!(text, "  - name: {}\n    transform: {}", view.name, view.transform);
        }
        text.push_str("output_targets:\n");
        for output in &self.outputs {
            let _ = writeln!(text, "  - {{table_name: {output}, source_view: {output}}}");
        }
        text
    }

    /// The rows of a view, as one query with a common table expression per view.
    fn sql(&self, output: &str) -> String {
        let parts: Vec<String> =
            self.views.iter().map(|view| format!("{} AS ({})", view.name, view.query)).collect();
        format!("WITH {} SELECT * FROM {output}", parts.join(", "))
    }
}

/// A view with one computed column `x`.
fn only_computed(source: &str, computed: &str) -> View {
    View {
        name: String::new(),
        columns: Vec::new(),
        transform: format!(
            "{{kind: Project, source: {source}, columns: [{{name: x, expr: \"{computed}\"}}]}}"
        ),
        query: format!("SELECT {computed} AS x FROM {source}"),
    }
}
