//! Transforms beside those of plain relations: identifiers, tables of a graph, what a table's log says; and parameters.

use crate::value::{Type, Value};

/// Identifiers, lengths of spans and normal forms of texts, behind the columns of a source.
///
/// The identifier hashes the name of the view. Spans are structs, which are written as their lengths by a second view.
#[derive(Clone, Debug)]
pub struct Normalize {
    /// The source.
    pub source: String,
    /// The columns that identify a row.
    pub id_columns: Vec<String>,
    /// The columns with the start and the end of a span, and the name for its length.
    pub span: Option<([String; 2], String)>,
    /// The texts that are normalized.
    pub text_columns: Vec<String>,
}

impl Normalize {
    /// The names and types of the columns that it adds.
    #[must_use]
    pub fn added(&self) -> Vec<super::Column> {
        let id = (!self.id_columns.is_empty()).then(|| ("entity_id".to_owned(), Type::Text));
        let length = self.span.iter().map(|(_, name)| (name.clone(), Type::Int));
        let texts = self.text_columns.iter().map(|name| (format!("{name}_normalized"), Type::Text));
        id.into_iter().chain(texts).chain(length).collect()
    }

    /// The name that identifiers are made with, for a view.
    #[must_use]
    pub fn kind(&self, view: &str) -> String {
        if self.span.is_some() { format!("{view}_spans") } else { view.to_owned() }
    }
}

/// A table of a code property graph, made of three columns of each source and turned back into them.
#[derive(Clone, Debug)]
pub struct Graph {
    /// Which table.
    pub table: GraphTable,
    /// The sources, with the columns for an identifier, a number and a text.
    pub sources: Vec<(String, [String; 3])>,
}

/// Tables of a code property graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "they have the names of the spec")]
pub enum GraphTable {
    Nodes,
    Edges,
    Props,
    PropsMap,
    EdgesBySrc,
    EdgesByDst,
}

impl GraphTable {
    /// All tables.
    pub const ALL: [Self; 6] =
        [Self::Nodes, Self::Edges, Self::Props, Self::PropsMap, Self::EdgesBySrc, Self::EdgesByDst];
}

/// What the log of an input says of it.
#[derive(Clone, Debug)]
pub enum LogRead {
    /// What changed from a version to a version, both included.
    Changes {
        /// The first version; that of the table's beginning without one.
        from: Option<u64>,
        /// The last version; that of the input without one.
        to: Option<u64>,
    },
    /// The version that is read.
    Version,
    /// How many rows each file has, and how many of its rows are deleted.
    Files,
}

/// A parameter that keeps rows whose column equals a value.
#[derive(Clone, Debug)]
pub struct RowFilter {
    /// The input or view; all inputs with the column without one.
    pub relation: Option<String>,
    /// The column.
    pub column: String,
    /// The value; NULL keeps the rows without one.
    pub value: Value,
    /// The type of the value.
    pub of: Type,
}

impl RowFilter {
    /// Whether it is about a relation.
    #[must_use]
    pub fn is_of(&self, relation: &str, is_input: bool, columns: &[super::Column]) -> bool {
        match &self.relation {
            Some(name) => name == relation,
            None => is_input && columns.iter().any(|(name, _)| *name == self.column),
        }
    }
}
