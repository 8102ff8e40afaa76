//! An editor that speaks the protocol over pipes.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::program::{SPEC, command, with_tables};

/// An editor with the server that it has started.
struct Editor {
    child: Child,
    to: Option<ChildStdin>,
    from: Receiver<Value>,
    uri: String,
    requests: u64,
}

impl Editor {
    fn start(folder: &Path) -> Self {
        let mut child =
            command(folder, ["lsp"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let (send, from) = channel();
        thread::spawn(move || {
            loop {
                let mut length = 0;
                let mut line = String::new();
                while out.read_line(&mut line).is_ok_and(|read| read > 0) && !line.trim().is_empty() {
                    if let Some(number) = line.strip_prefix("Content-Length: ") {
                        length = number.trim().parse().unwrap();
                    }
                    line.clear();
                }
                let mut body = vec![0; length];
                if length == 0 || out.read_exact(&mut body).is_err() {
                    return;
                }
                if send.send(serde_json::from_slice(&body).unwrap()).is_err() {
                    return;
                }
            }
        });
        let uri = format!("file://{}", folder.canonicalize().unwrap().join("spec.yaml").display());
        let to = child.stdin.take();
        let mut editor = Self { child, to, from, uri, requests: 0 };
        let answer =
            editor.request("initialize", json!({"processId": null, "rootUri": null, "capabilities": {}}));
        assert_eq!(answer["capabilities"]["hoverProvider"], true, "{answer}");
        editor.notify("initialized", json!({}));
        editor
    }

    fn send(&mut self, message: &Value) {
        let text = message.to_string();
        let to = self.to.as_mut().unwrap();
        write!(to, "Content-Length: {}\r\n\r\n{text}", text.len()).unwrap();
        to.flush().unwrap();
    }

    fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    fn next(&self) -> Value {
        self.from.recv_timeout(Duration::from_secs(60)).expect("the server answers")
    }

    #[track_caller]
    fn request(&mut self, method: &str, params: Value) -> Value {
        self.requests += 1;
        let id = self.requests;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        loop {
            let message = self.next();
            if message["id"] == id {
                return if message["error"].is_null() {
                    message["result"].clone()
                } else {
                    message["error"].clone()
                };
            }
        }
    }

    fn open(&mut self, text: &str) {
        let document = json!({"uri": self.uri, "languageId": "yaml", "version": 1, "text": text});
        self.notify("textDocument/didOpen", json!({"textDocument": document}));
    }

    fn change(&mut self, version: i32, text: &str) {
        let params = json!({
            "textDocument": {"uri": self.uri, "version": version}, "contentChanges": [{"text": text}],
        });
        self.notify("textDocument/didChange", params);
    }

    /// The findings of this version of the document.
    fn diagnostics(&self, version: i32) -> Vec<Value> {
        loop {
            let message = self.next();
            if message["method"] != "textDocument/publishDiagnostics" {
                continue;
            }
            let found = message["params"]["version"].as_i64().unwrap();
            assert!(found <= i64::from(version), "{message}");
            if found == i64::from(version) {
                return message["params"]["diagnostics"].as_array().unwrap().clone();
            }
        }
    }

    /// Asks about a place: the first of `§` in a text, which is taken out.
    #[track_caller]
    fn ask(&mut self, method: &str, marked: &str) -> Value {
        let before = marked.split('§').next().unwrap();
        let line = before.matches('\n').count();
        let character = before.rsplit('\n').next().unwrap().encode_utf16().count();
        let params =
            json!({"textDocument": {"uri": self.uri}, "position": {"line": line, "character": character}});
        self.request(&format!("textDocument/{method}"), params)
    }

    /// The labels of the completions where `§` is in a text, which the document gets.
    #[track_caller]
    fn completions(&mut self, version: i32, marked: &str) -> Vec<String> {
        self.change(version, &marked.replace('§', ""));
        let found = self.ask("completion", marked);
        found.as_array().unwrap().iter().map(|item| item["label"].as_str().unwrap().to_owned()).collect()
    }

    fn end(mut self) -> Option<i32> {
        assert!(self.request("shutdown", Value::Null).is_null());
        self.notify("exit", Value::Null);
        self.to = None;
        self.child.wait().unwrap().code()
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        let _ended = self.child.kill();
    }
}

#[test]
fn findings_come_with_positions_of_utf_16_and_old_ones_never() {
    let folder = with_tables();
    let mut editor = Editor::start(folder.path());
    editor.open(SPEC);
    assert_eq!(editor.diagnostics(1), Vec::<Value>::new());
    // Before the mistake stand letters of two and four bytes, of one unit and of two.
    let wrong = SPEC.replace("\"kind = 'function'\"", "\"kind = 'é😀' AND knd = 'x'\"");
    for version in 2..20 {
        editor.change(version, &SPEC.replace("'function'", &format!("'{version}'")));
    }
    editor.change(20, &wrong);
    let found = editor.diagnostics(20);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((&found[0]["code"], &found[0]["severity"]), (&json!("E0201"), &json!(1)));
    let line = wrong.lines().position(|line| line.contains("knd")).unwrap();
    let text = wrong.lines().nth(line).unwrap();
    let start = text[..text.find("knd").unwrap()].encode_utf16().count();
    let range = json!({
        "start": {"line": line, "character": start}, "end": {"line": line, "character": start + 3},
    });
    assert_eq!(found[0]["range"], range);
    assert!(found[0]["message"].as_str().unwrap().contains("did you mean `kind`?"), "{found:?}");
    // A change of a part of the text, by positions.
    let params = json!({
        "textDocument": {"uri": editor.uri, "version": 21},
        "contentChanges": [{"range": found[0]["range"], "text": "kind"}],
    });
    editor.notify("textDocument/didChange", params);
    assert_eq!(editor.diagnostics(21), Vec::<Value>::new());
    // What is no document has a finding too.
    editor.change(22, "version: [");
    assert_eq!(editor.diagnostics(22).len(), 1);
    assert_eq!(editor.end(), Some(0));
}

#[test]
fn names_columns_functions_fields_and_values_are_completed() {
    let folder = with_tables();
    let mut editor = Editor::start(folder.path());
    editor.open(SPEC);
    editor.diagnostics(1);
    let has = |found: &[String], wanted: &[&str], others: &[&str]| {
        assert!(wanted.iter().all(|it| found.iter().any(|label| label == it)), "{wanted:?} in {found:?}");
        assert!(!others.iter().any(|it| found.iter().any(|label| label == it)), "{others:?} in {found:?}");
    };
    let found = editor.completions(2, &SPEC.replace("source: functions,", "source: fu§,"));
    has(&found, &["defs", "functions", "names", "per_file"], &["path", "sum"]);
    let found = editor.completions(3, &SPEC.replace("columns: [path, name]", "columns: [path, na§]"));
    has(&found, &["name", "path", "bstart"], &["functions", "sum"]);
    // The columns of a view, not of its table; functions too. The text is no document: its quote is open.
    let found = editor.completions(
        4,
        &SPEC.replace("source: names, group_by: [path], aggregations: [{function: count, column: name, alias: functions}]}", "source: names, predicate: \"§"),
    );
    has(&found, &["name", "path", "length"], &["bstart", "defs"]);
    let query = "  - {name: q, transform: {kind: Sql, query: SELECT § FROM names}}\noutput_targets:";
    let found = editor.completions(5, &SPEC.replace("output_targets:", query));
    has(&found, &["name", "path", "names", "count"], &["bstart"]);
    let found = editor.completions(
        6,
        &SPEC.replace("output_targets:", "  - name: x\n    transform:\n      kind: Agg§\noutput_targets:"),
    );
    has(&found, &["Aggregate", "Filter", "Sql"], &["group_by"]);
    let found = editor.completions(
        7,
        &SPEC.replace(
            "output_targets:",
            "  - name: x\n    transform:\n      kind: Aggregate\n      g§\noutput_targets:",
        ),
    );
    has(&found, &["group_by", "aggregations"], &["predicate", "query", "path"]);
    let found =
        editor.completions(8, &format!("{SPEC}cache_policy: {{overrides: [{{view_name: names, action: §"));
    has(&found, &["ForceCache", "NeverCache"], &["names"]);
    let found = editor.completions(9, &format!("{SPEC}run§"));
    has(&found, &["runtime", "typed_parameters"], &["names"]);
    // What assertions say is about the rows of their view, and may name another.
    let asserted = |assertion: &str| {
        SPEC.replace("output_targets:", &format!("    assertions: [{assertion}]\noutput_targets:"))
    };
    let view = "  - name: x\n    transform: {kind: Project, source: names, columns: [path]}\n";
    let with_view = |text: String| text.replacen("    assertions:", &format!("{view}    assertions:"), 1);
    let found = editor.completions(10, &with_view(asserted("{un§}")));
    has(&found, &["unique", "not_null", "severity"], &["names"]);
    let found = editor
        .completions(11, &asserted("{name: own, unique: [§]}").replace("{name: names,", "{name: names ,"));
    has(&found, &[], &["names"]);
    let found = editor.completions(12, &with_view(asserted("{relation: {columns: [path], to: §}}")));
    has(&found, &["names", "defs"], &["path"]);
    // A qualifier leaves the columns of what it stands for.
    let query = "  - {name: q, transform: {kind: Sql, query: SELECT n.§ FROM defs AS d JOIN names n ON true}}\noutput_targets:";
    let found = editor.completions(14, &SPEC.replace("output_targets:", query));
    has(&found, &["name", "path"], &["bstart", "names", "count"]);
    let found = editor.completions(15, &SPEC.replace("output_targets:", &query.replace("n.§", "d.§")));
    has(&found, &["name", "path", "bstart"], &["names", "count"]);
    let related = "  - {name: q, transform: {kind: Relate, left: names, right: defs, on: [path], select: [left.§]}}\noutput_targets:";
    let found = editor.completions(16, &SPEC.replace("output_targets:", related));
    has(&found, &["name", "path"], &["bstart", "names"]);
    let found = editor.completions(
        17,
        &SPEC.replace(
            "input_relations:",
            "input_relations:\n  - {logical_name: f, location: f.csv, format: §}",
        ),
    );
    has(&found, &["csv", "parquet", "ndjson", "arrow"], &["names"]);
    assert_eq!(editor.end(), Some(0));
}

#[test]
fn views_are_described_and_found() {
    let folder = with_tables();
    let more = "  - {name: q, transform: {kind: Sql, query: \"SELECT name FROM names WHERE path > 'é'\"}}\noutput_targets:";
    let spec = SPEC.replace("output_targets:\n", &format!("{more}\n  - {{table_name: q, source_view: q}}\n"));
    let mut editor = Editor::start(folder.path());
    editor.open(&spec);
    assert_eq!(editor.diagnostics(1), Vec::<Value>::new());
    let hover = editor.ask("hover", &spec.replace("FROM names", "FROM na§mes"));
    let text = hover["contents"]["value"].as_str().unwrap();
    assert!(text.contains("view `names`") && text.contains("| path | Utf8View"), "{text}");
    assert!(text.contains("is computed once and shared: "), "{text}");
    let hover = editor.ask("hover", &spec.replacen("source: defs", "source: d§efs", 1));
    let text = hover["contents"]["value"].as_str().unwrap();
    assert!(text.contains("input `defs`") && text.contains("`tables/defs`, version 0"), "{text}");
    let hover = editor.ask("hover", &spec.replacen("columns: [path", "columns: [pa§th", 1));
    assert!(hover["contents"]["value"].as_str().unwrap().starts_with("`path`: `Utf8View`"), "{hover}");
    assert!(editor.ask("hover", &spec.replacen("version", "ver§sion", 1)).is_null());
    // From a query to the definition.
    let found = editor.ask("definition", &spec.replace("FROM names", "FROM names§"));
    let line = spec.lines().position(|line| line.contains("- name: names")).unwrap();
    assert_eq!(found["range"]["start"], json!({"line": line, "character": 10}), "{found}");
    let found = editor.ask("definition", &spec.replacen("source: defs", "source: de§fs", 1));
    assert_eq!(found["range"]["start"]["line"], 2, "{found}");
    let symbols = editor.request("textDocument/documentSymbol", json!({"textDocument": {"uri": editor.uri}}));
    let names: Vec<&str> =
        symbols.as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["defs", "functions", "names", "per_file", "q", "q", "names", "per_file"]);
    // While the text cannot be read, the last answers stand.
    editor.change(2, &format!("{spec}x: [1, {{"));
    let hover = editor.ask("hover", &spec.replace("FROM names", "FROM na§mes"));
    assert!(hover["contents"]["value"].as_str().unwrap().contains("view `names`"), "{hover}");
    assert!(editor.ask("definition", &spec.replace("FROM names", "FROM names§")).is_object());
    // What is not asked for politely is answered.
    assert_eq!(editor.request("textDocument/nonsense", json!({}))["code"], -32601);
    assert_eq!(editor.request("textDocument/hover", json!({"x": 1}))["code"], -32602);
    assert_eq!(editor.end(), Some(0));
}

#[test]
fn an_editor_that_goes_away_ends_the_program() {
    let folder = with_tables();
    fs::write(folder.path().join("spec.yaml"), SPEC).unwrap();
    let mut editor = Editor::start(folder.path());
    editor.open(SPEC);
    editor.to = None;
    assert_eq!(editor.child.wait().unwrap().code(), Some(1));
}

#[test]
fn what_is_no_message_is_answered_and_the_session_goes_on() {
    let folder = with_tables();
    let mut editor = Editor::start(folder.path());
    let to = editor.to.as_mut().unwrap();
    write!(to, "Content-Length: 5\r\n\r\n{{\"a\":").unwrap();
    to.flush().unwrap();
    let answer = editor.next();
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&Value::Null, &json!(-32700)), "{answer}");
    assert_eq!(editor.request("initialize", json!({}))["code"], -32600);
    editor.open(SPEC);
    assert_eq!(editor.diagnostics(1), Vec::<Value>::new());
    assert!(editor.request("shutdown", Value::Null).is_null());
    assert_eq!(editor.request("textDocument/hover", json!({}))["code"], -32600);
    editor.notify("exit", Value::Null);
    assert_eq!(editor.child.wait().unwrap().code(), Some(0));
    // A length that nobody has memory for.
    let mut editor = Editor::start(folder.path());
    let to = editor.to.as_mut().unwrap();
    write!(to, "Content-Length: 99999999999999\r\n\r\n{{}}").unwrap();
    to.flush().unwrap();
    assert_eq!(editor.child.wait().unwrap().code(), Some(1));
}

#[test]
fn a_signal_ends_the_server() {
    let folder = with_tables();
    for signal in ["-TERM", "-INT"] {
        let mut editor = Editor::start(folder.path());
        let id = editor.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        assert_eq!(editor.child.wait().unwrap().code(), Some(130));
    }
}
