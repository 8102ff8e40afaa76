//! The files of a scan, as the Parquet reader takes them: made when the scan begins to run.
//!
//! DataFusion's entry for a file is some hundred bytes, and its rules copy whole lists of them: to divide the files among
//! partitions, and for every filter or limit that reaches the scan. A plan over hundreds of thousands of files, which may
//! never run, would take most of its memory for that. So a plan has as many empty groups as the scan has partitions, and
//! [`ScannedFiles`] fills them at the first row that is asked for.

use std::sync::Arc;

use arrow::array::ArrayRef;
use datafusion::catalog::Session;
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig};
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_plan::ExecutionPlan;
use deltalake::ObjectMeta;
use deltalake::Path as StorePath;

use crate::snapshot::ResolvedTable;

/// The files a scan reads, and how they are divided among its partitions.
pub(in crate::scan) struct ScannedFiles {
    table: ResolvedTable,
    /// Their places in the list of active files.
    kept: Vec<usize>,
    /// The values of each partition column, by the place of the file.
    partitions: Vec<ArrayRef>,
    with_url: bool,
    bytes: u64,
    /// How many bytes each partition reads; `None` when one reads all.
    stretch: Option<u64>,
}

impl std::fmt::Debug for ScannedFiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ScannedFiles({} of {:?})", self.kept.len(), self.table)
    }
}

impl ScannedFiles {
    /// The files at `kept`, all in one partition; `with_url` when their URLs are a column.
    pub(super) fn new(
        table: &ResolvedTable,
        kept: Vec<usize>,
        partitions: Vec<ArrayRef>,
        with_url: bool,
    ) -> Self {
        let sizes = kept.iter().filter_map(|&index| table.inner.files.get(index)).map(|file| file.size);
        let bytes = sizes.fold(0, u64::saturating_add);
        Self { table: table.clone(), kept, partitions, with_url, bytes, stretch: None }
    }

    /// Divided evenly by size, as the session divides files.
    pub(super) fn divided(self, session: &dyn Session) -> Self {
        let options = &session.config_options().optimizer;
        let least = u64::try_from(options.repartition_file_min_size).unwrap_or(u64::MAX);
        let partitions = u64::try_from(session.config().target_partitions()).unwrap_or(u64::MAX).max(1);
        let is_divided = options.repartition_file_scans && self.bytes >= least && self.bytes > 0;
        Self { stretch: is_divided.then(|| self.bytes.div_ceil(partitions)), ..self }
    }

    pub(super) fn count(&self) -> usize {
        self.kept.len()
    }

    /// Their size.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// As many groups as [`groups`](Self::groups) gives, all empty.
    pub(super) fn empty_groups(&self) -> Result<Vec<FileGroup>> {
        let count = self.stretch.map_or(1, |stretch| self.bytes.div_ceil(stretch));
        let count = usize::try_from(count).map_err(|_| too_many())?;
        Ok(vec![FileGroup::default(); count])
    }

    /// The files of each partition. A file may be read by several, each of which reads a range of its bytes: Parquet
    /// gives every row group to the range that its middle is in.
    pub(in crate::scan) fn groups(&self) -> Result<Vec<FileGroup>> {
        let root = StorePath::from_url_path(self.table.location().url().path())?;
        let Some(stretch) = self.stretch else {
            let files = self.kept.iter().map(|&index| self.file(index, &root));
            return Ok(vec![FileGroup::new(files.collect::<Result<_>>()?)]);
        };
        let mut groups: Vec<Vec<PartitionedFile>> = vec![Vec::new(); self.empty_groups()?.len()];
        let mut start: u64 = 0;
        for &index in &self.kept {
            let file = self.file(index, &root)?;
            let size = file.object_meta.size;
            for (group, from, to) in pieces(start, size, stretch) {
                let place = usize::try_from(group).map_err(|_| too_many())?.min(groups.len() - 1);
                let piece = if to - from == size { file.clone() } else { range(&file, from, to) };
                groups.get_mut(place).ok_or_else(too_many)?.push(piece);
            }
            start = start.saturating_add(size);
        }
        Ok(groups.into_iter().map(FileGroup::new).collect())
    }

