//! What a form of a graph has to do, and who calls it.

use std::io;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Schema};

use super::questions::{Order, Part, Questions};
use crate::failure::Failure;
use crate::report::RowError;

/// Writes a graph in one form. Called in the order of its functions.
///
/// The columns of nodes begin with `id`; those of edges have `source`, `target` and `kind`, and may have `id`.
pub(super) trait GraphWriter {
    /// In which order edges are wanted.
    fn order(&self) -> Order {
        Order::Identity
    }

    /// Writes what stands before the first node, for nodes and edges of these columns.
    fn begin(&mut self, nodes: &Schema, edges: &Schema) -> Result<(), RowError>;

    /// Writes nodes, ordered by `id`.
    fn nodes(&mut self, batch: &RecordBatch) -> Result<(), RowError>;

    /// Writes edges.
    fn edges(&mut self, batch: &RecordBatch) -> Result<(), RowError>;

    /// Writes what stands behind the last edge, and brings all to the disk.
    fn finish(self: Box<Self>) -> Result<(), RowError>;
}

/// How much was written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Written {
    pub(super) nodes: u64,
    pub(super) edges: u64,
}

/// Writes a part of a graph.
pub(super) fn write_graph(
    questions: &Questions<'_>,
    part: &Part,
    mut writer: Box<dyn GraphWriter>,
) -> Result<Written, Failure> {
    let failed = |error: RowError| match error {
        RowError::Output(error) => Failure::output("the export", &error),
        RowError::Unprintable(reason) => Failure::Bug(format!("the export cannot be written: {reason}")),
    };
    let mut written = Written::default();
    let order = writer.order();
    let (nodes, edges) = (questions.columns(&part.nodes())?, questions.columns(&part.edges(order))?);
    writer.begin(&nodes, &edges).map_err(failed)?;
    questions.each(&part.nodes(), |batch| {
        written.nodes += rows(batch);
        writer.nodes(batch).map_err(failed)
    })?;
    questions.each(&part.edges(order), |batch| {
        written.edges += rows(batch);
        writer.edges(batch).map_err(failed)
    })?;
    writer.finish().map_err(failed)?;
    Ok(written)
}

fn rows(batch: &RecordBatch) -> u64 {
    u64::try_from(batch.num_rows()).unwrap_or(u64::MAX)
}

/// What a column holds, in few words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    Truth,
    Int,
    Long,
    Float,
    Text,
}

impl Holds {
    /// What a column of this type holds.
    pub(super) fn of(data_type: &DataType) -> Self {
        match data_type {
            DataType::Boolean => Self::Truth,
            DataType::Int8 | DataType::Int16 | DataType::Int32 => Self::Int,
            DataType::Int64 => Self::Long,
            DataType::Float32 | DataType::Float64 => Self::Float,
            _ => Self::Text,
        }
    }
}

/// Where a column is.
pub(super) fn place(columns: &Schema, name: &str) -> Result<usize, RowError> {
    columns.index_of(name).map_err(RowError::from)
}

/// The text of a column that has one in every row.
pub(super) fn text<'a>(row: &[Option<&'a str>], at: usize) -> Result<&'a str, RowError> {
    let missing = || {
        RowError::Output(io::Error::new(
            io::ErrorKind::InvalidData,
            "an edge or node lacks an end or its identifier",
        ))
    };
    row.get(at).copied().flatten().ok_or_else(missing)
}
