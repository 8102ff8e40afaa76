//! Parsing.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::parenthesised::{joined, parenthesised};
use super::part::default_part;
use super::value::estimate;
use crate::graph::{CachePolicy, Graph, Node, NodeId, Owner, Placement, PlacementChoice, Role, Schedule};
use crate::lexer::{Cursor, Fault, Read};
use crate::op::Op;
use crate::phase::Phase;
use crate::schema::Schema;

/// How deep values may nest. What calls itself while it reads foreign text needs a bound.
const MAX_DEPTH: usize = 64;

/// A text that is not a graph.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct TextError {
    /// The line, counted from 1.
    pub line: usize,
    /// What was found and what was expected.
    pub message: String,
}

/// A parsed graph and where its nodes stand in the text.
#[derive(Debug)]
pub struct Parsed {
    /// The graph.
    pub graph: Graph,
    /// The line, counted from 1, on which each node's statement begins.
    pub lines: BTreeMap<String, usize>,
}

/// Parses the text form of a graph. The graph is not verified.
///
/// # Errors
/// At the first statement that does not follow the grammar.
pub fn parse(text: &str) -> Result<Parsed, TextError> {
    let statements = statements(text)?;
    let [header, statements @ ..] = statements.as_slice() else {
        return Err(TextError {
            line: 1,
            message: "expected `graph NAME phase=PHASE`, found nothing".to_owned(),
        });
    };
    let mut reader = Reader::new(header.read(read_header)?);
    for statement in statements {
        statement.read(|cursor| reader.statement(statement.line, cursor))?;
    }
    reader.finish()
}

/// A part of a text from the left margin to the next.
struct Statement {
    /// The line it begins on, counted from 1.
    line: usize,
    /// Its text; a comment inside it is an empty line.
    text: String,
}

impl Statement {
    /// Reads the statement; a fault is at the line it was found on.
    fn read<T>(&self, read: impl FnOnce(&mut Cursor<'_>) -> Read<T>) -> Result<T, TextError> {
        read(&mut Cursor::new(&self.text)).map_err(|Fault { at, message }| {
            // What is missing at the end is missing behind the last word.
            let end = self.text.trim_end();
            let before = end.get(..at).unwrap_or(end);
            TextError { line: self.line + before.matches('\n').count(), message }
        })
    }
}

/// Splits a text into statements, in one walk over its lines. Continuation lines are indented; a closing bracket at
/// the margin of its statement is indented too, so the rule needs no exception.
fn statements(text: &str) -> Result<Vec<Statement>, TextError> {
    let mut statements: Vec<Statement> = Vec::new();
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let comment = line.starts_with('#');
        let margin = line.starts_with(|c: char| !c.is_whitespace());
        match statements.last_mut() {
            _ if margin && !comment => {
                statements.push(Statement { line: index + 1, text: line.to_owned() });
            }
            Some(statement) => statement.text.push_str(if comment { "\n" } else { line }),
            None if comment || line.trim().is_empty() => {}
            None => {
                let message = "an indented line continues a statement, and there is none before it";
                return Err(TextError { line: index + 1, message: message.to_owned() });
            }
        }
    }
    Ok(statements)
}

/// What has been read of a graph.
struct Reader {
    graph: Graph,
    lines: BTreeMap<String, usize>,
    /// The nodes with the lines and names of their inputs; a name may belong to a node that comes later.
    inputs: Vec<(usize, NodeId, Sources)>,
    has_cache: bool,
}

impl Reader {
    fn new(graph: Graph) -> Self {
        Self { graph, lines: BTreeMap::new(), inputs: Vec::new(), has_cache: false }
    }

    fn statement(&mut self, line: usize, cursor: &mut Cursor<'_>) -> Read<()> {
        let start = cursor.clone();
        let name = cursor.word()?;
        if cursor.take("=") {
            let (node, sources) = read_node(&name, cursor)?;
            let id = self.graph.add(node).or_else(|error| start.clone().fault(error.to_string()))?;
            self.lines.insert(name, line);
            self.inputs.push((line, id, sources));
            return Ok(());
        }
        match name.as_str() {
            "parameter" => self.graph.parameters.push(content(cursor)?),
            "cache" if self.has_cache => return start.clone().fault("`cache` is given twice"),
            "cache" => {
                self.graph.cache = content::<CachePolicy>(cursor)?;
                self.has_cache = true;
            }
            "segment" => {
                let segment = content(cursor)?;
                self.schedule().segments.push(segment);
            }
            "schedule" => {
                cursor.end()?;
                self.schedule();
            }
            _ => return start.clone().expected("`NAME = OPERATION …`"),
        }
        Ok(())
    }

