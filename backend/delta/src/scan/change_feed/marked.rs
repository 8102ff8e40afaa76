//! Files of a change feed with deletion vectors, which the Delta library reads wrongly by itself.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::catalog::Session;
use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::common::{Result as EngineResult, ScalarValue};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::FileScanConfigBuilder;
use datafusion::datasource::physical_plan::parquet::{ParquetAccessPlan, RowGroupAccess};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::DataFusionError;
use datafusion::physical_plan::ExecutionPlan;
use parquet::arrow::arrow_reader::RowSelector;

use crate::error::DeltaError;
use crate::scan::direct::{check_files, file_scan, files_of, footers, store_url};
use crate::snapshot::ResolvedTable;

/// A file of a commit that has a deletion vector there.
#[derive(Clone, Debug)]
pub(in crate::scan) struct MarkedFile {
    /// Its path in the table.
    pub(super) path: String,
    /// Bytes.
    pub(super) size: u64,
    /// The version.
    pub(super) version: u64,
    /// Whether the file came or went, with all rows that its vector leaves. Otherwise only its vector has changed.
    pub(super) is_whole: bool,
}

/// Looks at the files with deletion vectors, which the library opens when it plans.
///
/// # Errors
/// When a file cannot be read, or has several row groups: the library counts the rows of each from the first row of the file.
pub(in crate::scan) async fn check_marked(
    session: &dyn Session,
    table: &ResolvedTable,
    marked: &[MarkedFile],
) -> EngineResult<()> {
    let files = || files_of(table, marked.iter().map(|file| (file.path.as_str(), file.size)));
    let store = store_url(table)?;
    check_files(session, &store, table, files()?).await?;
    let footers = footers(session, &store, table, files()?).await?;
    let several = marked.iter().zip(footers).find(|(_, footer)| footer.num_row_groups() > 1);
    let Some((file, footer)) = several else { return Ok(()) };
    let reason = format!(
        "the file `{}` of version {} has a deletion vector and {} row groups; the changes of such files cannot be read; \
         leave this version out, or read the table itself",
        file.path,
        file.version,
        footer.num_row_groups()
    );
    let error = DeltaError::InvalidChangeRange { location: table.location().text().into(), reason };
    Err(DataFusionError::External(Box::new(error)))
}

/// The plan of the library's feed, reading of files that came or went the rows that their deletion vectors leave. The library reads
/// those that are marked as deleted, which is right only where nothing but the vector has changed.
pub(in crate::scan) fn with_live_rows(
    plan: Arc<dyn ExecutionPlan>,
    marked: &[MarkedFile],
) -> EngineResult<Arc<dyn ExecutionPlan>> {
    let whole: HashSet<(&str, u64)> =
        marked.iter().filter(|file| file.is_whole).map(|file| (file.path.as_str(), file.version)).collect();
    if whole.is_empty() {
        return Ok(plan);
    }
    let turned = plan.transform_up(|node| {
        let Some(config) = file_scan(&node) else { return Ok(Transformed::no(node)) };
        let with_live_rows = |file: &PartitionedFile| {
            let version = file.partition_values.iter().find_map(|value| match value {
                // No other column of a feed has this type.
                ScalarValue::UInt64(version) => *version,
                _ => None,
            });
            let place = version.map(|version| (file.object_meta.location.as_ref(), version));
            match (place, file.extension::<ParquetAccessPlan>()) {
                (Some(place), Some(access)) if whole.contains(&place) => {
                    file.clone().with_extension(other_rows(access))
                }
                _ => file.clone(),
            }
        };
        let groups =
            config.file_groups.iter().map(|group| group.iter().map(with_live_rows).collect()).collect();
        let config = FileScanConfigBuilder::from(config.clone()).with_file_groups(groups).build();
        Ok(Transformed::yes(DataSourceExec::from_data_source(config) as Arc<dyn ExecutionPlan>))
    })?;
    Ok(turned.data)
}

/// The rows that an access plan leaves out.
fn other_rows(access: &ParquetAccessPlan) -> ParquetAccessPlan {
    let turned = access.inner().iter().map(|group| match group {
        RowGroupAccess::Skip => RowGroupAccess::Scan,
        RowGroupAccess::Scan => RowGroupAccess::Skip,
        RowGroupAccess::Selection(rows) => {
            let turn = |rows: &RowSelector| RowSelector { skip: !rows.skip, ..*rows };
            RowGroupAccess::Selection(rows.iter().map(turn).collect::<Vec<_>>().into())
        }
    });
    ParquetAccessPlan::new(turned.collect())
}
