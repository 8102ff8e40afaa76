//! Arguments, streams, colours and exit codes.

use std::fs;
use std::io::Write;
use std::process::{Output, Stdio};

use pipeline::configuration::Environment;

use super::program::{SPEC, command, driver_in, err, exits, json, out, with_tables};

#[test]
fn colours_are_for_terminals_unless_asked_for() {
    let folder = with_tables();
    fs::write(folder.path().join("bad.yaml"), SPEC.replace("source: names", "source: nmaes")).unwrap();
    let colored = |output: &Output| err(output).contains('\u{1b}');
    assert!(!colored(&driver_in(folder.path(), ["check", "bad.yaml"])));
    assert!(colored(&driver_in(folder.path(), ["check", "bad.yaml", "--color", "always"])));
    assert!(!colored(&driver_in(folder.path(), ["check", "bad.yaml", "--color", "never"])));
    let no_color = command(folder.path(), ["check", "bad.yaml"]).env("NO_COLOR", "1").output().unwrap();
    assert!(!colored(&no_color));
    assert!(err(&driver_in(folder.path(), ["--color", "always", "bulid"])).contains('\u{1b}'));
}

#[test]
fn a_wrong_command_line_exits_with_2_and_says_what_is_right() {
    let folder = with_tables();
    let cases: [(&[&str], &str); 10] = [
        (&["bulid", "."], "build"),
        (&[], "Usage"),
        (&["run"], "SPEC"),
        (&["compile", "spec.yaml", "--after", "prunne"], "did you mean `prune`?"),
        (
            &["compile", "spec.yaml", "--stop-after", "nonsense"],
            "lower, resolve, type, validate, bind, desugar",
        ),
        (&["compile", "spec.yaml", "--emit", "plan", "--stop-after", "type"], "--stop-after"),
        (&["pass", "nonsense"], "lower, resolve"),
        (&["pass", "type", "--spec", "-"], "name a file for one of them"),
        (&["explain", "E0170"], "did you mean `E0107`?"),
        (&["passes", "--format", "csv"], "sql"),
    ];
    for (arguments, expected) in cases {
        let output = driver_in(folder.path(), arguments);
        exits(&output, 2);
        assert_eq!(out(&output), "", "{arguments:?}");
        assert!(err(&output).contains(expected), "{arguments:?}: no `{expected}` in:\n{}", err(&output));
    }
    let help = driver_in(folder.path(), ["--help"]);
    exits(&help, 0);
    assert!(out(&help).contains("Exit codes"));
    assert_eq!(err(&help), "");
}

#[test]
fn what_does_not_exist_is_named() {
    let folder = with_tables();
    let cases: [(&[&str], &str); 6] = [
        (&["run", "nowhere.yaml"], "nowhere.yaml"),
        (&["build", "nowhere"], "nowhere"),
        (&["extract", "nowhere", "-o", "out"], "nowhere"),
        (&["sql", "SELECT 1", "--lake", "nowhere"], "driver build"),
        (&["sql", "SELECT * FROM dfs", "--lake", "tables"], "did you mean `defs`?"),
        (&["sql", "DROP TABLE defs", "--lake", "tables"], "SELECT"),
    ];
    for (arguments, expected) in cases {
        let output = driver_in(folder.path(), arguments);
        exits(&output, 1);
        assert_eq!(out(&output), "", "{arguments:?}");
        assert!(err(&output).contains(expected), "{arguments:?}: no `{expected}` in:\n{}", err(&output));
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = with_tables();
    let mut child = command(folder.path(), ["schema"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    exits(&output, 0);
    assert_eq!(err(&output), "");
}

/// A stream that breaks in a way no stream should.
struct Panicking;

impl Write for Panicking {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        panic!("this stream panics")
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_panic_exits_with_70_and_says_what_to_report() {
    let mut errors = Vec::new();
    let mut streams = driver::Streams {
        stdin: &mut std::io::empty(),
        stdout: &mut Panicking,
        stderr: &mut errors,
        stdin_is_terminal: false,
        stdout_is_terminal: false,
        stderr_is_terminal: false,
        log_is_shown: false,
        no_color: true,
        environment: Environment::default(),
    };
    assert_eq!(driver::main_with(vec!["driver".into(), "passes".into()], &mut streams), 70);
    let text = String::from_utf8(errors).unwrap();
    assert!(text.contains("Please report it") && text.contains(env!("CARGO_PKG_VERSION")), "{text}");
}

#[test]
fn reference_texts_are_printed() {
    let folder = with_tables();
    let schema = json(&driver_in(folder.path(), ["schema"]));
    assert_eq!(schema["properties"]["version"]["const"], 4);
    let explained = driver_in(folder.path(), ["explain", "unknown-source"]);
    assert!(out(&explained).starts_with("E0107"), "{}", out(&explained));
    let explained = driver_in(folder.path(), ["explain", "v06"]);
    assert!(out(&explained).starts_with("V06: expressions, keys"), "{}", out(&explained));
    let listed = driver_in(folder.path(), ["passes"]);
    assert!(passes::PIPELINE.iter().all(|pass| out(&listed).contains(&pass.stage())));
    let script = driver_in(folder.path(), ["completions", "bash"]);
    assert!(out(&script).contains("driver"));
}
