//! Specs, graphs and repositories that lead out of what they may use.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::Value;

use super::world::{CANARY, World, copying, spec};
use crate::program::{err, exits, json, listing, write_repository};

/// A location of an input, and the code of its refusal.
const INPUTS: [(&str, &str); 33] = [
    ("../secret/t", "E0610"),
    ("./tables/../../secret/t", "E0610"),
    ("missing/../../secret/t", "E0610"),
    ("SECRET/t", "E0610"),
    ("//SECRET//t", "E0610"),
    ("file://SECRET/t", "E0610"),
    ("file:SECRET/t", "E0610"),
    ("FILE://localhostSECRET/t", "E0610"),
    ("file://HERE/%2e%2e/secret/t", "E0610"),
    ("file://HERE/link/t", "E0610"),
    ("link/t", "E0610"),
    ("table", "E0610"),
    ("twice/t", "E0610"),
    ("deep/../t", "E0610"),
    ("tables/up/secret/t", "E0610"),
    ("absolute/t", "E0610"),
    ("dangling", "E0610"),
    ("../secret/nothing_here", "E0610"),
    ("../secret/*", "E0610"),
    ("../secre?/t", "E0610"),
    ("/proc/self/environ", "E0610"),
    ("round/t", "E0115"),
    ("%2e%2e/secret/t", "E0115"),
    ("env:SECRET_DIR", "E0115"),
    ("$SECRET_DIR/t", "E0115"),
    ("~/secret/t", "E0115"),
    ("file://SECRET/t?CANARY", "E0115"),
    ("file://user:CANARY@localhostSECRET/t", "E0115"),
    ("s3://key:CANARY@bucket/t", "E0115"),
    ("http://169.254.169.254/latest/meta-data", "E0115"),
    ("memory:///t", "E0115"),
    ("s3:t", "E0115"),
    ("log_link", "E0115"),
];

/// A location of an output, and the code of its refusal.
const OUTPUTS: [(&str, &str); 12] = [
    ("../victim/t", "E0610"),
    ("VICTIM/t", "E0610"),
    ("file://VICTIM/t", "E0610"),
    ("out_link", "E0610"),
    ("out_link/t", "E0610"),
    ("out_dangling", "E0610"),
    ("tables/up/victim/t", "E0610"),
    ("..", "E0505"),
    ("env:SECRET_DIR", "E0507"),
    ("s3://key:CANARY@bucket/t", "E0507"),
    ("..;/victim/t", "E0507"),
    ("memory:t", "E0507"),
];

#[test]
fn places_outside_are_refused_and_not_opened() {
    let world = World::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let events = elsewhere.path().join("events");
    let inputs = INPUTS.map(|(place, code)| (copying(place, "out"), place, code));
    let outputs = OUTPUTS.map(|(place, code)| (copying("tables/defs", place), place, code));
    for (text, place, code) in inputs.into_iter().chain(outputs) {
        fs::write(world.at("spec/spec.yaml"), world.told(&text)).unwrap();
        for command in ["check", "run"] {
            let output = world.driver(&[command, "spec.yaml", "--events", events.to_str().unwrap()], &[]);
            world.refused(&output, code, &format!("{command} {place}"));
            let told = fs::read_to_string(&events).unwrap();
            assert!(told.contains("run_finished") && !told.contains(CANARY), "{told}");
            fs::remove_file(&events).unwrap();
        }
        assert!(!world.at("spec/out").exists(), "{place}");
    }
}

