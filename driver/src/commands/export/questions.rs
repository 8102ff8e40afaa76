//! What is asked of a lake: queries that stand in `driver/exports`, with kinds of edges as parameters, over tables at one version.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{AsArray as _, RecordBatch};
use arrow::compute::{BatchCoalescer, cast};
use arrow::datatypes::{DataType, SchemaRef};
use ir::spec::{GivenParameter, GivenValue};
use pipeline::{Answer, AnswerRows, Asking, Lake, MAIN_SCHEMA, Memory, Ruleset, Statement, Workers};

use crate::failure::Failure;

/// Rows of a batch. The same for every export: writers may end pages and lines by batches, and bytes must not depend on how rows
/// were computed.
const BATCH_ROWS: usize = 8192;

/// The kinds of edges of `cpg_edges` that the shipped spec makes; a lake need not have one of each.
const GRAPH_KINDS: [&str; 12] = [
    "ARG_OF",
    "CALLS",
    "CONTAINS",
    "DECLARES",
    "HAS_DECORATOR",
    "HAS_DOCSTRING",
    "IMPORTS",
    "INHERITS",
    "INSTANTIATES",
    "OWNS_SCOPE",
    "PARENT_SCOPE",
    "REFERS_TO",
];

/// The kinds of edges between symbols.
const SYMBOL_KINDS: [&str; 7] =
    ["CALLS", "CONTAINS", "IMPORTS", "INHERITS", "OVERRIDES", "REFERS_TO", "TESTS"];

/// A query, and the values of `$1`, `$2`, ...
#[derive(Clone, Debug)]
pub(super) struct Question {
    text: String,
    values: Vec<String>,
}

impl Question {
    /// A query without parameters.
    pub(super) fn plain(text: &str) -> Self {
        Self { text: text.to_owned(), values: Vec::new() }
    }
}

/// How edges are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// By what tells them apart.
    Identity,
    /// Only ends and kinds, by kind.
    Kind,
}

/// Which part of a graph is written.
#[derive(Debug)]
pub(super) struct Part {
    of_symbols: bool,
    kinds: Vec<String>,
}

impl Part {
    /// The part with edges of these kinds; all of them if there are none.
    ///
    /// # Errors
    /// When the lake has no such tables, or a kind is no kind of edge.
    pub(super) fn new(
        questions: &Questions<'_>,
        of_symbols: bool,
        kinds: &[String],
    ) -> Result<Self, Failure> {
        let tables = questions.lake.tables().into_iter().filter(|table| table.schema == MAIN_SCHEMA);
        let tables: BTreeSet<String> = tables.map(|table| table.name).collect();
        let has_graph = tables.contains("cpg_nodes") && tables.contains("cpg_edges");
        if !of_symbols && !has_graph {
            let folder = questions.lake.folder().display();
            return Err(Failure::User(if tables.contains("symbols") {
                format!(
                    "the lake `{folder}` was built with `--detail symbols` and has no `cpg_nodes` and `cpg_edges`; export its \
                     symbols with `--symbols`, or build with `--detail edges` or `--detail full`"
                )
            } else {
                format!("there is no graph in `{folder}`; `driver build REPO` makes one")
            }));
        }
        let part = Self { of_symbols, kinds: kinds.to_vec() };
        part.must_have_kinds(questions)?;
        Ok(part)
    }

    fn must_have_kinds(&self, questions: &Questions<'_>) -> Result<(), Failure> {
        let known: &[&str] = if self.of_symbols { &SYMBOL_KINDS } else { &GRAPH_KINDS };
        let mut known: BTreeSet<String> = known.iter().map(|kind| (*kind).to_owned()).collect();
        if self.kinds.iter().all(|kind| known.contains(kind)) {
            return Ok(());
        }
        if !self.of_symbols {
            let text = "SELECT DISTINCT edge_kind FROM cpg_edges WHERE edge_kind IS NOT NULL";
            questions.each(&Question::plain(text), |batch| {
                let kinds = cast(batch.column(0), &DataType::Utf8).map_err(unreadable)?;
                known.extend(kinds.as_string::<i32>().iter().flatten().map(str::to_owned));
                Ok(())
            })?;
        }
        match self.kinds.iter().find(|kind| !known.contains(*kind)) {
            Some(kind) => Err(Failure::Usage(format!(
                "there is no kind of edge `{kind}`; there are {}",
                known.into_iter().collect::<Vec<_>>().join(", ")
            ))),
            None => Ok(()),
        }
    }

    /// The nodes, ordered by their identifiers.
    pub(super) fn nodes(&self) -> Question {
        let nodes = if self.of_symbols {
            include_str!("../../../exports/symbol_nodes.sql")
        } else {
            include_str!("../../../exports/graph_nodes.sql")
        };
        let mut text = format!("SELECT n.* FROM (\n{nodes}\n) n");
        if !self.kinds.is_empty() {
            let (edges, chosen) = (self.all_edges(), self.chosen());
            text += &format!(
                "\nLEFT SEMI JOIN (\nSELECT source AS end_id FROM (\n{edges}\n) e WHERE {chosen}\nUNION\n\
                 SELECT target FROM (\n{edges}\n) e WHERE {chosen}\n) ends ON ends.end_id = n.id"
            );
        }
        text += "\nORDER BY n.id";
        Question { text, values: self.kinds.clone() }
    }