    fn file(&self, index: usize, root: &StorePath) -> Result<PartitionedFile> {
        let file = self.table.inner.files.get(index);
        let file = file.ok_or_else(|| DataFusionError::Internal("a file went missing".into()))?;
        let mut values: Vec<ScalarValue> = self
            .partitions
            .iter()
            .map(|values| ScalarValue::try_from_array(values, index))
            .collect::<Result<_>>()?;
        if self.with_url {
            values.push(ScalarValue::Utf8View(Some(file_url(&self.table, &file.path))));
        }
        Ok(entry(root, &file.path, file.size)?.with_partition_values(values))
    }
}

/// A file of a table at `root`, by its path in the table. The reader looks for the footer at the end, so the size must be
/// right; when it was written is not asked.
pub(super) fn entry(root: &StorePath, path: &str, size: u64) -> Result<PartitionedFile> {
    let location = StorePath::parse(format!("{root}/{path}"))?;
    let last_modified = std::time::SystemTime::UNIX_EPOCH.into();
    Ok(ObjectMeta { location, last_modified, size, e_tag: None, version: None }.into())
}

/// What an operator reads, if it reads files.
pub(in crate::scan) fn file_scan(node: &Arc<dyn ExecutionPlan>) -> Option<&FileScanConfig> {
    node.downcast_ref::<DataSourceExec>()?.data_source().downcast_ref::<FileScanConfig>()
}

/// Which stretches a file of `size` bytes lies in that begins `start` bytes after the first one, and the range of its
/// bytes in each. An empty file lies in one, so that its reader says that it is no Parquet file.
fn pieces(start: u64, size: u64, stretch: u64) -> impl Iterator<Item = (u64, u64, u64)> {
    let end = start.saturating_add(size);
    let last = end.saturating_sub(1).max(start) / stretch;
    (start / stretch..=last).map(move |group| {
        let from = group.saturating_mul(stretch).max(start) - start;
        let to = (group + 1).saturating_mul(stretch).min(end) - start;
        (group, from, to)
    })
}

fn range(file: &PartitionedFile, from: u64, to: u64) -> PartitionedFile {
    let at = |offset: u64| i64::try_from(offset).unwrap_or(i64::MAX);
    file.clone().with_range(at(from), at(to))
}

fn too_many() -> DataFusionError {
    DataFusionError::Internal("files are divided among more partitions than there are".into())
}

/// The URL of a file, as the Delta library spells it.
fn file_url(table: &ResolvedTable, path: &str) -> String {
    let mut url = table.location().url().clone();
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path.split('/'));
    }
    url.into()
}

#[cfg(test)]
mod tests {
    use super::pieces;

    #[test]
    fn every_byte_of_every_file_is_in_one_piece_and_no_stretch_has_more_than_its_share() {
        for sizes in [&[1][..], &[10, 0, 3], &[0], &[7, 7, 7, 7], &[100, 1, 1, 1], &[1, 1, 1, 100], &[5, 0]] {
            let total: u64 = sizes.iter().sum();
            for partitions in 1..9 {
                let stretch = total.max(1).div_ceil(partitions);
                let mut start = 0;
                let mut filled = vec![0; 9];
                for &size in sizes {
                    let mut next = 0;
                    for (group, from, to) in pieces(start, size, stretch) {
                        assert_eq!(from, next, "{sizes:?} in {partitions}");
                        assert!(to > from || size == 0);
                        filled[group as usize] += to - from;
                        next = to;
                    }
                    assert_eq!(next, size, "{sizes:?} in {partitions}");
                    start += size;
                }
                assert!(
                    filled.iter().all(|filled| *filled <= stretch),
                    "{sizes:?} in {partitions}: {filled:?}"
                );
            }
        }
    }
}
