//! What a spec may use, as it lists it.

use std::collections::BTreeSet;

use engine::PlanningSurfaceSpec;
use ir::diag::{Diagnostic, RenderOptions, Severity, render};
use ir::spec::{AllowedExtensions, ExtensionGovernanceMode};
use pipeline::Compilation;

use super::{compiled, functions, home, spec, workers};

/// Settings that allow all that ships, by kind, and these functions.
fn strict(functions: &str) -> String {
    settings("strict_allowlist", functions)
}

fn settings(mode: &str, functions: &str) -> String {
    format!(
        "runtime: {{extension_governance_mode: {mode}}}\nsession:\n  allowed_extensions:\n    functions: [{functions}]\n    \
         expr_planners: [codeanatomy]\n    relation_planners: [codeanatomy]\n    type_planners: [codeanatomy]\n    \
         query_planners: [codeanatomy]\n    analyzer_rules: [codeanatomy]\n    optimizer_rules: [codeanatomy]\n    \
         physical_optimizer_rules: [codeanatomy]\n"
    )
}

/// The messages with one of these codes.
fn messages(compilation: &Compilation, codes: &[&str]) -> Vec<String> {
    let found = compilation.diagnostics.iter().filter(|found| codes.contains(&found.code.id()));
    found.map(|found| found.message.clone()).collect()
}

/// The functions that a spec with this view is told of under `strict_allowlist`, when it lists these.
fn refused(transform: &str, listed: &str) -> BTreeSet<String> {
    let home = home();
    let text = spec(&strict(listed), transform);
    let compilation = compiled(&text, home.path(), &workers(functions("1")));
    let other: Vec<&Diagnostic> =
        compilation.diagnostics.iter().filter(|it| it.is_error() && it.code.id() != "E0605").collect();
    assert_eq!(other, Vec::<&Diagnostic>::new(), "{transform}");
    let names = messages(&compilation, &["E0605"]).into_iter().map(|message| {
        let name = message.split('`').nth(3).expect("a message names the view and the function");
        name.to_owned()
    });
    names.collect()
}

pub(super) fn strict_refuses_before_tables_are_opened() {
    let home = tempfile::tempdir().expect("a folder is made");
    let text = spec(&strict(""), "{kind: Filter, source: nodes, predicate: acme_double(end_byte) > 5}");
    let compilation = compiled(&text, home.path(), &workers(functions("1")));
    let codes: Vec<&str> = compilation.diagnostics.iter().map(|found| found.code.id()).collect();
    assert_eq!(codes, ["E0605"], "the table that is not there was looked for");
    assert!(compilation.must_be_sound().is_err());
    let shown = render(&compilation.diagnostics, &compilation.source.map, RenderOptions { color: false });
    for part in [
        "view `v` calls the function `acme_double`, which `session.allowed_extensions.functions` does not list",
        "^^^^^^^^^^^",
        "list `acme_double` there",
    ] {
        assert!(shown.contains(part), "no `{part}` in\n{shown}");
    }
    // Without the rule the same spec is asked about its table.
    let text = text.replace("strict_allowlist", "permissive");
    let compilation = compiled(&text, home.path(), &workers(functions("1")));
    assert!(messages(&compilation, &["E0605", "W0020"]).is_empty());
    assert!(compilation.has_errors(), "the table is not there");
}

