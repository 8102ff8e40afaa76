//! Watching a spec while it is written.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use crate::program::{SPEC, command, driver_in, exits, with_tables};

/// A program that watches, and its lines as they come.
struct Watching {
    child: Child,
    lines: Receiver<String>,
}

impl Watching {
    fn start(folder: &Path, arguments: &[&str]) -> Self {
        // One pipe for both streams keeps the order of their lines.
        let (reader, writer) = std::io::pipe().unwrap();
        let child = command(folder, ["watch", "spec.yaml"].iter().chain(arguments))
            .stdout(writer.try_clone().unwrap())
            .stderr(writer)
            .spawn()
            .unwrap();
        let (send, lines) = channel();
        thread::spawn(move || {
            BufReader::new(reader).lines().map_while(Result::ok).for_each(|line| drop(send.send(line)));
        });
        Self { child, lines }
    }

    /// Everything until a line that contains this.
    #[track_caller]
    fn until(&self, wanted: &str) -> String {
        let mut all = String::new();
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(60));
            let line = line.unwrap_or_else(|_| panic!("no line with `{wanted}` came after:\n{all}"));
            all.push_str(&line);
            all.push('\n');
            if line.contains(wanted) {
                return all;
            }
        }
    }

    /// Ends it as Ctrl-C does, and gives its exit code.
    fn interrupt(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        // A test that fails leaves no program behind.
        let _ended = self.child.kill();
    }
}

const WAITS: &str = "watching spec.yaml";

#[test]
fn a_spec_is_checked_again_however_it_is_saved() {
    let folder = with_tables();
    let spec = folder.path().join("spec.yaml");
    let watching = Watching::start(folder.path(), &[]);
    let first = watching.until(WAITS);
    assert!(first.contains("ok: 1 input, 3 views, 2 outputs"), "{first}");
    assert!(!first.contains('\u{1b}'), "a pipe is no screen");
    // Written into; with a mistake, which is no end.
    fs::write(&spec, SPEC.replace("group_by: [path]", "group_by: [pth]")).unwrap();
    let found = watching.until(WAITS);
    assert!(found.contains("E0201") && found.contains("`pth`"), "{found}");
    // Another file in its place, and no document.
    fs::write(folder.path().join("new"), "version: [").unwrap();
    fs::rename(folder.path().join("new"), &spec).unwrap();
    let found = watching.until(WAITS);
    assert!(found.contains("E01") || found.contains("E00"), "{found}");
    // Gone for a while.
    fs::remove_file(&spec).unwrap();
    watching.until("spec.yaml is not there; waiting for it");
    fs::write(&spec, SPEC).unwrap();
    let sound = watching.until(WAITS);
    assert!(sound.contains("ok: 1 input"), "{sound}");
    // Emptied first, as editors and shells do.
    fs::write(&spec, "").unwrap();
    thread::sleep(Duration::from_millis(80));
    fs::write(&spec, SPEC.replace("columns: [path, name]", "columns: [name, path]")).unwrap();
    let sound = watching.until(WAITS);
    assert!(sound.contains("ok: 1 input") && !sound.contains("error"), "{sound}");
    // Other files are of no concern: what comes next comes of the next change.
    fs::write(folder.path().join("notes.txt"), "x").unwrap();
    fs::write(&spec, SPEC.replace("columns: [path, name]", "columns: [path, name, kind]")).unwrap();
    let sound = watching.until(WAITS);
    assert_eq!(sound.matches("ok: ").count(), 1, "{sound}");
    assert_eq!(watching.interrupt(), Some(130));
}

#[test]
fn rows_are_shown_again_when_a_table_has_another_version() {
    let folder = with_tables();
    let watching = Watching::start(folder.path(), &["--preview", "defs", "--limit", "3"]);
    watching.until("opened 1 of 1 inputs");
    watching.until(WAITS);
    let other = "\
version: 4
input_relations: []
view_definitions:
  - {name: other, transform: {kind: Sql, query: SELECT 4711 AS x}}
output_targets:
  - {table_name: defs, delta_location: tables/defs, source_view: other, schema_mode: replace}
";
    fs::write(folder.path().join("other.yaml"), other).unwrap();
    exits(&driver_in(folder.path(), ["run", "other.yaml", "-q"]), 0);
    let shown = watching.until(WAITS);
    assert!(shown.contains("4711"), "{shown}");
    assert_eq!(watching.interrupt(), Some(130));
}

