//! Looking into the compiler.

use std::fs;
use std::path::PathBuf;

use super::program::{SPEC, driver_in, driver_reading, err, exits, json, listing, out, with_tables};

#[test]
fn stages_feed_each_other() {
    let folder = with_tables();
    let typed = driver_in(folder.path(), ["compile", "spec.yaml", "--stop-after", "type"]);
    exits(&typed, 0);
    let mut text = typed.stdout;
    let rest = passes::PIPELINE.iter().skip_while(|pass| pass.name != "validate");
    for pass in rest {
        let output = driver_reading(folder.path(), &["pass", pass.name], &text);
        exits(&output, 0);
        text = output.stdout;
    }
    let compiled = driver_in(folder.path(), ["compile", "spec.yaml"]);
    let without_remarks = |text: &str| -> Vec<String> {
        text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
    };
    assert_eq!(without_remarks(std::str::from_utf8(&text).unwrap()), without_remarks(out(&compiled)));
    exits(&driver_reading(folder.path(), &["verify"], &text), 0);
    let archive = driver_in(folder.path(), ["compile", "spec.yaml", "--emit", "archive"]);
    exits(&driver_reading(folder.path(), &["verify"], &archive.stdout), 0);

    let broken = out(&compiled).replace("predicate=(kind = 'function')", "predicate=(kidn = 'function')");
    let verified = driver_reading(folder.path(), &["verify"], broken.as_bytes());
    exits(&verified, 1);
    let drawn = out(&verified);
    let line = broken.lines().position(|line| line.contains("kidn")).unwrap() + 1;
    assert!(drawn.contains("V06") && drawn.contains(&format!("<stdin>:{line}")), "{drawn}");
}

/// What a pass finds in a graph that is read is what it finds in a compilation, where the spec says it.
#[test]
fn a_pass_alone_finds_what_it_finds_in_a_compilation() {
    let folder = with_tables();
    let unused =
        "  - {name: unused, transform: {kind: Filter, source: functions, predicate: 1 = 1}}\noutput_targets:";
    fs::write(folder.path().join("spec.yaml"), SPEC.replace("output_targets:", unused)).unwrap();
    let typed = driver_in(folder.path(), ["compile", "spec.yaml", "--stop-after", "type"]);
    exits(&typed, 0);
    let whole = driver_in(folder.path(), ["compile", "spec.yaml", "--stop-after", "validate"]);
    let alone = driver_reading(folder.path(), &["pass", "validate", "--spec", "spec.yaml"], &typed.stdout);
    exits(&alone, 0);
    let found = std::str::from_utf8(&whole.stderr).unwrap();
    assert!(found.contains("predicate: 1 = 1") && found.contains("needs the view `unused`"), "{found}");
    assert_eq!(std::str::from_utf8(&alone.stderr).unwrap(), found);
}

#[test]
fn every_form_of_a_compilation_can_be_printed() {
    let folder = with_tables();
    let cases = [
        ("ir", "graph spec phase=scheduled"),
        ("plan", "SharedView"),
        ("optimized", "TableScan"),
        ("physical", "Exec"),
        ("dot", "digraph"),
    ];
    for (form, expected) in cases {
        let output = driver_in(folder.path(), ["compile", "spec.yaml", "--emit", form]);
        exits(&output, 0);
        assert!(out(&output).contains(expected), "{form}:\n{}", out(&output));
    }
    let before = listing(folder.path());
    let graph = json(&driver_in(folder.path(), ["compile", "spec.yaml", "--emit", "json"]));
    assert_eq!(listing(folder.path()), before, "compiling executes nothing");
    assert_eq!(graph["phase"], "scheduled");
    // Beside the graph stands what identifies it, and its schedule in numbers.
    let compilation = &graph["compilation"];
    let checked = json(&driver_in(folder.path(), ["check", "spec.yaml", "--format", "json"]));
    assert_eq!(compilation["spec_hash"], checked["spec_hash"]);
    assert_eq!(compilation["task_schedule"]["critical_path"][0], "names");
    assert_eq!(compilation["critical_path_length"], compilation["bottom_level_costs"]["names"]);
    assert_eq!(compilation["slack_by_task"]["names"], 0);
    assert_eq!(compilation["stats_quality"]["defs"], "exact");
    // What `--emit spec` prints is the same spec.
    let spec = driver_in(folder.path(), ["compile", "spec.yaml", "--emit", "spec"]);
    fs::write(folder.path().join("spec.json"), &spec.stdout).unwrap();
    let hash = |file: &str| {
        json(&driver_in(folder.path(), ["check", file, "--format", "json"]))["spec_hash"].clone()
    };
    assert_eq!(hash("spec.yaml"), hash("spec.json"));
    assert!(hash("spec.yaml").is_string());
    let differences = driver_in(folder.path(), ["compile", "spec.yaml", "--after", "all", "--diff"]);
    exits(&differences, 0);
    assert!(out(&differences).contains("+++ 15-resolve"), "{}", out(&differences));
}

