//! A spec's folder, what lies beside it that it may not use, and links from the one to the other.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::OnceLock;

use super::watch::Watch;
use crate::program::{command, copy, driver_in, err, exits, listing, out};

/// Stands in every secret: a row, a variable of the environment, a password in a URL, a value of a configuration.
pub(super) const CANARY: &str = "canary_3f9a";

/// ```text
/// spec/     the spec's folder: tables/defs, links to what is outside
/// secret/   t, a table with the canary in it
/// victim/   empty
/// ```
pub(super) struct World {
    folder: tempfile::TempDir,
    watch: Watch,
    before: [Vec<PathBuf>; 2],
}

/// A table whose rows have the canary.
fn canaries() -> &'static Path {
    static TABLES: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = TABLES.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("repo")).unwrap();
        fs::write(folder.path().join("repo/a.py"), format!("def {CANARY}():\n    return 1\n")).unwrap();
        exits(&driver_in(folder.path(), ["extract", "repo", "-o", "tables"]), 0);
        folder
    });
    folder.path()
}

impl World {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().canonicalize().unwrap().join(path);
        for table in ["spec/tables/defs", "secret/t", "secret/deep/t"] {
            copy(&canaries().join("tables/defs"), &at(table));
        }
        fs::create_dir(at("victim")).unwrap();
        for (link, target) in [
            ("link", "../secret"),
            ("table", "../secret/t"),
            ("deep", "../secret/deep"),
            ("twice", "link"),
            ("tables/up", "../.."),
            ("dangling", "../secret/missing"),
            ("round", "round"),
            ("out_link", "../victim"),
            ("out_dangling", "../victim/new"),
        ] {
            symlink(target, at("spec").join(link)).unwrap();
        }
        symlink(at("secret"), at("spec/absolute")).unwrap();
        // Tables of which a part is elsewhere.
        copy(&at("secret/t"), &at("spec/log_link"));
        fs::remove_dir_all(at("spec/log_link/_delta_log")).unwrap();
        symlink(at("secret/t/_delta_log"), at("spec/log_link/_delta_log")).unwrap();
        copy(&at("secret/t"), &at("spec/file_link"));
        for entry in fs::read_dir(at("spec/file_link")).unwrap() {
            let file = entry.unwrap().path();
            if file.extension().is_some_and(|extension| extension == "parquet") {
                fs::remove_file(&file).unwrap();
                symlink(at("secret/t").join(file.file_name().unwrap()), &file).unwrap();
            }
        }
        let watch = Watch::over([at("secret").as_path(), at("victim").as_path()]);
        let before = [listing(&at("secret")), listing(&at("victim"))];
        let world = Self { folder, watch, before };
        world.watch.seen();
        world
    }

    /// Forgets what was opened until now.
    pub(super) fn forget(&self) {
        self.watch.seen();
    }

    /// The place of something in it.
    pub(super) fn at(&self, path: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(path)
    }

    /// `text` with the places of secrets and victims in it.
    pub(super) fn told(&self, text: &str) -> String {
        text.replace("SECRET", &self.at("secret").display().to_string())
            .replace("VICTIM", &self.at("victim").display().to_string())
            .replace("HERE", &self.at("spec").display().to_string())
            .replace("CANARY", CANARY)
    }

    /// Runs the program in the spec's folder, with the canary in its environment.
    pub(super) fn driver(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
        let arguments: Vec<String> = arguments.iter().map(|argument| self.told(argument)).collect();
        let mut command = command(&self.at("spec"), arguments);
        command.env("CANARY_VARIABLE", CANARY).env("SECRET_DIR", self.at("secret"));
        for (name, value) in variables {
            command.env(name, self.told(value));
        }
        command.output().unwrap()
    }

    /// The run ended with an error of this code; nothing outside was opened or made, and no secret is in what it said.
    #[track_caller]
    pub(super) fn refused(&self, output: &Output, code: &str, case: &str) {
        let said = format!("{case}\n{}{}", out(output), err(output));
        let seen = self.watch.seen();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(err(output).contains(&format!("error[{code}]")), "no {code}: {said}");
        assert!(
            !out(output).contains(CANARY) && !err(output).contains(CANARY),
            "a secret is printed: {said}"
        );
        assert_eq!(seen, Vec::<PathBuf>::new(), "opened: {said}");
        assert_eq!([listing(&self.at("secret")), listing(&self.at("victim"))], self.before, "{said}");
        self.watch.seen();
    }
}

/// A spec that copies one column of a table to another table.
pub(super) fn copying(input: &str, output: &str) -> String {
    spec(
        &format!("{{logical_name: defs, delta_location: '{input}'}}"),
        "{kind: Project, source: defs, columns: [name, kind]}",
        &format!("{{table_name: names, source_view: names, delta_location: '{output}'}}"),
    )
}

/// A spec of one input, one view and one output.
pub(super) fn spec(input: &str, view: &str, output: &str) -> String {
    format!(
        "version: 4\ninput_relations:\n  - {input}\nview_definitions:\n  - name: names\n    transform: {view}\n\
         output_targets:\n  - {output}\n"
    )
}
