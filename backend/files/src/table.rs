//! A table of files: looked at once, then scanned by whoever reads it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

use ::arrow::datatypes::{Field, SchemaRef};
use delta::{Access, Location, Roots};
use futures::{StreamExt as _, TryStreamExt as _};
use ir::hash::ContentHash;
use ir::hash::canonical::Encoder;
use ir::op::{FileFormat, FileSource};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::columns::{self, Columns};
use crate::listing::{self, ListedFile, Place};
use crate::options::FormatOptions;
use crate::survey::guard::guarded;
use crate::survey::{SurveyedFile, arrow, csv, json, parquet};
use crate::{FileError, Result};

/// The files of a location, as they were when they were looked at. Cheap to clone.
#[derive(Clone)]
pub struct FileTable {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) location: String,
    place: Place,
    pub(crate) source: FileSource,
    pub(crate) options: FormatOptions,
    pub(crate) files: Vec<SurveyedFile>,
    pub(crate) columns: Columns,
    digest: ContentHash,
}

/// What a file of a table is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileIdentity {
    /// Its size in bytes.
    pub size: u64,
    /// The hash of its bytes.
    pub content: ContentHash,
}

/// So many files are looked at at a time.
const AT_ONCE: usize = 8;

/// Looks at the files of a location: reads each once. Relative locations count from `base`, which must be absolute. What
/// `roots` do not hold is refused before it is asked whether anything is there.
///
/// # Errors
/// Whatever keeps the files from being a table, with the file and the place in it; see [`FileError`].
pub async fn resolve(location: &str, source: &FileSource, base: &Path, roots: &Roots) -> Result<FileTable> {
    let options = FormatOptions::of(source)?;
    let place = Place::parse(location, base)?;
    // Nothing below it is a link, so all files are inside of it.
    roots.check(&place.root, Access::Read).map_err(|error| FileError::OutsideRoots(error.to_string()))?;
    let (text, format, listed) = (location.to_owned(), source.format, place.clone());
    let listed = blocking(location, move || listing::list(&listed, &text, format)).await?;
    let columns = columns::listed(source, location)?;
    let surveys = listed.into_iter().map(|file| {
        let (options, columns) = (options.clone(), columns.clone());
        async move {
            let shown = file.shown.clone();
            blocking(&shown, move || survey(&file, &options, columns.as_deref())).await
        }
    });
    let surveys = futures::stream::iter(surveys).buffered(AT_ONCE);
    let files: Vec<SurveyedFile> = surveys.try_collect().await?;
    let columns = columns::of(source, location, columns, &files)?;
    let digest = digest(&files);
    let (location, source) = (location.to_owned(), source.clone());
    Ok(FileTable { inner: Arc::new(Inner { location, place, source, options, files, columns, digest }) })
}

async fn blocking<T: Send + 'static>(
    file: &str,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|stopped| Err(FileError::unreadable(file, stopped)))
}

fn survey(file: &ListedFile, options: &FormatOptions, columns: Option<&[Field]>) -> Result<SurveyedFile> {
    match options {
        FormatOptions::Csv(form) => csv::survey(file, form, columns.is_none()),
        FormatOptions::Ndjson => json::survey(file, columns),
        FormatOptions::Parquet { binary_as_string } => {
            guarded(file, || parquet::survey(file, *binary_as_string))?
        }
        FormatOptions::Arrow => guarded(file, || arrow::survey(file))?,
    }
}

/// What the files are, wherever they lie.
fn digest(files: &[SurveyedFile]) -> ContentHash {
    let mut encoder = Encoder::new("codeanatomy listed files 1");
    encoder.list(files.len());
    for file in files {
        encoder.list(3).text(&file.file.name).integer(file.file.stamp.size).hash(&file.content);
    }
    encoder.finish()
}

impl FileTable {
    /// The location as the spec gives it.
    #[must_use]
    pub fn location(&self) -> &str {
        &self.inner.location
    }

    /// The place of the file or the folder; nothing for a pattern, which is in no one place.
    #[must_use]
    pub fn place(&self) -> Option<&Location> {
        (!self.inner.place.is_pattern()).then_some(&self.inner.place.root)
    }

    /// The file, the folder, or the folder in which a pattern begins: all files are there or below.
    #[must_use]
    pub fn root(&self) -> &Location {
        &self.inner.place.root
    }

    /// Whether its location is a pattern that leads into a folder. A table there would keep the files from being listed.
    #[must_use]
    pub fn leads_into(&self, folder: &Location) -> bool {
        self.inner.place.leads_into(folder)
    }

    /// What the files are.
    #[must_use]
    pub fn format(&self) -> FileFormat {
        self.inner.source.format
    }

    /// How they are read.
    #[must_use]
    pub fn source(&self) -> &FileSource {
        &self.inner.source
    }

    /// The columns that a scan gives, without one for the files.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.inner.columns.scanned
    }

    /// What the files are, wherever they lie: the hash of their paths below the location, sizes and contents, in the domain
    /// `codeanatomy listed files 1`.
    #[must_use]
    pub fn digest(&self) -> ContentHash {
        self.inner.digest
    }

    /// The number of rows, unless only reading the files would tell.
    #[must_use]
    pub fn rows(&self) -> Option<u64> {
        self.inner.files.iter().map(|file| file.rows).sum()
    }

    /// The bytes of all files.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.inner.files.iter().map(|file| file.file.stamp.size).fold(0, u64::saturating_add)
    }

    /// What each file is, by its path below the location; by its name, where the location is the file.
    #[must_use]
    pub fn files(&self) -> BTreeMap<String, FileIdentity> {
        let identity = |file: &SurveyedFile| {
            let identity = FileIdentity { size: file.file.stamp.size, content: file.content };
            (file.file.name.clone(), identity)
        };
        self.inner.files.iter().map(identity).collect()
    }
}

impl fmt::Debug for FileTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, format) = (self.inner.files.len(), self.format().name());
        write!(f, "FileTable({count} {format} files at {})", self.inner.location)
    }
}

/// The URL of a file, as lineage shows it.
pub(crate) fn url_of(file: &ListedFile) -> String {
    Url::from_file_path(&file.path).map_or_else(|()| file.shown.clone(), |url| url.to_string())
}
