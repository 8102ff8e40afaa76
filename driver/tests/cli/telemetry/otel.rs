//! Traces, received by a collector that decodes them: the tree of spans is the tree of the plans, and holds no values.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Output;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use serde_json::Value;

use super::super::program::{SPEC, command, copy, err, exits, json, out, with_tables};

/// A collector of one program: what it was sent, byte by byte.
struct Collector {
    endpoint: String,
    requests: Receiver<Vec<u8>>,
}

impl Collector {
    fn start(status: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let (send, requests) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                answer(stream.unwrap(), status, &send);
            }
        });
        Self { endpoint, requests }
    }

    /// Everything that was sent so far, of a program that has ended.
    fn bodies(&self) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        while let Ok(body) = self.requests.recv_timeout(Duration::from_millis(200)) {
            all.push(body);
        }
        all
    }
}

/// Reads requests of a connection and answers them until it is closed.
fn answer(stream: TcpStream, status: &str, send: &Sender<Vec<u8>>) {
    let mut reader = BufReader::new(stream);
    loop {
        let (mut length, mut first) = (0, String::new());
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap();
            }
            if first.is_empty() {
                first.clone_from(&line);
            }
            if line.trim().is_empty() {
                break;
            }
        }
        assert!(first.starts_with("POST /v1/traces "), "{first}");
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        send.send(body).unwrap();
        let response =
            format!("HTTP/1.1 {status}\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n");
        reader.get_mut().write_all(response.as_bytes()).unwrap();
    }
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = command(folder, arguments);
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        command.env_remove(name);
    }
    command.env_remove("OTEL_EXPORTER_OTLP_ENDPOINT").output().unwrap()
}

fn spans(bodies: &[Vec<u8>]) -> Vec<Span> {
    let requests = bodies.iter().map(|body| ExportTraceServiceRequest::decode(body.as_slice()).unwrap());
    let resources = requests.flat_map(|request| request.resource_spans);
    resources.flat_map(|resource| resource.scope_spans).flat_map(|scope| scope.spans).collect()
}

/// The spans below one, in the order in which they began: those that began together as they were made.
struct Tree {
    children: BTreeMap<Vec<u8>, Vec<Span>>,
}

impl Tree {
    fn of(spans: &[Span]) -> (Span, Self) {
        let mut children: BTreeMap<Vec<u8>, Vec<Span>> = BTreeMap::new();
        for span in spans {
            children.entry(span.parent_span_id.clone()).or_default().push(span.clone());
        }
        let [root] = children.get(&Vec::new()).unwrap().as_slice() else { panic!("several roots") };
        assert!(spans.iter().all(|span| span.trace_id == root.trace_id));
        (root.clone(), Self { children })
    }

    fn below(&self, span: &Span) -> Vec<&Span> {
        self.children.get(&span.span_id).into_iter().flatten().collect()
    }

    fn child(&self, span: &Span, name: &str) -> &Span {
        let found: Vec<&Span> = self.below(span).into_iter().filter(|below| below.name == name).collect();
        let [one] = found.as_slice() else {
            panic!("{} of {name} below {}: {:?}", found.len(), span.name, names(&self.below(span)));
        };
        one
    }

    /// The names of a span and all below it, each with its depth; siblings by their names.
    fn shape(&self, span: &Span, depth: usize, into: &mut Vec<(usize, String)>) {
        into.push((depth, span.name.clone()));
        let mut below = self.below(span);
        below.sort_by_key(|span| {
            let mut shape = Vec::new();
            self.shape(span, 0, &mut shape);
            shape
        });
        below.into_iter().for_each(|span| self.shape(span, depth + 1, into));
    }
}

fn names(spans: &[&Span]) -> Vec<String> {
    spans.iter().map(|span| span.name.clone()).collect()
}

