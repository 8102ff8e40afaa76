//! Parsing.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::value::{estimate, parenthesised, take_word};
use crate::graph::{Graph, Node, NodeId, Placement, PlacementChoice, Schedule, Segment};
use crate::op::Op;
use crate::phase::Phase;
use crate::schema::Schema;

/// A text that is not a graph.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct TextError {
    /// The line of the statement, counted from 1.
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
    let mut statements = statements(text).into_iter();
    let at_start = |message: &str| TextError { line: 1, message: message.to_owned() };
    let (line, first) =
        statements.next().ok_or_else(|| at_start("expected `graph NAME phase=PHASE`, found nothing"))?;
    let mut graph = parse_header(first).map_err(|message| TextError { line, message })?;
    let mut lines = BTreeMap::new();
    let mut inputs: Vec<(usize, NodeId, Vec<String>)> = Vec::new();
    let mut segments = Vec::new();
    for (line, statement) in statements {
        let fail = |message| TextError { line, message };
        let mut cursor = Cursor { rest: statement };
        let name = cursor.word().map_err(fail)?;
        if cursor.take("=") {
            let (node, sources) = parse_node(name.clone(), cursor).map_err(fail)?;
            let id = graph.add(node).map_err(|error| fail(error.to_string()))?;
            lines.insert(name, line);
            inputs.push((line, id, sources));
            continue;
        }
        match name.as_str() {
            "parameter" => graph.parameters.push(cursor.content().map_err(fail)?),
            "cache" => graph.cache = cursor.content().map_err(fail)?,
            "segment" => segments.push(cursor.content::<Segment>().map_err(fail)?),
            other => return Err(fail(format!("expected `NAME = OPERATION …`, found `{other}`"))),
        }
    }
    connect(&mut graph, inputs)?;
    graph.schedule = (!segments.is_empty()).then_some(Schedule { segments });
    Ok(Parsed { graph, lines })
}

/// In phase Lowered inputs stay names; later they become edges.
fn connect(graph: &mut Graph, inputs: Vec<(usize, NodeId, Vec<String>)>) -> Result<(), TextError> {
    for (line, id, sources) in inputs {
        if graph.phase == Phase::Lowered {
            if let Some(node) = graph.get_mut(id) {
                node.sources = sources;
            }
            continue;
        }
        for (port, source) in sources.into_iter().enumerate() {
            let from = graph
                .find(&source)
                .ok_or_else(|| TextError { line, message: format!("there is no node named `{source}`") })?;
            graph.connect(from, id, port);
        }
    }
    Ok(())
}

/// Splits a text into statements with their first lines. Continuation lines are indented; a closing bracket at
/// the margin of its statement is indented too, so the rule needs no exception.
fn statements(text: &str) -> Vec<(usize, &str)> {
    let mut starts: Vec<(usize, usize)> = Vec::new();
    let mut comments = Vec::new();
    let mut offset = 0;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        match line.chars().next() {
            Some('#') => comments.push(offset),
            Some(c) if !c.is_whitespace() => starts.push((number + 1, offset)),
            _ => {}
        }
        offset += line.len();
    }
    let mut cuts: Vec<usize> = starts.iter().map(|(_, start)| *start).chain(comments).collect();
    cuts.push(text.len());
    cuts.sort_unstable();
    let end_of = |start: usize| cuts.iter().copied().find(|cut| *cut > start).unwrap_or(text.len());
    starts.into_iter().map(|(line, start)| (line, text[start..end_of(start)].trim_end())).collect()
}

fn parse_header(statement: &str) -> Result<Graph, String> {
    let mut cursor = Cursor { rest: statement };
    if cursor.word()? != "graph" {
        return Err("expected `graph NAME phase=PHASE` on the first line".to_owned());
    }
    let mut graph = Graph::new(cursor.word()?);
    let fields = cursor.fields()?;
    let phase = fields.get("phase").and_then(Value::as_str).unwrap_or_default();
    let names = Phase::ALL.map(Phase::name).join(", ");
    graph.phase =
        Phase::from_name(phase).ok_or_else(|| format!("`{phase}` is not a phase; phases are {names}"))?;
    Ok(graph)
}