#[test]
fn every_command_that_opens_what_a_spec_names_refuses() {
    let world = World::new();
    fs::write(world.at("spec/spec.yaml"), copying("../secret/t", "out")).unwrap();
    let commands: [&[&str]; 5] = [
        &["compile", "spec.yaml"],
        &["compile", "spec.yaml", "--emit", "physical"],
        &["compile", "spec.yaml", "--emit", "identity"],
        &["trace", "spec.yaml", "-o", "trace"],
        &["run", "spec.yaml", "--format", "json", "--color", "never"],
    ];
    for command in commands {
        let output = world.driver(command, &[]);
        if command.contains(&"json") {
            // One object a line, and not a text.
            let first: Value = serde_json::from_str(err(&output).lines().next().unwrap()).unwrap();
            assert_eq!(first["code"], "E0610");
            assert!(!err(&output).contains(CANARY));
            continue;
        }
        world.refused(&output, "E0610", command[0]);
    }
    // A graph is as little trusted as a spec.
    let lowered = world.driver(&["compile", "spec.yaml", "--stop-after", "lower", "-o", "graph.ir"], &[]);
    exits(&lowered, 0);
    world.refused(&world.driver(&["pass", "resolve", "graph.ir"], &[]), "E0610", "pass");
}

#[test]
fn other_ways_to_say_a_place_are_refused() {
    let world = World::new();
    let table = "{logical_name: defs, delta_location: tables/defs}";
    let secret = "{logical_name: defs, delta_location: ../secret/t}";
    let names = "{kind: Project, source: defs, columns: [name]}";
    let output = "{table_name: out, source_view: names}";
    let sql = |query: &str| spec(table, &format!("{{kind: Sql, query: \"{query}\"}}"), output);
    let setting =
        |setting: &str| format!("{}session: {{config: {{{setting}}}}}\n", spec(table, names, output));
    let cases = [
        (sql("SELECT * FROM 'SECRET/t'"), "E0215"),
        (sql("SELECT * FROM \\\"SECRET/t\\\""), "E0215"),
        (sql("SELECT * FROM \\\"file://SECRET/t\\\""), "E0215"),
        (sql("SELECT * FROM read_parquet('SECRET/t/x.parquet')"), "E0219"),
        (sql("COPY (SELECT * FROM defs) TO 'VICTIM/x.csv'"), "E0217"),
        (sql("CREATE EXTERNAL TABLE x STORED AS PARQUET LOCATION 'SECRET/t'"), "E0217"),
        (sql("SELECT name FROM defs; SELECT 1"), "E0217"),
        (setting("datafusion.catalog.location: 'SECRET'"), "E0604"),
        (setting("datafusion.catalog.format: parquet"), "E0604"),
        (setting("datafusion.runtime.temp_directory: 'VICTIM'"), "E0604"),
        (setting("datafusion.execution.store: 'env:HOME'"), "E0604"),
        (setting("aws.secret_access_key: CANARY"), "E0604"),
        (
            spec(
                "{logical_name: defs, location: a.csv, format: csv, options: {aws_session_token: CANARY}}",
                names,
                output,
            ),
            "E0119",
        ),
        (spec(secret, "{kind: Metadata, source: defs}", output), "E0610"),
        (spec(secret, "{kind: FileManifest, source: defs}", output), "E0610"),
        (spec(secret, "{kind: IncrementalCdf, source: defs, starting_version: 0}", output), "E0610"),
        (spec(secret, names, "{table_name: ../victim/t, source_view: names}"), "E0015"),
    ];
    for (text, code) in cases {
        let text = world.told(&text);
        fs::write(world.at("spec/spec.yaml"), &text).unwrap();
        world.refused(&world.driver(&["run", "spec.yaml"], &[]), code, &text);
    }
}

