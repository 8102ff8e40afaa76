//! The tables of TPC-H, by the generators of the `tpchgen` project.

use std::path::Path;

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::error::ArrowError;
use tpchgen::generators::{
    CustomerGenerator, LineItemGenerator, NationGenerator, OrderGenerator, PartGenerator, PartSuppGenerator,
    RegionGenerator, SupplierGenerator,
};
use tpchgen_arrow::{
    CustomerArrow, LineItemArrow, NationArrow, OrderArrow, PartArrow, PartSuppArrow, RegionArrow,
    SupplierArrow,
};

use crate::failure::Result;
use crate::table::TableWriter;

/// Writes all tables of a scale factor below a folder.
///
/// # Errors
/// When they cannot be written.
pub(super) fn write(folder: &Path, scale_factor: f64) -> Result<()> {
    // Every table is generated as one part of one.
    let (part, parts) = (1, 1);
    table(folder, "nation", NationArrow::new(NationGenerator::new(scale_factor, part, parts)))?;
    table(folder, "region", RegionArrow::new(RegionGenerator::new(scale_factor, part, parts)))?;
    table(folder, "supplier", SupplierArrow::new(SupplierGenerator::new(scale_factor, part, parts)))?;
    table(folder, "part", PartArrow::new(PartGenerator::new(scale_factor, part, parts)))?;
    table(folder, "partsupp", PartSuppArrow::new(PartSuppGenerator::new(scale_factor, part, parts)))?;
    table(folder, "customer", CustomerArrow::new(CustomerGenerator::new(scale_factor, part, parts)))?;
    table(folder, "orders", OrderArrow::new(OrderGenerator::new(scale_factor, part, parts)))?;
    table(folder, "lineitem", LineItemArrow::new(LineItemGenerator::new(scale_factor, part, parts)))
}

fn table<T>(folder: &Path, name: &str, rows: T) -> Result<()>
where
    T: RecordBatchReader + Iterator<Item = std::result::Result<RecordBatch, ArrowError>>,
{
    let mut writer = TableWriter::create(&folder.join(name), &rows.schema())?;
    for batch in rows {
        writer.write(&batch?)?;
    }
    writer.finish()
}