    fn schedule(&mut self) -> &mut Schedule {
        self.graph.schedule.get_or_insert(Schedule { segments: Vec::new() })
    }

    /// In phase Lowered inputs stay names; later they become edges.
    fn finish(mut self) -> Result<Parsed, TextError> {
        let graph = &mut self.graph;
        for (line, id, sources) in self.inputs {
            let fail = |message| TextError { line, message };
            for (next, (port, source)) in sources.into_iter().enumerate() {
                if graph.phase == Phase::Lowered {
                    if port != next {
                        return Err(fail("in phase lowered inputs have no ports".to_owned()));
                    }
                    graph[id].sources.push(source);
                    continue;
                }
                let from =
                    graph.find(&source).ok_or_else(|| fail(format!("there is no node named `{source}`")))?;
                graph.connect(from, id, port);
            }
        }
        Ok(Parsed { graph: self.graph, lines: self.lines })
    }
}

fn read_header(cursor: &mut Cursor<'_>) -> Read<Graph> {
    if !cursor.take_keyword("graph") {
        return cursor.expected("`graph NAME phase=PHASE` on the first line");
    }
    let mut graph = Graph::new(cursor.word()?);
    let names = || Phase::ALL.map(Phase::name).join(", ");
    let mut phase = None;
    while cursor.at_field() {
        let key = cursor.clone();
        match cursor.word()?.as_str() {
            "phase" if phase.is_some() => return key.clone().fault("`phase` is given twice"),
            "phase" => {
                cursor.expect("=")?;
                let name = cursor.word()?;
                let found = Phase::from_name(&name);
                phase = Some(found.map_or_else(
                    || key.clone().fault(format!("`{name}` is not a phase; phases are {}", names())),
                    Ok,
                )?);
            }
            other => {
                return key
                    .clone()
                    .fault(format!("`{other}` is no field of a graph; the only one is `phase`"));
            }
        }
    }
    cursor.end()?;
    match phase {
        Some(phase) => graph.phase = phase,
        None => return cursor.fault(format!("`phase` is missing; phases are {}", names())),
    }
    Ok(graph)
}

/// The inputs of a node: ports and names.
type Sources = Vec<(usize, String)>;

/// Reads a node behind its name.
fn read_node(name: &str, cursor: &mut Cursor<'_>) -> Read<(Node, Sources)> {
    let start = cursor.clone();
    let keyword = cursor.word()?;
    let sources = read_sources(cursor)?;
    let mut fields = fields(cursor)?;
    fields.insert("op".to_owned(), Value::from(keyword));
    let op: Op = serde_json::from_value(Value::Object(fields))
        .or_else(|error| start.clone().fault(error.to_string()))?;
    let (owner, role) = match cursor.take_keyword("of") {
        true => read_part(cursor)?,
        false => default_part(name),
    };
    let mut node = Node::new(name, op).part(owner, role);
    if cursor.take(":") {
        node.schema = Some(Schema::read(cursor)?);
    }
    if cursor.take_keyword("expects") {
        node.contract = Some(Schema::read(cursor)?);
    }
    if cursor.take_keyword("place") {
        let start = cursor.clone();
        let choice = cursor.word()?;
        let Some(choice) = PlacementChoice::from_name(&choice) else {
            return start.clone().fault(format!("`{choice}` is not a placement"));
        };
        node.placement = Some(Placement { choice, reason: cursor.quoted()? });
    }
    cursor.end()?;
    Ok((node, sources))
}

fn read_sources(cursor: &mut Cursor<'_>) -> Read<Sources> {
    let at_clause = |cursor: &mut Cursor<'_>| {
        cursor.at_field() || ["of", "expects", "place"].iter().any(|keyword| cursor.at_keyword(keyword))
    };
    let mut sources = Vec::new();
    let mut next = 0;
    if at_clause(cursor) || !(cursor.at_word() || cursor.at_digit()) {
        return Ok(sources);
    }
    loop {
        if cursor.at_digit() {
            let start = cursor.clone();
            let port = cursor.integer()?;
            if port < next {
                return start.clone().fault("ports do not go back");
            }
            next = port;
            cursor.expect(":")?;
        }
        sources.push((next, cursor.word()?));
        next = next.saturating_add(1);
        if !cursor.take(",") {
            return Ok(sources);
        }
    }
}

