//! What compilations keep for the next one.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::program::{driver_in, driver_reading, err, exits, json, listing, out, with_tables};

/// A spec with this many views in a row; the first keeps definitions that start behind `bound`.
fn chain(folder: &Path, views: usize, bound: usize) {
    let mut text = "version: 4\ninput_relations: [{logical_name: v0, delta_location: tables/defs}]\n\
                    view_definitions:\n"
        .to_owned();
    for view in 1..=views {
        let least = if view == 1 { bound } else { view };
        text += &format!(
            "  - {{name: v{view}, transform: {{kind: Sql, query: \"SELECT path, name, bstart FROM v{} WHERE bstart + {view} > {least}\"}}}}\n",
            view - 1
        );
    }
    text += &format!("output_targets: [{{table_name: end, source_view: v{views}}}]\n");
    fs::write(folder.join("chain.yaml"), text).unwrap();
}

fn check(folder: &Path) -> Value {
    let output = driver_in(folder, ["check", "chain.yaml", "--format", "json"]);
    exits(&output, 0);
    json(&output)
}

#[test]
fn only_what_changed_is_typed_again() {
    let folder = with_tables();
    chain(folder.path(), 100, 7);
    let first = check(folder.path());
    assert_eq!(first["reused_views"], Value::Null);
    let second = check(folder.path());
    assert_eq!(second["reused_views"], 100);
    chain(folder.path(), 100, 8);
    let changed = check(folder.path());
    // The columns of the first view are what they were, so its readers are proven.
    assert_eq!(changed["reused_views"], 99);

    let warm = driver_in(folder.path(), ["compile", "chain.yaml", "--after", "all"]);
    fs::remove_dir_all(folder.path().join(".codeanatomy")).unwrap();
    let cold = driver_in(folder.path(), ["compile", "chain.yaml", "--after", "all"]);
    assert_eq!(out(&warm), out(&cold));
}

#[test]
fn damaged_proofs_are_a_warning_and_are_replaced() {
    let folder = with_tables();
    chain(folder.path(), 100, 7);
    check(folder.path());
    let file = folder.path().join(".codeanatomy/compiled/chain.proofs");
    let whole = fs::read(&file).unwrap();
    for damaged in [whole[..whole.len() / 2].to_vec(), b"something else".to_vec(), Vec::new()] {
        fs::write(&file, &damaged).unwrap();
        let found = check(folder.path());
        assert_eq!(
            (&found["ok"], &found["diagnostics"][0]["code"]),
            (&true.into(), &"W0009".into()),
            "{found}"
        );
        assert_eq!(fs::read(&file).unwrap(), whole);
        assert_eq!(check(folder.path())["reused_views"], 100);
    }
}

/// Proofs of another format, and those of another build of the program: what they say is worked out again, and who wants to
/// know is told why.
#[test]
fn proofs_of_another_program_are_replaced_and_seen() {
    let folder = with_tables();
    chain(folder.path(), 100, 7);
    check(folder.path());
    let file = folder.path().join(".codeanatomy/compiled/chain.proofs");
    let whole = fs::read(&file).unwrap();
    let mut former = whole.clone();
    former[8..12].copy_from_slice(&1_u32.to_le_bytes());
    let number = ir::archive::FORMAT_VERSION;
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("pipeline/testdata/proofs");
    let other_build = fs::read(testdata.join(format!("{number}.proofs"))).unwrap();
    for (kept, why) in
        [(former, "a file of proofs of format 1"), (other_build, "another build of the program")]
    {
        fs::write(&file, kept).unwrap();
        let quiet = driver_in(folder.path(), ["compile", "chain.yaml", "--stop-after", "lower"]);
        assert_eq!(err(&quiet), "", "{why}");
        let seen = driver_in(folder.path(), ["check", "chain.yaml", "--verbose"]);
        exits(&seen, 0);
        assert!(err(&seen).contains("reused no views: ") && err(&seen).contains(why), "{}", err(&seen));
        assert!(!err(&seen).contains("W0009"), "{}", err(&seen));
        assert_eq!(fs::read(&file).unwrap(), whole, "{why}");
        assert_eq!(check(folder.path())["reused_views"], 100);
    }
}

#[test]
fn a_small_spec_and_one_without_a_file_leave_nothing() {
    let folder = with_tables();
    let before = listing(folder.path());
    exits(&driver_in(folder.path(), ["check", "spec.yaml"]), 0);
    assert_eq!(listing(folder.path()), before);
    chain(folder.path(), 100, 7);
    let text = fs::read(folder.path().join("chain.yaml")).unwrap();
    fs::remove_file(folder.path().join("chain.yaml")).unwrap();
    exits(&driver_reading(folder.path(), &["check", "-"], &text), 0);
    assert_eq!(listing(folder.path()), before);
}