pub(super) fn functions_count_where_they_are_called() {
    let all = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let project =
        |expr: &str| format!("{{kind: Project, source: nodes, columns: [{{name: x, expr: \"{expr}\"}}]}}");
    let sql = |query: &str| format!("{{kind: Sql, query: \"{query}\"}}");
    for (transform, found) in [
        // DataFusion's own, and operators.
        (project("upper(name) || '!'"), all(&[])),
        (project("trim(name)"), all(&[])),
        // Nested, by another name, in other letters.
        (project("abs(acme_double(end_byte + 1))"), all(&["acme_double"])),
        (project("CASE WHEN Acme_Twice(end_byte) > 5 THEN 1 ELSE 0 END"), all(&["acme_double"])),
        // A name in quotes is another name, and a text and a column are none.
        (project("'acme_double(1)'"), all(&[])),
        // Of this program; an operator that calls one.
        (project("stable_hash64(name)"), all(&["stable_hash64"])),
        (project("TIMESTAMP '2020-01-01T00:00:00' AT TIME ZONE 'Europe/Berlin'"), all(&["at_time_zone"])),
        // Aggregates and windows, in every clause of a query.
        (sql("SELECT acme_mean(end_byte) AS m FROM nodes"), all(&["avg"])),
        (sql("SELECT avg(end_byte) AS m FROM nodes"), all(&["avg"])),
        (sql("SELECT sum(end_byte) AS m FROM nodes"), all(&["sum"])),
        (sql("SELECT max(end_byte) OVER () AS m FROM nodes"), all(&["max"])),
        (sql("SELECT acme_part() OVER (ORDER BY end_byte) AS m FROM nodes"), all(&["cume_dist"])),
        (sql("SELECT count(*) AS n FROM nodes"), all(&[])),
        (sql("SELECT kind FROM nodes GROUP BY kind HAVING acme_mean(end_byte) > 1"), all(&["avg"])),
        (sql("SELECT kind FROM nodes ORDER BY acme_double(end_byte)"), all(&["acme_double"])),
        (
            sql("WITH s AS (SELECT acme_double(end_byte) AS e FROM nodes) SELECT e FROM s WHERE e IN (SELECT stable_hash64(name) FROM nodes)"),
            all(&["acme_double", "stable_hash64"]),
        ),
        (
            "{kind: Aggregate, source: nodes, group_by: [kind], aggregations: [{function: acme_mean, column: end_byte, alias: m}]}"
                .to_owned(),
            all(&["avg"]),
        ),
    ] {
        assert_eq!(refused(&transform, ""), found, "{transform}");
    }
    let twice = project("acme_twice(end_byte) + acme_double(end_byte)");
    for listed in ["acme_double", "acme_twice"] {
        assert_eq!(refused(&twice, listed), all(&[]), "{listed}");
    }
    assert_eq!(refused(&twice, "codeanatomy"), all(&["acme_double"]), "it does not ship with the program");
    assert_eq!(refused(&project("stable_hash64(name)"), "codeanatomy"), all(&[]));
    // A list of another kind does not count.
    let text = spec(&strict("").replace("[codeanatomy]", "[codeanatomy, acme_double]"), &twice);
    let compilation = compiled(&text, home().path(), &workers(functions("1")));
    assert_eq!(messages(&compilation, &["E0605"]).len(), 1);
}

pub(super) fn parts_count_where_they_are_registered() {
    let home = home();
    let view = "{kind: Project, source: nodes, columns: [node_id]}";
    let none = "runtime: {extension_governance_mode: strict_allowlist}\n";
    let added = || PlanningSurfaceSpec::builder().expr_planner("acme_sums", "1", super::additions::sums());
    let bare = compiled(&spec(none, view), home.path(), &workers(added()));
    let found: BTreeSet<String> = messages(&bare, &["E0605"]).into_iter().collect();
    let extensions = bare.session.extensions();
    let wanted = extensions.iter().filter(|it| it.function.is_none()).count();
    assert_eq!(found.len(), wanted, "one for each part: {found:#?}");
    for part in [
        "the expression planner `acme_sums`",
        "the optimizer rule `push_down_filter`",
        "the query planner `engine`",
    ] {
        assert!(found.iter().any(|message| message.contains(part)), "{part}: {found:#?}");
    }
    assert!(!found.iter().any(|message| message.contains("simplify_expressions")), "a rule of DataFusion");
    let places = bare.diagnostics.iter().filter_map(|it| it.location.as_ref()).map(ToString::to_string);
    assert_eq!(
        places.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>(),
        ["runtime.extension_governance_mode"]
    );
    let listed = compiled(&spec(&strict(""), view), home.path(), &workers(added()));
    assert_eq!(messages(&listed, &["E0605"]).len(), 1, "the planner that was added");
    let text = spec(&strict(""), view)
        .replace("expr_planners: [codeanatomy]", "expr_planners: [codeanatomy, acme_sums]");
    compiled(&text, home.path(), &workers(added())).must_be_sound().expect("all is listed");
    // Warned of, and compiled all the same.
    let warned = compiled(&spec(&settings("warn_on_unregistered", ""), view), home.path(), &workers(added()));
    assert_eq!(messages(&warned, &["W0020"]), messages(&listed, &["E0605"]), "the texts are the same");
    warned.must_be_sound().expect("warnings refuse nothing");
    assert!(warned.graph.schedule.is_some());
}

