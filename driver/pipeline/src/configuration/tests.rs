//! Where values come from, and which goes before which.

use std::ffi::OsString;
use std::fs;

use super::*;

fn environment(variables: &[(&str, &str)]) -> Environment {
    Environment::of(variables.iter().map(|(name, value)| (OsString::from(*name), OsString::from(*value))))
}

fn threads(given: &Given, environment: &Environment) -> Option<(Value, Origin)> {
    let configuration = Configuration::of(given, environment).unwrap();
    configuration.value(Key::Threads).map(|(value, origin)| (value.clone(), origin.clone()))
}

#[test]
fn options_go_before_variables_and_these_before_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("my.toml");
    fs::write(&file, "threads = 1\n").unwrap();
    let nothing = Given::default();
    let named = Given { file: Some(file.clone()), values: Vec::new() };
    let option = Given { values: vec![(Key::Threads, Value::Number(3))], ..named.clone() };
    let variable = environment(&[("CODEANATOMY_THREADS", "2")]);
    let none = Environment::default();
    assert_eq!(threads(&nothing, &none), None);
    assert_eq!(threads(&named, &none), Some((Value::Number(1), Origin::File(file))));
    assert_eq!(
        threads(&named, &variable),
        Some((Value::Number(2), Origin::Environment("CODEANATOMY_THREADS")))
    );
    assert_eq!(threads(&option, &variable), Some((Value::Number(3), Origin::CommandLine("--threads"))));
    // One that is empty says nothing.
    assert_eq!(threads(&nothing, &environment(&[("CODEANATOMY_THREADS", "")])), None);
}

#[test]
fn the_file_is_the_one_that_is_named_or_the_users_own() {
    let folder = tempfile::tempdir().unwrap();
    let at = |path: &str| folder.path().join(path);
    for (file, count) in [
        ("option.toml", 1),
        ("variable.toml", 2),
        ("xdg/codeanatomy/codeanatomy.toml", 3),
        ("home/.config/codeanatomy/codeanatomy.toml", 4),
    ] {
        fs::create_dir_all(at(file).parent().unwrap()).unwrap();
        fs::write(at(file), format!("threads = {count}\n")).unwrap();
    }
    let text = |path: &str| at(path).display().to_string();
    let (variable, xdg, home) = (text("variable.toml"), text("xdg"), text("home"));
    let all = [
        ("CODEANATOMY_CONFIG", variable.as_str()),
        ("XDG_CONFIG_HOME", xdg.as_str()),
        ("HOME", home.as_str()),
    ];
    let of = |given: &Given, from: usize| threads(given, &environment(&all[from..])).map(|(value, _)| value);
    let named = Given { file: Some(at("option.toml")), values: Vec::new() };
    let nothing = Given::default();
    assert_eq!(of(&named, 0), Some(Value::Number(1)));
    assert_eq!(of(&nothing, 0), Some(Value::Number(2)));
    assert_eq!(of(&nothing, 1), Some(Value::Number(3)));
    assert_eq!(of(&nothing, 2), Some(Value::Number(4)));
    assert_eq!(of(&nothing, 3), None);
    // The user's folder is absolute, or it is none.
    assert_eq!(threads(&nothing, &environment(&[("XDG_CONFIG_HOME", "xdg"), ("HOME", "")])), None);
}

#[test]
fn folders_add_up_and_the_lake_is_one_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().canonicalize().unwrap();
    let file = base.join("my.toml");
    fs::write(&file, "lake = \"lake\"\n[roots]\nread = [\"a\", \"b\"]\n").unwrap();
    let given = Given { file: Some(file), values: vec![(Key::Writable, Value::Folder(base.join("c")))] };
    let variable = base.join("d").display().to_string();
    let configuration =
        Configuration::of(&given, &environment(&[("CODEANATOMY_ALLOW_READ", &variable)])).unwrap();
    let roots = configuration.roots().unwrap();
    for (place, access, allowed) in [
        ("a/t", Access::Read, true),
        ("b", Access::Read, true),
        ("d/t", Access::Read, true),
        ("a/t", Access::Write, false),
        ("c/t", Access::Write, true),
        ("lake/t", Access::Write, true),
        ("e", Access::Read, false),
    ] {
        assert_eq!(roots.admit(&base.join(place), access).is_ok(), allowed, "{place} {access}");
    }
    assert_eq!(configuration.folders().len(), 4);
}

#[test]
fn an_environment_holds_no_other_variable() {
    let environment = environment(&[("AWS_SECRET_ACCESS_KEY", "secret"), ("CODEANATOMY_LAKE", "/lake")]);
    assert_eq!(format!("{environment:?}"), r#"{"CODEANATOMY_LAKE"}"#);
    assert_eq!(environment.get("AWS_SECRET_ACCESS_KEY"), None);
}

#[test]
fn a_configuration_elsewhere_is_told_of_unless_it_is_the_one() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = Configuration::default();
    assert!(nothing.not_read(folder.path()).is_none());
    let file = folder.path().join(FILE_NAME);
    fs::write(&file, "not even TOML").unwrap();
    assert_eq!(nothing.not_read(folder.path()).unwrap().0.code.id(), "W0025");
    fs::write(&file, "threads = 1\n").unwrap();
    let given = Given { file: Some(file), values: Vec::new() };
    assert!(Configuration::of(&given, &Environment::default()).unwrap().not_read(folder.path()).is_none());
}