    /// The edges.
    pub(super) fn edges(&self, order: Order) -> Question {
        let edges = self.all_edges();
        let columns = match order {
            Order::Identity => "*",
            Order::Kind => "source, target, kind",
        };
        let mut text = format!("SELECT {columns} FROM (\n{edges}\n) e");
        if !self.kinds.is_empty() {
            text += &format!("\nWHERE {}", self.chosen());
        }
        text += match (order, self.of_symbols) {
            (Order::Kind, _) => "\nORDER BY kind, source, target",
            (Order::Identity, false) => "\nORDER BY id",
            (Order::Identity, true) => {
                "\nORDER BY kind, source, target, path, line, column_utf8, method, ambiguity_group, score, reason"
            }
        };
        Question { text, values: self.kinds.clone() }
    }

    fn all_edges(&self) -> &'static str {
        if self.of_symbols {
            include_str!("../../../exports/symbol_edges.sql")
        } else {
            include_str!("../../../exports/graph_edges.sql")
        }
    }

    /// The condition that an edge is of one of the kinds: as many placeholders as there are values.
    fn chosen(&self) -> String {
        let holes: Vec<String> = (1..=self.kinds.len()).map(|number| format!("${number}")).collect();
        format!("kind IN ({})", holes.join(", "))
    }
}

/// A lake that is asked.
pub(super) struct Questions<'a> {
    lake: &'a Lake,
    workers: &'a Workers,
    ruleset: Ruleset<'static>,
    memory: Memory,
}

impl<'a> Questions<'a> {
    pub(super) fn new(lake: &'a Lake, workers: &'a Workers, ruleset: Ruleset<'static>) -> Self {
        Self { lake, workers, ruleset, memory: Memory::default() }
    }

    /// What answers a question.
    pub(super) fn ask(&self, question: &Question) -> Result<Answer, Failure> {
        let parameter = |(number, value): (usize, &String)| GivenParameter {
            label: number.to_string(),
            value: GivenValue::Typed(value.as_str().into()),
        };
        let parameters: Vec<GivenParameter> = (1..).zip(&question.values).map(parameter).collect();
        let asking = Asking {
            ruleset: self.ruleset,
            memory: Some(&self.memory),
            parameters: &parameters,
            ..Asking::new(self.workers)
        };
        Ok(self.lake.ask(&Statement::query("export", &question.text), &asking)?)
    }

    /// The rows of an answer, in batches of one size.
    pub(super) fn rows<'b>(&'b self, answer: &'b Answer) -> Result<EvenRows<'b>, Failure> {
        let rows = answer.rows(self.workers)?;
        let coalescer = BatchCoalescer::new(SchemaRef::clone(&rows.schema), BATCH_ROWS);
        Ok(EvenRows { rows: Some(rows), coalescer })
    }

    /// The columns that a question's rows have. None is computed.
    pub(super) fn columns(&self, question: &Question) -> Result<SchemaRef, Failure> {
        let none =
            Question { text: format!("SELECT * FROM (\n{}\n) q LIMIT 0", question.text), ..question.clone() };
        let answer = self.ask(&none)?;
        Ok(Arc::clone(&answer.rows(self.workers)?.schema))
    }

    /// Calls a function with every batch of a question's rows.
    pub(super) fn each(
        &self,
        question: &Question,
        mut use_batch: impl FnMut(&RecordBatch) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let answer = self.ask(question)?;
        self.rows(&answer)?.try_for_each(|batch| use_batch(&batch?))
    }
}

/// Rows in batches of one size, but for the last.
pub(super) struct EvenRows<'a> {
    /// Nothing when all have been read.
    rows: Option<AnswerRows<'a>>,
    coalescer: BatchCoalescer,
}

impl EvenRows<'_> {
    fn filled(&mut self) -> Result<Option<RecordBatch>, Failure> {
        loop {
            if let Some(batch) = self.coalescer.next_completed_batch() {
                return Ok(Some(batch));
            }
            let Some(rows) = &mut self.rows else { return Ok(None) };
            match rows.next() {
                Some(batch) => self.coalescer.push_batch(batch?).map_err(unreadable)?,
                None => {
                    self.rows = None;
                    self.coalescer.finish_buffered_batch().map_err(unreadable)?;
                }
            }
        }
    }
}

impl Iterator for EvenRows<'_> {
    type Item = Result<RecordBatch, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        self.filled().transpose()
    }
}

/// A failure to handle rows of queries of the program's own.
pub(super) fn unreadable(error: impl std::fmt::Display) -> Failure {
    Failure::Bug(format!("rows of an export: {error}"))
}

#[cfg(test)]
mod tests {
    use super::GRAPH_KINDS;

    #[test]
    fn kinds_of_edges_are_those_of_the_page() {
        let page = include_str!("../../../specs/README.md");
        let (_, table) = page.split_once("| edge | from | to |").unwrap();
        let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
        let mut kinds: Vec<&str> = rows.filter_map(|line| line.split('`').nth(1)).collect();
        kinds.sort_unstable();
        assert_eq!(kinds, GRAPH_KINDS);
    }
}
