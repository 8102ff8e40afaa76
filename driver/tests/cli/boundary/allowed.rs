//! What a user allows works, and is shown with who says so.

use std::fs;

use serde_json::Value;

use super::world::{World, copying};
use crate::program::{err, exits, json, out};

fn config(world: &World, arguments: &[&str], variables: &[(&str, &str)]) -> Value {
    let shown = world.driver(&[&["config", "--format", "json"], arguments].concat(), variables);
    exits(&shown, 0);
    json(&shown)
}

fn setting<'a>(config: &'a Value, key: &str) -> &'a Value {
    config["settings"].as_array().unwrap().iter().find(|setting| setting["key"] == key).unwrap()
}

/// Options and variables.
type Way<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)]);

#[test]
fn folders_are_allowed_by_option_variable_and_file() {
    let world = World::new();
    fs::write(world.at("my.toml"), "roots = {read = [\"secret\"], write = [\"victim\"]}\n").unwrap();
    let own = "HERE/../home";
    fs::create_dir_all(world.at("home/codeanatomy")).unwrap();
    fs::write(world.at("home/codeanatomy/codeanatomy.toml"), "roots = {write = [\"../..\"]}\n").unwrap();
    let ways: [Way<'_>; 6] = [
        (&["--allow-read", "../secret", "--allow", "../victim"], &[]),
        (&["--allow", "../secret", "--allow", "VICTIM"], &[]),
        (&[], &[("CODEANATOMY_ALLOW_READ", "../secret:/nowhere"), ("CODEANATOMY_ALLOW", "VICTIM")]),
        (&["--config", "../my.toml"], &[]),
        (&["--allow", "../victim"], &[("CODEANATOMY_CONFIG", "../my.toml")]),
        (&[], &[("XDG_CONFIG_HOME", own)]),
    ];
    for (arguments, variables) in ways {
        for input in ["../secret/t", "link/t", "file://SECRET/deep/t"] {
            fs::write(world.at("spec/spec.yaml"), world.told(&copying(input, "out_link/t"))).unwrap();
            let ran = world.driver(&[&["run", "spec.yaml"], arguments].concat(), variables);
            exits(&ran, 0);
            assert!(world.at("victim/t/_delta_log").is_dir(), "{arguments:?} {variables:?}");
            fs::remove_dir_all(world.at("victim/t")).unwrap();
        }
    }
}

#[test]
fn what_may_be_read_may_not_be_written() {
    let world = World::new();
    fs::write(world.at("spec/spec.yaml"), copying("tables/defs", "../victim/t")).unwrap();
    let refused = world.driver(&["run", "spec.yaml", "--allow-read", "../victim"], &[]);
    world.refused(&refused, "E0610", "a folder that may be read");
    assert!(
        err(&refused).contains("may write") && err(&refused).contains("--allow DIR"),
        "{}",
        err(&refused)
    );
}

#[test]
fn the_lake_may_be_used_and_is_where_build_and_sql_look() {
    let world = World::new();
    fs::write(world.at("my.toml"), "lake = \"victim\"\n").unwrap();
    fs::write(world.at("spec/spec.yaml"), copying("tables/defs", "../victim/names")).unwrap();
    exits(&world.driver(&["run", "spec.yaml", "--config", "../my.toml"], &[]), 0);
    let query = "SELECT count(*) AS n FROM names";
    let rows = world.driver(&["sql", query, "--config", "../my.toml", "--format", "json"], &[]);
    exits(&rows, 0);
    assert_eq!(json(&rows)[0]["n"], 1);
    // A lake that the command line names goes before it.
    let none = world.driver(&["sql", query, "--config", "../my.toml", "--lake", "tables"], &[]);
    exits(&none, 1);
}

#[test]
fn a_spec_on_stdin_has_the_current_folder() {
    let world = World::new();
    let run = |input: &str, arguments: &[&str]| {
        let all = [&["run", "-"], arguments].concat();
        crate::program::driver_reading(&world.at("spec"), &all, copying(input, "out").as_bytes())
    };
    world.refused(&run("../secret/t", &[]), "E0610", "stdin");
    exits(&run("tables/defs", &[]), 0);
    exits(&run("../secret/t", &["--allow", "../secret"]), 0);
}