/// The operators of a segment of a record as a tree, siblings by their names.
fn shape_of_plan(operators: &[Value]) -> Vec<(usize, String)> {
    fn node(operators: &[Value], at: usize) -> (Vec<(usize, String)>, usize) {
        let depth = operators[at]["depth"].as_u64().unwrap();
        let mut next = at + 1;
        let mut below = Vec::new();
        while next < operators.len() && operators[next]["depth"].as_u64().unwrap() > depth {
            let (child, after) = node(operators, next);
            below.push(child);
            next = after;
        }
        below.sort_by_key(|child| {
            child.iter().map(|(depth, name)| (depth - child[0].0, name.clone())).collect::<Vec<_>>()
        });
        let own = (usize::try_from(depth).unwrap(), operators[at]["operator"].as_str().unwrap().to_owned());
        (std::iter::once(own).chain(below.into_iter().flatten()).collect(), next)
    }
    node(operators, 0).0
}

const FULL: &str = "runtime: {tracing: {enabled: true, rule_mode: Full, plan_diff: true, otel_service_name: tried, otel_resource_attributes: {team: a}, custom_span_fields: {step: b}}}\n";

#[test]
fn the_tree_of_spans_is_the_tree_of_the_plans_and_no_value_leaves_the_program() {
    let folder = with_tables();
    let folder = folder.path();
    // A name of a folder, and what stands in rows: `shapes.py` and what is computed of it.
    copy(&folder.join("tables/defs"), &folder.join("canary_folder/defs"));
    let spec = SPEC
        .replace("tables/defs", "canary_folder/defs")
        .replace("kind = 'function'", "kind = 'function' AND name <> 'canary_literal'");
    let spec = spec.replace(
        "columns: [path, name]",
        "columns: [path, {name: name, expr: \"concat(name, 'canary_computed')\"}]",
    );
    fs::write(folder.join("spec.yaml"), format!("{spec}{FULL}")).unwrap();
    let collector = Collector::start("200 OK");
    let output =
        run(folder, &["run", "spec.yaml", "--format", "json", "--otlp-endpoint", &collector.endpoint]);
    exits(&output, 0);
    assert_eq!(err(&output), "");
    let bodies = collector.bodies();
    let rows =
        String::from_utf8_lossy(&run(folder, &["sql", "SELECT name FROM names", "--lake", "."]).stdout)
            .into_owned();
    assert!(rows.contains("canary_computed"), "{rows}");
    for body in &bodies {
        let text = String::from_utf8_lossy(body);
        for canary in ["canary", "shapes.py", folder.to_str().unwrap()] {
            assert!(!text.contains(canary), "{canary} is in what was sent");
        }
    }

    let spans = spans(&bodies);
    let (root, tree) = Tree::of(&spans);
    assert_eq!(root.name, "codeanatomy_engine.execute");
    let stages = names(&tree.below(&root));
    for stage in ["load", "session", "resolve", "emit", "open outputs", "execute", "commit", "record"] {
        assert!(stages.iter().any(|name| name == stage), "{stages:?}");
    }
    assert_eq!(stages.iter().filter(|name| name.starts_with("pass ")).count(), passes::PIPELINE.len());
    let ran = json(&output);
    let segments = ran["segments"].as_array().unwrap_or_else(|| panic!("{}", out(&output)));
    let execute = tree.child(&root, "execute");
    assert_eq!(tree.below(execute).len(), segments.len());
    for segment in segments {
        let title = segment["segment"].as_str().unwrap();
        let span = tree.child(execute, &format!("segment {title}"));
        let operators: Vec<&Span> =
            tree.below(span).into_iter().filter(|below| below.name != "plan").collect();
        let [top] = operators.as_slice() else { panic!("{:?}", names(&operators)) };
        let mut shape = Vec::new();
        tree.shape(top, 0, &mut shape);
        assert_eq!(shape, shape_of_plan(segment["operators"].as_array().unwrap()), "{title}");
        let plan = tree.child(span, "plan");
        for phase in ["optimizer", "physical_optimizer"] {
            assert!(tree.below(tree.child(plan, phase)).len() > 3, "{title}: {phase}");
        }
    }
    for span in &spans {
        assert!(
            span.start_time_unix_nano > 0 && span.end_time_unix_nano >= span.start_time_unix_nano,
            "{span:?}"
        );
        assert!(span.attributes.iter().any(|attribute| attribute.key == "step"), "{span:?}");
    }
}

