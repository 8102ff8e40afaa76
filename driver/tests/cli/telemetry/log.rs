//! The log on stderr.

use std::fs;
use std::path::Path;
use std::process::Output;

use super::super::program::{SPEC, command, driver_in, err, exits, with_tables};

fn logged(folder: &Path, directives: &str, arguments: &[&str]) -> Output {
    command(folder, arguments).env("RUST_LOG", directives).output().unwrap()
}

#[test]
fn a_log_is_shown_where_it_is_asked_for_and_has_no_rows_and_no_messages() {
    let folder = with_tables();
    let folder = folder.path();
    let silent = driver_in(folder, ["run", "spec.yaml"]);
    exits(&silent, 0);
    assert_eq!(err(&silent), "");
    for directives in ["off", "hyper=trace", "codeanatomy=off"] {
        assert_eq!(err(&logged(folder, directives, &["check", "spec.yaml"])), "", "{directives}");
    }
    let output = logged(folder, "trace", &["run", "spec.yaml", "--events", "events.ndjson"]);
    exits(&output, 0);
    for part in [
        " INFO compile{spec=spec}:stage{stage=resolve}: stage finished seconds=",
        " DEBUG compile{spec=spec}:pass{pass=type}: pass finished nodes=",
        ":stage{stage=execute}:segment{segment=\"output names\"}: segment finished rows=",
        "output published table=names version=1 rows=",
        " run finished status=published outputs=2 seconds=",
    ] {
        assert!(err(&output).contains(part), "no `{part}` in\n{}", err(&output));
    }
    let run_id = " INFO run{spec=spec run_id=";
    assert!(err(&output).contains(run_id), "{}", err(&output));
    // A path that stands in rows of the table, and nowhere else.
    let events = fs::read_to_string(folder.join("events.ndjson")).unwrap();
    assert!(!err(&output).contains("shapes.py") && !events.contains("shapes.py"));

    fs::write(folder.join("bad.yaml"), SPEC.replace("columns: [path, name]", "columns: [path, nam]"))
        .unwrap();
    let output = logged(folder, "error", &["check", "bad.yaml", "--quiet", "--format", "json"]);
    exits(&output, 1);
    assert!(err(&output).contains(" ERROR found code=E0"), "{}", err(&output));
    assert!(!err(&output).contains("nam`"), "{}", err(&output));
}

#[test]
fn a_line_of_the_log_is_one_line_whatever_names_it_shows() {
    let folder = with_tables();
    let name = "a\n2026-01-01T00:00:00.000000Z INFO forged \u{1b}[31m{b}.yaml";
    fs::copy(folder.path().join("spec.yaml"), folder.path().join(name)).unwrap();
    let output = logged(folder.path(), "info", &["check", name]);
    exits(&output, 0);
    assert!(
        err(&output).lines().all(|line| line.contains("Z INFO compile{spec=\"a\\n2026-01-01")),
        "{}",
        err(&output)
    );
    assert!(!err(&output).contains('\u{1b}'));
}

#[test]
fn a_log_that_is_not_understood_is_said_and_stops_nothing() {
    let folder = with_tables();
    let output = logged(folder.path(), "codeanatomy=loud", &["check", "spec.yaml"]);
    exits(&output, 0);
    assert!(
        err(&output).starts_with("no log: RUST_LOG `codeanatomy=loud` is not understood"),
        "{}",
        err(&output)
    );
}