#[test]
fn option_goes_before_variable_before_file_and_each_is_shown() {
    let world = World::new();
    fs::write(
        world.at("my.toml"),
        "threads = 1\nmemory_limit = \"1GiB\"\nprofile = \"small\"\nlake = \"lake\"\n",
    )
    .unwrap();
    let variables = [
        ("CODEANATOMY_CONFIG", "../my.toml"),
        ("CODEANATOMY_THREADS", "2"),
        ("CODEANATOMY_PROFILE", "medium"),
    ];
    let shown = config(&world, &["--threads", "3", "--allow", "x"], &variables);
    let file = world.at("my.toml").display().to_string();
    assert_eq!(shown["file"], world.at("spec/../my.toml").display().to_string());
    assert_eq!(setting(&shown, "threads")["value"], 3);
    assert_eq!(setting(&shown, "threads")["from"], "--threads");
    assert_eq!(setting(&shown, "profile")["value"], "medium");
    assert_eq!(setting(&shown, "profile")["from"], "CODEANATOMY_PROFILE");
    assert_eq!(setting(&shown, "memory_limit")["value"], 1 << 30);
    assert!(setting(&shown, "memory_limit")["from"].as_str().unwrap().ends_with("my.toml"));
    // Relative folders of a file count from its folder.
    assert_eq!(setting(&shown, "lake")["value"], world.at("lake").display().to_string());
    assert_eq!(setting(&shown, "spill_dir")["value"], Value::Null);
    let writable = &setting(&shown, "roots.write")["folders"];
    assert_eq!(writable[0]["folder"], world.at("spec/x").display().to_string());
    assert_eq!(writable[0]["from"], "--allow");
    // As text, too.
    let text = world.driver(&["config", "--threads", "3"], &variables);
    exits(&text, 0);
    for expected in
        ["3", "--threads", "medium", "CODEANATOMY_PROFILE", "1073741824", file.rsplit('/').next().unwrap()]
    {
        assert!(out(&text).contains(expected), "{expected}: {}", out(&text));
    }
}

#[test]
fn a_session_follows_the_configuration_as_far_as_the_spec_says_nothing() {
    let world = World::new();
    fs::write(world.at("my.toml"), "threads = 3\nprofile = \"small\"\n").unwrap();
    fs::write(world.at("spec/spec.yaml"), copying("tables/defs", "out")).unwrap();
    let large = format!("{}runtime_profile: {{profile_name: large}}\n", copying("tables/defs", "out"));
    fs::write(world.at("spec/large.yaml"), large).unwrap();
    let session = |spec: &str, arguments: &[&str], variables: &[(&str, &str)]| {
        let all = [&["session", spec, "--format", "json"], arguments].concat();
        let shown = world.driver(&all, variables);
        exits(&shown, 0);
        let shown = json(&shown);
        let settings = shown["settings"].as_array().unwrap().clone();
        let threads = settings.into_iter().find(|it| it["key"] == "target_partitions").unwrap();
        (shown["profile"].as_str().unwrap().to_owned(), threads["value"].clone(), threads["origin"].clone())
    };
    let (profile, threads, origin) = session("spec.yaml", &["--config", "../my.toml"], &[]);
    assert_eq!((profile.as_str(), threads.as_str()), ("small", Some("3")));
    assert!(origin["configuration"].as_str().unwrap().ends_with("my.toml"), "{origin}");
    let (profile, threads, _) = session("large.yaml", &["--config", "../my.toml"], &[]);
    assert_eq!((profile.as_str(), threads.as_str()), ("large", Some("16")));
    let variables = [("CODEANATOMY_THREADS", "5"), ("CODEANATOMY_PROFILE", "medium")];
    let (profile, threads, origin) = session("large.yaml", &["--config", "../my.toml"], &variables);
    assert_eq!((profile.as_str(), threads.as_str()), ("medium", Some("5")));
    assert_eq!(origin["environment"], "CODEANATOMY_THREADS");
    let (_, threads, origin) = session("large.yaml", &["--threads", "7"], &variables);
    assert_eq!((threads.as_str(), origin.as_str()), (Some("7"), Some("command_line")));
}

#[test]
fn where_tables_may_lie_is_in_no_hash() {
    let world = World::new();
    fs::write(world.at("spec/spec.yaml"), copying("tables/defs", "out")).unwrap();
    let identity = |arguments: &[&str]| {
        let all = [&["compile", "spec.yaml", "--emit", "identity"], arguments].concat();
        let shown = world.driver(&all, &[]);
        exits(&shown, 0);
        json(&shown)
    };
    let mine = identity(&["--allow", "/"]);
    assert_eq!(identity(&[]), mine);
}
