//! Inputs as scans of the tables that were opened for them.

use ir::estimate::Estimate;
use ir::op::{FileSource, Identity, Input, Read, Scan};
use ir::oracle::TableError;
use ir::schema::Schema;

use crate::error::file_error;
use crate::tables::Tables;

/// The rows assumed where statistics do not tell.
const UNKNOWN_ROWS: u64 = 1000;

/// A scan of a Delta table, and its columns.
pub(super) fn of_table(tables: &Tables, input: &Input, read: &Read) -> Result<(Scan, Schema), TableError> {
    let table = tables.table(&input.location, input.version)?;
    // Metadata and file lists are not rows of files, so they have no lineage.
    let lineage = input.lineage.clone().filter(|_| *read == Read::Rows);
    let schema = tables.schema(table, read, lineage.as_deref())?;
    let rows = match read {
        Read::Rows => table.rows().map_or(Estimate::unknown(UNKNOWN_ROWS), Estimate::exact),
        Read::Changes(_) => Estimate::unknown(table.rows().unwrap_or(UNKNOWN_ROWS)),
        Read::Metadata => Estimate::exact(1),
        Read::Files => Estimate::exact(u64::try_from(table.files()).unwrap_or(u64::MAX)),
    };
    let scan = Scan {
        location: input.location.clone(),
        version: table.version(),
        identity: Some(tables.identity(table, read, lineage.is_some())?),
        read: read.clone(),
        files: None,
        lineage,
        partitioned_by: table.partition_columns().to_vec(),
        columns: None,
        rows,
    };
    Ok((scan, schema))
}

/// A scan of files, and their columns.
pub(super) fn of_files(
    tables: &Tables,
    input: &Input,
    source: &FileSource,
    read: &Read,
) -> Result<(Scan, Schema), TableError> {
    let table = tables.files(&input.location, source)?;
    let what = match read {
        Read::Rows => None,
        Read::Changes(_) => Some("no versions, so that there are no changes"),
        Read::Metadata | Read::Files => Some("no log, which would tell"),
    };
    if let Some(what) = what {
        return Err(TableError::Files(format!(
            "`{}` is {} files, which have {what}; this transform reads a Delta table",
            input.location,
            source.format.name()
        )));
    }
    let schema = files::scan_schema(table, input.lineage.as_deref()).map_err(file_error)?;
    let place = input.lineage.is_some().then(|| table.root().url().to_string());
    let identity = Identity {
        table_id: source.format.name().to_owned(),
        commit: None,
        listing: Some(table.digest()),
        place,
    };
    let scan = Scan {
        location: input.location.clone(),
        version: 0,
        identity: Some(identity),
        read: Read::Rows,
        files: Some(source.clone()),
        lineage: input.lineage.clone(),
        partitioned_by: Vec::new(),
        columns: None,
        rows: table.rows().map_or(Estimate::unknown(UNKNOWN_ROWS), Estimate::exact),
    };
    Ok((scan, Schema::from_arrow(&schema)))
}