/// A graph whose header says that a former version of the program archived it.
#[test]
fn an_archive_of_another_format_is_refused_by_name() {
    let folder = with_tables();
    let mut bytes = driver_in(folder.path(), ["compile", "spec.yaml", "--emit", "archive"]).stdout;
    bytes[8..12].copy_from_slice(&1_u32.to_le_bytes());
    fs::write(folder.path().join("former.ir"), &bytes).unwrap();
    let given = [
        driver_in(folder.path(), ["verify", "former.ir"]),
        driver_reading(folder.path(), &["verify"], &bytes),
        driver_in(folder.path(), ["pass", "merge", "former.ir"]),
    ];
    for output in given {
        exits(&output, 1);
        assert_eq!(out(&output), "");
        for part in ["an archived graph of format 1", "compile the spec again"] {
            assert!(err(&output).contains(part), "no `{part}` in {}", err(&output));
        }
    }
}

#[test]
fn a_trace_is_written_also_when_compilation_fails() {
    let folder = with_tables();
    exits(&driver_in(folder.path(), ["trace", "spec.yaml", "-o", "trace"]), 0);
    let files = listing(&folder.path().join("trace"));
    for pass in passes::PIPELINE {
        assert!(
            files.contains(&PathBuf::from(format!("{}.ir", pass.stage()))),
            "no {} in {files:?}",
            pass.stage()
        );
    }
    assert!(files.contains(&PathBuf::from("93-physical.txt")), "{files:?}");

    fs::write(folder.path().join("spec.yaml"), SPEC.replace("source: functions,", "source: functoins,"))
        .unwrap();
    exits(&driver_in(folder.path(), ["trace", "spec.yaml", "-o", "trace"]), 1);
    let files = listing(&folder.path().join("trace"));
    assert!(
        files.contains(&PathBuf::from("10-lower.ir")) && files.contains(&PathBuf::from("diagnostics.txt"))
    );
    assert!(
        !files.contains(&PathBuf::from("93-physical.txt")),
        "left over from the earlier trace: {files:?}"
    );

    fs::create_dir(folder.path().join("mine")).unwrap();
    fs::write(folder.path().join("mine/10-lower.ir"), "mine").unwrap();
    exits(&driver_in(folder.path(), ["trace", "spec.yaml", "-o", "mine"]), 1);
    assert_eq!(fs::read_to_string(folder.path().join("mine/10-lower.ir")).unwrap(), "mine");
}

#[test]
fn every_stage_has_an_identity() {
    let folder = with_tables();
    for pass in passes::PIPELINE {
        let arguments = ["compile", "spec.yaml", "--stop-after", pass.name, "--emit", "identity"];
        let output = driver_in(folder.path(), arguments);
        exits(&output, 0);
        let identity = json(&output);
        let is_typed = pass.ensures >= ir::phase::Phase::Typed;
        assert_eq!(identity["nodes"].as_object().unwrap().is_empty(), !is_typed, "{}", pass.name);
        assert_eq!(identity["spec_hash"].as_str().map(str::len), Some(64));
    }
}
