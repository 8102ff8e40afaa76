//! Forms that are rows: JSON, an object a line, and Parquet, also with indices for learning on graphs.

use std::io;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray as _, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};

use super::questions::Order;
use super::target::{EDGES, NODES, Output, Target, close};
use super::writers::{GraphWriter, place};
use crate::cli::Format;
use crate::failure::Failure;
use crate::report::{Layout, RowError, RowWriter, row_writer};

/// Rows in a file.
struct File {
    out: Output,
    /// Nothing before the columns are known.
    writer: Option<Box<dyn RowWriter>>,
}

impl File {
    fn new(out: Output) -> Self {
        Self { out, writer: None }
    }

    fn begin(&mut self, format: Format, columns: &Schema) -> Result<(), RowError> {
        self.writer = Some(row_writer(format, &Arc::new(columns.clone()), Layout::default())?);
        Ok(())
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<(), RowError> {
        self.writer.as_mut().map_or(Ok(()), |writer| writer.write(batch, &mut self.out))
    }

    fn finish(mut self) -> Result<(), RowError> {
        if let Some(writer) = &mut self.writer {
            writer.finish(&mut self.out)?;
        }
        Ok(close(self.out)?)
    }
}

/// JSON, an object a line: nodes, then edges.
pub(super) struct Lines {
    file: File,
}

impl Lines {
    pub(super) fn new(out: Output) -> Self {
        Self { file: File::new(out) }
    }

    fn write(&mut self, what: &str, batch: &RecordBatch) -> Result<(), RowError> {
        let column = StringArray::from(vec![what; batch.num_rows()]);
        self.file.write(&with_column("type", Arc::new(column), batch)?)
    }
}

impl GraphWriter for Lines {
    fn begin(&mut self, nodes: &Schema, _: &Schema) -> Result<(), RowError> {
        // Of the columns nothing is written but with the rows.
        self.file.begin(Format::Ndjson, nodes)
    }

    fn nodes(&mut self, batch: &RecordBatch) -> Result<(), RowError> {
        self.write("node", batch)
    }

    fn edges(&mut self, batch: &RecordBatch) -> Result<(), RowError> {
        self.write("edge", batch)
    }

    fn finish(self: Box<Self>) -> Result<(), RowError> {
        self.file.finish()
    }
}

/// Two files of Parquet.
pub(super) struct Tables {
    nodes: File,
    edges: File,
}

impl Tables {
    pub(super) fn new(target: &Target) -> Result<Self, Failure> {
        Ok(Self { nodes: File::new(target.file_in(NODES)?), edges: File::new(target.file_in(EDGES)?) })
    }
}

impl GraphWriter for Tables {
    fn begin(&mut self, nodes: &Schema, edges: &Schema) -> Result<(), RowError> {
        self.nodes.begin(Format::Parquet, nodes)?;
        self.edges.begin(Format::Parquet, edges)
    }

    fn nodes(&mut self, batch: &RecordBatch) -> Result<(), RowError> {
        self.nodes.write(batch)
    }

    fn edges(&mut self, batch: &RecordBatch) -> Result<(), RowError> {
        self.edges.write(batch)
    }

    fn finish(self: Box<Self>) -> Result<(), RowError> {
        self.nodes.finish()?;
        self.edges.finish()
    }
}

/// Nodes with numbers, and edges as pairs of these.
pub(super) struct Pairs {
    tables: Tables,
    /// The identifiers of nodes in their order: a node's number is its place. Eight bytes a node are held.
    ids: Vec<i64>,
}

impl Pairs {
    pub(super) fn new(target: &Target) -> Result<Self, Failure> {
        Ok(Self { tables: Tables::new(target)?, ids: Vec::new() })
    }

    /// The numbers of the nodes that a column of edges names.
    fn indices(&self, batch: &RecordBatch, column: &str) -> Result<ArrayRef, RowError> {
        let ends = batch.column(place(&batch.schema(), column)?).as_primitive::<Int64Type>();
        let index = |id: &i64| {
            let place = self.ids.binary_search(id).ok().and_then(|place| i64::try_from(place).ok());
            place.ok_or_else(|| RowError::Unprintable(format!("an edge ends at {id}, which is no node")))
        };
        let indices: Result<Vec<i64>, RowError> = ends.values().iter().map(index).collect();
        Ok(Arc::new(Int64Array::from(indices?)))
    }
}

impl GraphWriter for Pairs {
    fn order(&self) -> Order {
        Order::Kind
    }

    fn begin(&mut self, nodes: &Schema, _: &Schema) -> Result<(), RowError> {
        let index = Field::new("index", DataType::Int64, false);
        let fields = std::iter::once(Arc::new(index)).chain(nodes.fields().iter().cloned());
        self.tables.nodes.begin(Format::Parquet, &Schema::new(fields.collect::<Vec<_>>()))?;
        let pairs =
            [("src_index", DataType::Int64), ("dst_index", DataType::Int64), ("edge_kind", DataType::Utf8)];
        let fields: Vec<Field> = pairs.into_iter().map(|(name, of)| Field::new(name, of, false)).collect();
        self.tables.edges.begin(Format::Parquet, &Schema::new(fields))
    }

    fn nodes(&mut self, batch: &RecordBatch) -> Result<(), RowError> {
        let ids = batch.column(place(&batch.schema(), "id")?).as_primitive::<Int64Type>();
        let first = self.ids.len();
        self.ids.extend(ids.values());
        let number =
            |place: usize| i64::try_from(place).map_err(|error| RowError::Output(io::Error::other(error)));
        let indices: Result<Vec<i64>, RowError> = (first..self.ids.len()).map(number).collect();
        self.tables.nodes.write(&with_column("index", Arc::new(Int64Array::from(indices?)), batch)?)
    }

    fn edges(&mut self, batch: &RecordBatch) -> Result<(), RowError> {
        let kinds = arrow::compute::cast(batch.column(place(&batch.schema(), "kind")?), &DataType::Utf8)?;
        let columns = [
            ("src_index", self.indices(batch, "source")?),
            ("dst_index", self.indices(batch, "target")?),
            ("edge_kind", kinds),
        ];
        let fields: Vec<Field> = columns
            .iter()
            .map(|(name, column)| Field::new(*name, column.data_type().clone(), false))
            .collect();
        let columns = columns.into_iter().map(|(_, column)| column).collect();
        self.tables.edges.write(&RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
    }

    fn finish(self: Box<Self>) -> Result<(), RowError> {
        Box::new(self.tables).finish()
    }
}

/// A batch with one more column before all others.
fn with_column(name: &str, column: ArrayRef, batch: &RecordBatch) -> Result<RecordBatch, RowError> {
    let field = Arc::new(Field::new(name, column.data_type().clone(), false));
    let fields: Vec<_> = std::iter::once(field).chain(batch.schema().fields().iter().cloned()).collect();
    let columns = std::iter::once(column).chain(batch.columns().iter().cloned()).collect();
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}
