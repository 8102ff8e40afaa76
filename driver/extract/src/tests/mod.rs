//! Tests over small programs, with the tables they give.

mod bindings;
mod damaged;
mod lexical;
mod long;
mod meanings;
mod repositories;
mod rust;
mod symbols;
mod typescript;

use std::collections::HashMap;
use std::path::Path;

use arrow::array::{Array, BooleanArray, Int32Array, Int64Array, RecordBatch, StringArray};

use crate::{Options, Table, TableSink, extract};

#[derive(Default)]
struct Tables(HashMap<Table, Vec<RecordBatch>>);

impl TableSink for Tables {
    fn append(
        &mut self,
        table: Table,
        batch: RecordBatch,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        assert_eq!(batch.schema(), table.schema());
        self.0.entry(table).or_default().push(batch);
        Ok(())
    }
}

impl Tables {
    fn of(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("temporary folder");
        for (path, text) in files {
            let place = folder.path().join(path);
            std::fs::create_dir_all(place.parent().expect("parent")).expect("folder");
            std::fs::write(place, text).expect("file");
        }
        Self::read(folder.path())
    }

    fn read(folder: &Path) -> Self {
        let mut tables = Self::default();
        let summary = extract(&[folder.into()], &Options::default(), &mut tables).expect("extraction");
        assert_eq!(summary.ambiguous_lookups, 0);
        tables
    }

    fn rows(&self, table: Table) -> Vec<HashMap<String, String>> {
        let mut rows = Vec::new();
        for batch in self.0.get(&table).into_iter().flatten() {
            let schema = batch.schema();
            for row in 0..batch.num_rows() {
                let cells = schema
                    .fields()
                    .iter()
                    .zip(batch.columns())
                    .map(|(field, column)| (field.name().clone(), cell(column, row)));
                rows.push(cells.collect());
            }
        }
        rows
    }
}

fn cell(column: &dyn Array, row: usize) -> String {
    if column.is_null(row) {
        return "NULL".to_owned();
    }
    let any = column.as_any();
    if let Some(values) = any.downcast_ref::<Int64Array>() {
        return values.value(row).to_string();
    }
    if let Some(values) = any.downcast_ref::<Int32Array>() {
        return values.value(row).to_string();
    }
    if let Some(values) = any.downcast_ref::<StringArray>() {
        return values.value(row).to_owned();
    }
    if let Some(values) = any.downcast_ref::<BooleanArray>() {
        return values.value(row).to_string();
    }
    String::new()
}

type Row = HashMap<String, String>;