#[test]
fn traces_are_sent_where_the_user_says_and_only_where_somebody_asks() {
    let folder = with_tables();
    let folder = folder.path();
    let collector = Collector::start("200 OK");
    exits(&run(folder, &["run", "spec.yaml"]), 0);
    let by_environment = |spec: &str| {
        let mut command = command(folder, ["run", spec]);
        command.env("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint).output().unwrap()
    };
    exits(&by_environment("spec.yaml"), 0);
    assert!(collector.bodies().is_empty(), "nobody asked");

    fs::write(folder.join("asks.yaml"), format!("{SPEC}runtime: {{tracing_preset: ProductionLean}}\n"))
        .unwrap();
    let refused = run(folder, &["run", "asks.yaml"]);
    exits(&refused, 1);
    assert!(err(&refused).contains("E0618"), "{}", err(&refused));
    let elsewhere = format!(
        "{SPEC}runtime: {{tracing: {{enabled: true, otlp_endpoint: \"http://127.0.0.1:9/v1/traces\"}}}}\n"
    );
    fs::write(folder.join("elsewhere.yaml"), elsewhere).unwrap();
    let refused = run(folder, &["run", "elsewhere.yaml", "--otlp-endpoint", &collector.endpoint]);
    exits(&refused, 1);
    assert!(err(&refused).contains("E0618") && err(&refused).contains("otlp_endpoint"), "{}", err(&refused));
    fs::write(folder.join("rows.yaml"), format!("{SPEC}runtime: {{tracing_preset: Maximal}}\n")).unwrap();
    let refused = run(folder, &["run", "rows.yaml", "--otlp-endpoint", &collector.endpoint]);
    exits(&refused, 1);
    assert!(err(&refused).contains("E0607"), "{}", err(&refused));
    exits(&run(folder, &["check", "spec.yaml", "--otlp-endpoint", &collector.endpoint]), 2);
    assert!(collector.bodies().is_empty(), "a spec that is refused sends nothing");

    exits(&by_environment("asks.yaml"), 0);
    let sent = spans(&collector.bodies());
    let (root, tree) = Tree::of(&sent);
    let execute = tree.child(&root, "execute");
    let segment = tree.below(execute)[0];
    let plan = tree.child(segment, "plan");
    let phase = tree.child(plan, "optimizer");
    assert!(tree.below(phase).is_empty(), "phases without rules");
    exits(&run(folder, &["run", "spec.yaml", "--otlp-endpoint", &collector.endpoint]), 0);
    assert!(!collector.bodies().is_empty(), "who says where asks");

    fs::write(
        folder.join("off.yaml"),
        format!(
            "{SPEC}runtime: {{tracing: {{enabled: true, export_policy: {{traces_sampler: always_off}}}}}}\n"
        ),
    )
    .unwrap();
    exits(&run(folder, &["run", "off.yaml", "--otlp-endpoint", &collector.endpoint]), 0);
    assert!(spans(&collector.bodies()).is_empty(), "the sampler takes none");
}

#[test]
fn traces_that_do_not_arrive_are_warned_of_and_the_run_goes_on() {
    let folder = with_tables();
    let collector = Collector::start("401 Unauthorized");
    for endpoint in [collector.endpoint.as_str(), "http://127.0.0.1:9"] {
        let output = run(folder.path(), &["run", "spec.yaml", "--otlp-endpoint", endpoint]);
        exits(&output, 0);
        assert!(err(&output).contains("W0026"), "{endpoint}: {}", err(&output));
    }
    assert!(folder.path().join("names/_delta_log").is_dir());
}