/// `view NAME`, `output NAME`, `assertion NAME`, or the same with `step` behind it.
fn read_part(cursor: &mut Cursor<'_>) -> Read<(Owner, Role)> {
    let owner = if cursor.take_keyword("view") {
        Owner::View(cursor.word()?)
    } else if cursor.take_keyword("output") {
        Owner::Output(cursor.word()?)
    } else if cursor.take_keyword("assertion") {
        Owner::Assertion(cursor.word()?)
    } else {
        return cursor.expected("`view NAME`, `output NAME` or `assertion NAME`");
    };
    let role = if cursor.take_keyword("step") { Role::Step } else { Role::Result };
    Ok((owner, role))
}

fn fields(cursor: &mut Cursor<'_>) -> Read<Map<String, Value>> {
    let mut fields = Map::new();
    while cursor.at_field() {
        let start = cursor.clone();
        let key = cursor.word()?;
        cursor.expect("=")?;
        if fields.insert(key.clone(), value(cursor, 0)?).is_some() {
            return start.clone().fault(format!("`{key}` is given twice"));
        }
    }
    Ok(fields)
}

/// Reads fields to the end of the statement into a struct.
fn content<T: DeserializeOwned>(cursor: &mut Cursor<'_>) -> Read<T> {
    let start = cursor.clone();
    let fields = fields(cursor)?;
    cursor.end()?;
    serde_json::from_value(Value::Object(fields)).or_else(|error| start.clone().fault(error.to_string()))
}

fn value(cursor: &mut Cursor<'_>, depth: usize) -> Read<Value> {
    if depth >= MAX_DEPTH {
        return cursor.fault(format!("values nest deeper than {MAX_DEPTH}"));
    }
    let text = cursor.peek();
    match text.chars().next() {
        Some('(') => {
            let Some(end) = parenthesised(text) else {
                return cursor.fault("a `(` without its `)`, or a line break within quotes");
            };
            let Some(line) = joined(&text[1..end - 1]) else {
                return cursor.fault("a comment within `( )` that ends with its line; leave it out");
            };
            cursor.go_on(&text[end..]);
            Ok(Value::from(line))
        }
        Some('~' | '?') => match estimate(text) {
            Some(end) => {
                cursor.go_on(&text[end..]);
                Ok(Value::from(&text[..end]))
            }
            None => cursor.fault("an estimate without digits"),
        },
        Some('[') => list(cursor, depth + 1),
        Some('{') => map(cursor, depth + 1),
        Some('-' | '0'..='9') => {
            let mut stream = serde_json::Deserializer::from_str(text).into_iter::<Value>();
            match stream.next() {
                Some(Ok(number)) => {
                    cursor.go_on(&text[stream.byte_offset()..]);
                    Ok(number)
                }
                _ => cursor.fault("a number that does not parse"),
            }
        }
        _ => {
            for (keyword, value) in
                [("true", Value::from(true)), ("false", Value::from(false)), ("null", Value::Null)]
            {
                if cursor.take_keyword(keyword) {
                    return Ok(value);
                }
            }
            if cursor.at_word() { cursor.word().map(Value::from) } else { cursor.expected("a value") }
        }
    }
}

fn list(cursor: &mut Cursor<'_>, depth: usize) -> Read<Value> {
    cursor.expect("[")?;
    let mut items = Vec::new();
    while !cursor.take("]") {
        items.push(value(cursor, depth)?);
        if !cursor.take(",") {
            cursor.expect("]")?;
            break;
        }
    }
    Ok(Value::from(items))
}

fn map(cursor: &mut Cursor<'_>, depth: usize) -> Read<Value> {
    cursor.expect("{")?;
    let mut map = Map::new();
    while !cursor.take("}") {
        let start = cursor.clone();
        let key = cursor.word()?;
        cursor.expect(":")?;
        if map.insert(key.clone(), value(cursor, depth)?).is_some() {
            return start.clone().fault(format!("`{key}` is given twice"));
        }
        if !cursor.take(",") {
            cursor.expect("}")?;
            break;
        }
    }
    Ok(Value::Object(map))
}

#[cfg(test)]
mod tests {
    use super::statements;

    /// Looking for the end of every statement from the start of the text would take 20 billion steps here.
    #[test]
    fn statements_are_split_in_one_walk() {
        const COUNT: usize = 200_000;
        let text = "a = distinct b\n# comment\n    of view c\n".repeat(COUNT);
        let statements = statements(&text).unwrap();
        assert_eq!(statements.len(), COUNT);
        assert_eq!(statements.last().map(|statement| statement.line), Some(3 * COUNT - 2));
        assert!(statements.iter().all(|statement| statement.text == "a = distinct b\n\n    of view c\n"));
    }
}