/// Reads a file, and those that a pattern finds.
const FILES: &str = "\
version: 4
input_relations:
  - {logical_name: one, location: one.csv, format: csv}
  - {logical_name: many, location: 'many/**/*.csv', format: csv}
view_definitions:
  - {name: all, transform: {kind: Sql, query: 'SELECT x FROM one UNION ALL SELECT x FROM many UNION ALL SELECT $1'}}
output_targets:
  - {table_name: out, source_view: all}
typed_parameters:
  - {label: last, target: {kind: PlaceholderPos, position: 1}, value: {type: Int64, value: 0}}
";

#[test]
fn rows_are_shown_again_when_a_file_that_is_read_has_changed() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    fs::create_dir_all(folder.path().join("many/deep")).unwrap();
    write("spec.yaml", FILES);
    write("one.csv", "x\n1001\n");
    write("many/a.csv", "x\n2001\n");
    write("values.yaml", "last: 3001\n");
    let watching =
        Watching::start(folder.path(), &["--preview", "all", "--limit", "9", "--params", "values.yaml"]);
    let shows = |numbers: &[&str], others: &[&str]| {
        let shown = watching.until(WAITS);
        assert!(numbers.iter().all(|number| shown.contains(number)), "{numbers:?} in {shown}");
        assert!(!others.iter().any(|number| shown.contains(number)), "{others:?} in {shown}");
        assert_eq!(shown.matches("opened 2 of 2 inputs").count(), 1, "{shown}");
    };
    shows(&["1001", "2001", "3001"], &[]);
    write("one.csv", "x\n1002\n");
    shows(&["1002", "2001", "3001"], &["1001"]);
    write("many/deep/b.csv", "x\n2002\n");
    shows(&["1002", "2001", "2002", "3001"], &[]);
    // What the pattern does not find is of no concern: what comes next comes of the next change.
    write("many/notes.txt", "x");
    write("many/_unfinished.csv", "x");
    fs::remove_file(folder.path().join("many/deep/b.csv")).unwrap();
    shows(&["1002", "2001", "3001"], &["2002"]);
    write("values.yaml", "last: 3002\n");
    shows(&["1002", "2001", "3002"], &["3001"]);
    // A folder that comes with its files in it.
    fs::create_dir_all(folder.path().join("elsewhere/deep")).unwrap();
    write("elsewhere/deep/c.csv", "x\n2003\n");
    fs::rename(folder.path().join("elsewhere"), folder.path().join("many/moved")).unwrap();
    shows(&["1002", "2001", "2003", "3002"], &[]);
    // Another folder in the place of one, and then a file in it.
    fs::create_dir(folder.path().join("other")).unwrap();
    write("other/d.csv", "x\n2004\n");
    fs::rename(folder.path().join("many"), folder.path().join("before")).unwrap();
    fs::rename(folder.path().join("other"), folder.path().join("many")).unwrap();
    shows(&["1002", "2004", "3002"], &["2001"]);
    write("many/d.csv", "x\n2005\n");
    shows(&["1002", "2005", "3002"], &["2004"]);
    assert_eq!(watching.interrupt(), Some(130));
}

#[test]
fn a_link_that_leads_elsewhere_is_a_change() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    let link = folder.path().join("current");
    for (version, number) in [("v1", 1001), ("v2", 1002)] {
        fs::create_dir(folder.path().join(version)).unwrap();
        write(&format!("{version}/one.csv"), &format!("x\n{number}\n"));
    }
    fs::create_dir(folder.path().join("many")).unwrap();
    write("many/a.csv", "x\n2001\n");
    write("spec.yaml", &FILES.replace("location: one.csv", "location: current/one.csv"));
    std::os::unix::fs::symlink("v1", &link).unwrap();
    let watching = Watching::start(folder.path(), &["--preview", "all"]);
    assert!(watching.until(WAITS).contains("1001"));
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink("v2", &link).unwrap();
    let shown = watching.until(WAITS);
    assert!(shown.contains("1002") || watching.until(WAITS).contains("1002"), "{shown}");
    write("v2/one.csv", "x\n1003\n");
    assert!(watching.until(WAITS).contains("1003"));
    assert_eq!(watching.interrupt(), Some(130));
}