pub(super) fn names_of_nothing_are_told() {
    let view = "{kind: Project, source: nodes, columns: [node_id]}";
    for (mode, code, severity) in [
        ("strict_allowlist", "E0606", Severity::Error),
        ("warn_on_unregistered", "W0021", Severity::Warning),
        ("permissive", "W0021", Severity::Warning),
    ] {
        let text = spec(&settings(mode, "acme_doubel, upper, codeanatomy"), view);
        let compilation = compiled(&text, home().path(), &workers(functions("1")));
        let [found] = compilation.diagnostics.as_slice() else {
            panic!("{mode}: {:#?}", compilation.diagnostics)
        };
        assert_eq!((found.code.id(), found.severity), (code, severity), "{mode}");
        assert_eq!(found.help.as_deref(), Some("did you mean `acme_double`?"));
        let place = found.location.as_ref().map(ToString::to_string);
        assert_eq!(place.as_deref(), Some("session.allowed_extensions.functions[0]"));
    }
}

pub(super) fn all_that_ships_has_one_name() {
    let session = workers(PlanningSurfaceSpec::builder()).session().expect("a session is built");
    let named = |name: &str| {
        let list = vec![name.to_owned()];
        AllowedExtensions {
            functions: list.clone(),
            expr_planners: list.clone(),
            relation_planners: list.clone(),
            type_planners: list.clone(),
            query_planners: list.clone(),
            function_rewrites: list.clone(),
            table_factories: list.clone(),
            file_formats: list.clone(),
            analyzer_rules: list.clone(),
            optimizer_rules: list.clone(),
            physical_optimizer_rules: list,
        }
    };
    let extensions = session.extensions();
    assert!(extensions.len() > 30, "{}", extensions.len());
    assert!(extensions.iter().all(|it| it.is_allowed(&named("codeanatomy"))));
    assert!(!extensions.iter().any(|it| it.is_allowed(&named("datafusion"))));
}

pub(super) fn the_manifest_has_names() {
    let manifest = |added, allowed: &AllowedExtensions| {
        let session = workers(added).session().expect("a session is built");
        session.manifest(ExtensionGovernanceMode::StrictAllowlist, allowed).expect("a manifest is hashed")
    };
    let none = AllowedExtensions::default();
    let plain = manifest(PlanningSurfaceSpec::builder(), &none);
    assert_eq!(plain.query_planner_names, ["engine"]);
    assert_eq!(plain.type_planner_names, ["delta_types"]);
    assert_eq!(plain.relation_planner_names, ["merged_keys", "unknown_rows"]);
    assert_eq!(plain.file_format_names, ["arrow", "csv", "json", "parquet"]);
    let sums = || PlanningSurfaceSpec::builder().expr_planner("acme_sums", "1", super::additions::sums());
    let more = manifest(sums(), &none);
    assert_eq!(more.expr_planner_names[..3], ["number_literals", "acme_sums", "core_functions"]);
    assert_ne!(more.typed_policy_hash, plain.typed_policy_hash);
    assert_eq!(more.function_registry_identity, plain.function_registry_identity);
    assert_ne!(
        manifest(functions("1"), &none).function_registry_identity,
        manifest(functions("2"), &none).function_registry_identity
    );
    let delimited = PlanningSurfaceSpec::builder()
        .format_policy(engine::FormatPolicy { csv_delimiter: Some(b';'), ..Default::default() });
    assert_ne!(manifest(delimited, &none).table_options_digest, plain.table_options_digest);
    let listed = AllowedExtensions { table_factories: vec!["acme".to_owned()], ..none };
    let listed = manifest(PlanningSurfaceSpec::builder(), &listed);
    assert_eq!(listed.typed_policy.table_factory_allowlist, ["acme"]);
    assert_ne!(listed.typed_policy_hash, plain.typed_policy_hash);
}
