//! Configurations that cannot be trusted, or say what they must not.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;

use super::world::{CANARY, World, copying};
use crate::program::{err, exits};

/// The text of a configuration, and the code of its refusal.
const TEXTS: [(&str, &str); 36] = [
    ("password = CANARY\n", "E0902"),
    ("lake = \"CANARY\n", "E0902"),
    ("lake = \"a\"\nlake = \"CANARY\"\n", "E0902"),
    ("[stores.\"s3://CANARY@bucket\"\n", "E0902"),
    ("password = \"CANARY\"\n", "E0903"),
    ("memory-limit = \"CANARY\"\n", "E0903"),
    ("roots = {allow = [\"CANARY\"]}\n", "E0903"),
    ("[profile]\nname = \"CANARY\"\n", "E0904"),
    ("profile = \"CANARY\"\n", "E0904"),
    ("profile = 1\n", "E0904"),
    ("threads = \"CANARY\"\n", "E0904"),
    ("threads = 0\n", "E0904"),
    ("threads = -1\n", "E0904"),
    ("threads = 99999999999999999999\n", "E0904"),
    ("memory_limit = \"CANARY\"\n", "E0904"),
    ("memory_limit = \"2 CANARY\"\n", "E0904"),
    ("memory_limit = 5\n", "E0904"),
    ("lake = [\"CANARY\"]\n", "E0904"),
    ("lake = \"env:CANARY_VARIABLE\"\n", "E0904"),
    ("lake = \"$CANARY_VARIABLE\"\n", "E0904"),
    ("lake = \"s3://key:CANARY@bucket/lake\"\n", "E0904"),
    ("spill_dir = \"file://user:CANARY@host/tmp\"\n", "E0904"),
    ("roots = \"CANARY\"\n", "E0904"),
    ("roots = {read = \"CANARY\"}\n", "E0904"),
    ("roots = {read = [[\"CANARY\"]]}\n", "E0904"),
    ("roots = {read = [\"env:CANARY_VARIABLE\"]}\n", "E0904"),
    ("roots = {write = [\"/data/*\"]}\n", "E0904"),
    ("roots = {write = [\"~/CANARY\"]}\n", "E0904"),
    ("stores = \"CANARY\"\n", "E0904"),
    ("[stores.\"s3://key:CANARY@bucket\"]\n", "E0904"),
    ("[stores.\"file:///CANARY\"]\n", "E0904"),
    ("[stores.\"s3://bucket\"]\naccess_key_id = 5\n", "E0904"),
    ("[stores.\"s3://bucket\"]\naccess_key_id = \"env:CANARY-VARIABLE\"\n", "E0904"),
    ("[stores.\"s3://bucket\"]\nsecret_access_key = \"CANARY\"\n", "E0905"),
    ("[stores.\"s3://bucket\".nested]\nsecret_access_key = \"CANARY\"\n", "E0904"),
    ("[stores.\"s3://bucket/prefix\"]\naccess_key_id = \"env:CANARY_VARIABLE\"\n", "E0607"),
];

/// A variable of the environment with a value that it cannot have.
const VARIABLES: [(&str, &str, &str); 7] = [
    ("CODEANATOMY_THREADS", "CANARY", "E0904"),
    ("CODEANATOMY_PROFILE", "CANARY", "E0904"),
    ("CODEANATOMY_MEMORY_LIMIT", "CANARY", "E0904"),
    ("CODEANATOMY_LAKE", "s3://key:CANARY@bucket", "E0904"),
    ("CODEANATOMY_ALLOW", "/data:~/CANARY", "E0904"),
    ("CODEANATOMY_ALLOW_READ", "SECRET/*", "E0904"),
    ("CODEANATOMY_CONFIG", "nothing_here.toml", "E0901"),
];

fn world() -> World {
    let world = World::new();
    fs::write(world.at("spec/spec.yaml"), copying("tables/defs", "out")).unwrap();
    world
}

#[test]
fn what_a_configuration_must_not_say_is_refused() {
    let world = world();
    for (text, code) in TEXTS {
        fs::write(world.at("my.toml"), world.told(text)).unwrap();
        for command in ["run", "check"] {
            let refused = world.driver(&[command, "spec.yaml", "--config", "../my.toml"], &[]);
            world.refused(&refused, code, text);
            // With its place, but for what is no TOML, of which the text has it.
            assert!(err(&refused).contains("my.toml"), "{text}: {}", err(&refused));
        }
        let refused = world.driver(&["config"], &[("CODEANATOMY_CONFIG", "../my.toml")]);
        world.refused(&refused, code, text);
        assert!(!world.at("spec/out").exists(), "{text}");
    }
}

#[test]
fn everything_wrong_is_said_at_once_at_its_place() {
    let world = world();
    let text = "threads = 0\nlake = \"CANARY\"\nprofil = \"small\"\n\n[stores.\"s3://b\"]\nsecret_access_key = \"CANARY\"\n";
    fs::write(world.at("my.toml"), world.told(text)).unwrap();
    let refused = world.driver(&["config", "--config", "../my.toml"], &[]);
    world.refused(&refused, "E0905", text);
    for expected in
        ["my.toml:1:11", "my.toml:3:1", "did you mean `profile`", "my.toml:6:21", "secret_access_key = \"***"]
    {
        assert!(err(&refused).contains(expected), "{expected}: {}", err(&refused));
    }
    // What is right is not complained of.
    assert!(!err(&refused).contains("my.toml:2"), "{}", err(&refused));
}

#[test]
fn variables_with_values_they_cannot_have_are_refused() {
    let world = world();
    for (variable, value, code) in VARIABLES {
        let refused = world.driver(&["run", "spec.yaml"], &[(variable, value)]);
        world.refused(&refused, code, &format!("{variable}={value}"));
    }
}

#[test]
fn a_configuration_is_a_file_that_not_everybody_may_write() {
    let world = world();
    fs::write(world.at("large.toml"), format!("# {CANARY}\n").repeat(10_000)).unwrap();
    fs::write(world.at("latin.toml"), b"# \xe9\n").unwrap();
    fs::write(world.at("open.toml"), "threads = 1\n").unwrap();
    fs::set_permissions(world.at("open.toml"), fs::Permissions::from_mode(0o666)).unwrap();
    fs::write(world.at("nested.toml"), format!("lake = {}{}\n", "[".repeat(5000), "]".repeat(5000))).unwrap();
    fs::create_dir(world.at("folder.toml")).unwrap();
    symlink("round.toml", world.at("round.toml")).unwrap();
    assert!(Command::new("mkfifo").arg(world.at("pipe.toml")).status().unwrap().success());
    for (file, code) in [
        ("../missing.toml", "E0901"),
        ("../folder.toml", "E0901"),
        ("../pipe.toml", "E0901"),
        ("../large.toml", "E0901"),
        ("../latin.toml", "E0901"),
        ("../round.toml", "E0901"),
        ("/dev/zero", "E0901"),
        ("../open.toml", "E0906"),
        ("../nested.toml", "E0902"),
    ] {
        world.refused(&world.driver(&["run", "spec.yaml", "--config", file], &[]), code, file);
    }
    // The user's own file need not be there; one that is there is read.
    let home = [("XDG_CONFIG_HOME", "HERE/../home")];
    exits(&world.driver(&["config"], &home), 0);
    fs::create_dir_all(world.at("home/codeanatomy/codeanatomy.toml")).unwrap();
    world.refused(&world.driver(&["config"], &home), "E0901", "a folder in the place of the user's file");
}