fn parse_node(name: String, mut cursor: Cursor<'_>) -> Result<(Node, Vec<String>), String> {
    let keyword = cursor.word()?;
    let mut sources = Vec::new();
    while cursor.at_word()
        && !cursor.at_field()
        && !cursor.at_keyword("expects")
        && !cursor.at_keyword("place")
    {
        sources.push(cursor.word()?);
        if !cursor.take(",") {
            break;
        }
    }
    let mut fields = cursor.fields()?;
    fields.insert("op".to_owned(), Value::from(keyword));
    let op: Op = serde_json::from_value(Value::Object(fields)).map_err(|error| error.to_string())?;
    let mut node = Node::new(name, op);
    if cursor.take(":") {
        node.schema = Some(cursor.schema()?);
    }
    if cursor.take("expects") {
        node.contract = Some(cursor.schema()?);
    }
    if cursor.take("place") {
        let choice = cursor.word()?;
        let choice =
            PlacementChoice::from_name(&choice).ok_or_else(|| format!("`{choice}` is not a placement"))?;
        let reason = cursor.value()?.as_str().unwrap_or_default().to_owned();
        node.placement = Some(Placement { choice, reason });
    }
    cursor.end()?;
    Ok((node, sources))
}

/// Reads a statement from left to right.
struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    fn peek(&mut self) -> &'a str {
        self.rest = self.rest.trim_start();
        self.rest
    }

    /// Takes a piece of text if it comes next.
    fn take(&mut self, text: &str) -> bool {
        let found = self.peek().strip_prefix(text);
        if let Some(rest) = found {
            self.rest = rest;
        }
        found.is_some()
    }

    fn found(&mut self) -> String {
        let piece: String = self.peek().chars().take(20).collect();
        if piece.is_empty() { "the end".to_owned() } else { format!("`{piece}`") }
    }

    fn at_word(&mut self) -> bool {
        take_word(self.peek()).is_some()
    }

    fn at_keyword(&mut self, keyword: &str) -> bool {
        self.peek().starts_with(keyword)
    }

    /// Whether `word=` comes next.
    fn at_field(&mut self) -> bool {
        take_word(self.peek()).is_some_and(|(_, rest)| rest.starts_with('='))
    }

    fn word(&mut self) -> Result<String, String> {
        let (word, rest) =
            take_word(self.peek()).ok_or_else(|| format!("expected a name, found {}", self.found()))?;
        self.rest = rest;
        Ok(word)
    }

    fn expect(&mut self, text: &str) -> Result<(), String> {
        if self.take(text) { Ok(()) } else { Err(format!("expected `{text}`, found {}", self.found())) }
    }

    fn end(&mut self) -> Result<(), String> {
        if self.peek().is_empty() {
            Ok(())
        } else {
            Err(format!("expected the end of the line, found {}", self.found()))
        }
    }

    fn fields(&mut self) -> Result<Map<String, Value>, String> {
        let mut fields = Map::new();
        while self.at_field() {
            let key = self.word()?;
            self.expect("=")?;
            if fields.insert(key.clone(), self.value()?).is_some() {
                return Err(format!("`{key}` is given twice"));
            }
        }
        Ok(fields)
    }

    /// Reads fields to the end of the statement into a struct.
    fn content<T: DeserializeOwned>(&mut self) -> Result<T, String> {
        let fields = self.fields()?;
        self.end()?;
        serde_json::from_value(Value::Object(fields)).map_err(|error| error.to_string())
    }

    fn schema(&mut self) -> Result<Schema, String> {
        let text = self.peek();
        let mut quoted = false;
        let end = text
            .char_indices()
            .find(|(at, c)| {
                quoted ^= *c == '"' && !text[..*at].ends_with('\\');
                *c == '}' && !quoted
            })
            .map(|(at, _)| at + 1)
            .ok_or_else(|| format!("expected a schema, found {}", self.found()))?;
        let schema = Schema::parse(&text[..end]).map_err(|error| error.to_string())?;
        self.rest = &text[end..];
        Ok(schema)
    }

    fn value(&mut self) -> Result<Value, String> {
        let text = self.peek();
        match text.chars().next() {
            Some('(') => {
                let end = parenthesised(text).ok_or("a `(` without its `)`")?;
                self.rest = &text[end..];
                Ok(Value::from(&text[1..end - 1]))
            }
            Some('~' | '?') => {
                let end = estimate(text).ok_or("an estimate without digits")?;
                self.rest = &text[end..];
                Ok(Value::from(&text[..end]))
            }
            Some('[') => self.list(),
            Some('{') => self.map(),
            Some('-' | '0'..='9') => {
                let mut stream = serde_json::Deserializer::from_str(text).into_iter::<Value>();
                let number = stream.next().and_then(Result::ok).ok_or("a number that does not parse")?;
                self.rest = &text[stream.byte_offset()..];
                Ok(number)
            }
            _ => {
                for (keyword, value) in
                    [("true", Value::from(true)), ("false", Value::from(false)), ("null", Value::Null)]
                {
                    let after = text.strip_prefix(keyword);
                    if let Some(rest) =
                        after.filter(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
                    {
                        self.rest = rest;
                        return Ok(value);
                    }
                }
                self.word().map(Value::from)
            }
        }
    }

    fn list(&mut self) -> Result<Value, String> {
        self.expect("[")?;
        let mut items = Vec::new();
        while !self.take("]") {
            items.push(self.value()?);
            if !self.take(",") {
                self.expect("]")?;
                break;
            }
        }
        Ok(Value::from(items))
    }

    fn map(&mut self) -> Result<Value, String> {
        self.expect("{")?;
        let mut map = Map::new();
        while !self.take("}") {
            let key = self.word()?;
            self.expect(":")?;
            if map.insert(key.clone(), self.value()?).is_some() {
                return Err(format!("`{key}` is given twice"));
            }
            if !self.take(",") {
                self.expect("}")?;
                break;
            }
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    #[test]
    fn mistakes_name_their_line() {
        assert!(error("graph t phase=later\n").starts_with("line 1: `later` is not a phase"));
        let header = "graph t phase=resolved\n# a comment\n";
        assert_eq!(
            error(&format!("{header}a = scam x=1\n")).split(',').next(),
            Some("line 3: unknown variant `scam`")
        );
        assert_eq!(
            error(&format!("{header}a = filter b predicate=(x)\n")),
            "line 3: there is no node named `b`"
        );
        assert!(error(&format!("{header}a = distinct\na = distinct\n")).starts_with("line 4: two nodes"));
        assert!(error(&format!("{header}a = filter a predicate=(x\n")).contains("a `(` without its `)`"));
    }

    #[test]
    fn odd_names_and_texts_survive() {
        let text = "graph \"odd name\" phase=resolved\n\
            \"true\" = scan location=\"a b/ü\" version=1 rows=~7 : {\"x y\" Utf8, place Int64!}\n\
            f = filter \"true\" predicate=(place = ') (' OR \"x y\" = 'it''s')\n\
            @out = sink f location=(a b) mode=append metadata={note: \"two\\nlines\"}\n";
        let graph = parse(text).unwrap().graph;
        let printed = crate::text::print(&graph);
        assert_eq!(parse(&printed).unwrap().graph, graph);
        assert_eq!(crate::text::print(&parse(&printed).unwrap().graph), printed);
        assert_eq!(graph.name, "odd name");
    }
}