#[test]
fn a_spec_runs_again_and_does_not_see_its_own_outputs() {
    let folder = with_tables();
    let watching = Watching::start(folder.path(), &["--run", "--select", "names", "-q"]);
    let log = folder.path().join("names/_delta_log");
    let version = |number: u64| log.join(format!("{number:020}.json"));
    let wait_for = |path: &Path| {
        for _ in 0..600 {
            if path.exists() {
                return;
            }
            thread::sleep(Duration::from_millis(100));
        }
        panic!("{} did not come", path.display());
    };
    wait_for(&version(0));
    // Its own commit is no change of what it reads.
    thread::sleep(Duration::from_secs(2));
    assert!(!version(1).exists());
    fs::write(folder.path().join("spec.yaml"), SPEC.replace("'function'", "'class'")).unwrap();
    wait_for(&version(1));
    assert!(!folder.path().join("per_file").exists());
    assert_eq!(watching.interrupt(), Some(130));
}

#[test]
fn what_never_changes_is_not_watched() {
    let folder = with_tables();
    let refused = driver_in(folder.path(), ["watch", "-"]);
    exits(&refused, 2);
    let mut child =
        command(folder.path(), ["watch", "no/such/folder/spec.yaml"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut text = String::new();
    child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1), "{text}");
    assert!(text.contains("cannot watch"), "{text}");
}

#[test]
fn of_a_large_spec_what_has_changed_is_checked_first() {
    let folder = with_tables();
    let spec = |column: &str| {
        let (inputs, _) = SPEC.split_once("view_definitions:").unwrap();
        let mut text = format!("{inputs}view_definitions:\n");
        for chain in 0..50 {
            let mut read = "defs".to_owned();
            for step in 0..5 {
                let query = format!("SELECT path, {} AS n FROM {read}", if step == 0 { column } else { "n" });
                let query =
                    if chain == 7 || step > 0 { query } else { format!("SELECT path, 1 AS n FROM {read}") };
                text +=
                    &format!("  - {{name: c{chain}_{step}, transform: {{kind: Sql, query: \"{query}\"}}}}\n");
                read = format!("c{chain}_{step}");
            }
        }
        text + "output_targets:\n  - {table_name: o, source_view: c7_4}\n"
    };
    let place = folder.path().join("spec.yaml");
    fs::write(&place, spec("1")).unwrap();
    let watching = Watching::start(folder.path(), &[]);
    let first = watching.until(WAITS);
    assert!(first.contains("250 views") && !first.contains("changed:"), "{first}");
    fs::write(&place, spec("2")).unwrap();
    let changed = watching.until(WAITS);
    let (part, whole) = changed.split_once("and the whole spec:").expect(&changed);
    assert!(part.contains("changed: c7_0+") && part.contains(", 5 views, 1 output"), "{changed}");
    assert!(whole.contains("250 views"), "{changed}");
    fs::write(&place, spec("nothing")).unwrap();
    let wrong = watching.until(WAITS);
    let (part, whole) = wrong.split_once("and the whole spec:").expect(&wrong);
    assert!(part.contains("E0201") && whole.contains("E0201"), "{wrong}");
    assert_eq!(watching.interrupt(), Some(130));
}

#[test]
fn a_wrong_selector_is_told_each_time() {
    let folder = with_tables();
    let watching = Watching::start(folder.path(), &["--select", "a+b"]);
    for _ in 0..2 {
        let told = watching.until(WAITS);
        assert!(told.contains("a+b"), "{told}");
        fs::write(folder.path().join("spec.yaml"), SPEC).unwrap();
    }
    watching.until(WAITS);
    assert_eq!(watching.interrupt(), Some(130));
}