#[test]
fn what_a_table_refers_to_is_in_its_folder() {
    let world = World::new();
    let file = fs::read_dir(world.at("secret/t")).unwrap().map(|entry| entry.unwrap().file_name());
    let file = file.map(|name| name.into_string().unwrap()).find(|name| name.ends_with(".parquet")).unwrap();
    fs::write(world.at("spec/spec.yaml"), copying("file_link", "out")).unwrap();
    world.forget();
    world.refused(&world.driver(&["run", "spec.yaml"], &[]), "E0701", "a data file that is a link");
    let log = world.at("spec/tables/defs/_delta_log/00000000000000000000.json");
    let commit = fs::read_to_string(&log).unwrap();
    fs::write(world.at("spec/spec.yaml"), copying("tables/defs", "out")).unwrap();
    let outside = [
        format!("../../../secret/t/{file}"),
        format!("SECRET/t/{file}"),
        format!("file://SECRET/t/{file}"),
        format!("%2E%2E/%2E%2E/%2E%2E/secret/t/{file}"),
        format!("s3://bucket/{file}"),
    ];
    for path in outside {
        let actions = commit.lines().map(|line| {
            let mut action: Value = serde_json::from_str(line).unwrap();
            if let Some(add) = action.get_mut("add") {
                add["path"] = world.told(&path).into();
            }
            format!("{action}\n")
        });
        fs::write(&log, actions.collect::<String>()).unwrap();
        world.refused(&world.driver(&["run", "spec.yaml"], &[]), "E0115", &path);
    }
}

#[test]
fn nothing_is_written_through_a_link_in_a_table() {
    let world = World::new();
    let output = "{table_name: out, source_view: names, partition_by: [kind]}";
    let text = spec(
        "{logical_name: defs, delta_location: tables/defs}",
        "{kind: Project, source: defs, columns: [name, kind]}",
        output,
    );
    fs::write(world.at("spec/spec.yaml"), text).unwrap();
    exits(&world.driver(&["run", "spec.yaml"], &[]), 0);
    let partitions = listing(&world.at("spec/out")).into_iter();
    let partitions: Vec<_> = partitions.filter(|path| path.to_string_lossy().starts_with("kind=")).collect();
    for partition in partitions.iter().filter(|path| path.components().count() == 1) {
        fs::remove_dir_all(world.at("spec/out").join(partition)).unwrap();
        symlink(world.at("victim"), world.at("spec/out").join(partition)).unwrap();
    }
    world.refused(&world.driver(&["run", "spec.yaml"], &[]), "E0702", "a partition that is a link");
}

#[test]
fn a_configuration_that_lies_there_is_not_read() {
    let world = World::new();
    let all = world.told("lake = \"VICTIM\"\nroots = {read = [\"/\"], write = [\"/\"]}\n");
    fs::write(world.at("spec/codeanatomy.toml"), &all).unwrap();
    fs::write(world.at("spec/spec.yaml"), copying("../secret/t", "out")).unwrap();
    let refused = world.driver(&["run", "spec.yaml"], &[]);
    world.refused(&refused, "E0610", "a configuration beside the spec");
    assert!(err(&refused).contains("warning[W0025]"), "{}", err(&refused));
    fs::create_dir_all(world.at("spec/.codeanatomy")).unwrap();
    fs::rename(world.at("spec/codeanatomy.toml"), world.at("spec/.codeanatomy/codeanatomy.toml")).unwrap();
    world.refused(&world.driver(&["run", "spec.yaml"], &[]), "E0610", "one in the program's own folder");
    // A repository does not choose where its graph goes.
    write_repository(&world.at("repo"));
    fs::write(world.at("repo/codeanatomy.toml"), &all).unwrap();
    let built = world.driver(&["build", "../repo", "--format", "json"], &[]);
    exits(&built, 0);
    assert_eq!(json(&built)["lake"], world.at("spec/../repo/.codeanatomy/lake").display().to_string());
    assert!(err(&built).contains("W0025"), "{}", err(&built));
    assert_eq!(listing(&world.at("victim")).len(), 0);
}

#[test]
fn a_run_is_replayed_within_the_same_bounds() {
    let world = World::new();
    fs::write(world.at("spec/spec.yaml"), copying("../secret/t", "out")).unwrap();
    let ran = world.driver(&["run", "spec.yaml", "--allow-read", "../secret", "--format", "json"], &[]);
    exits(&ran, 0);
    let id = json(&ran)["run_id"].as_str().unwrap().to_owned();
    exits(&world.driver(&["replay", &id, "--execute", "--allow-read", "../secret"], &[]), 0);
    world.forget();
    let refused = world.driver(&["replay", &id, "--execute"], &[]);
    world.refused(&refused, "E0610", "replay");
}
