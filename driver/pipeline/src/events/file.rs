//! Files that get a line for everything that happens.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::folders::{absolute, foreign};
use crate::{Locks, PipelineError, Result, Source};

/// The folder of the log of a Delta table.
const DELTA_LOG: &str = "_delta_log";

/// A file, or whatever can be opened like one, that lines are added to. Each line is one call of the system, so that of a
/// program that is killed whole lines are there, and lines of several programs do not mix.
pub(crate) struct LineFile {
    path: PathBuf,
    /// The same, with links to its folder followed.
    real: PathBuf,
    file: Box<dyn Write + Send>,
    /// Whether the file was not there before.
    is_new: bool,
    /// Why nothing is written any more.
    failure: Option<io::Error>,
}

impl LineFile {
    /// Opens a file, which is made if it is not there, to add lines to. A file that holds something must begin with
    /// `beginning`, as what is added does: nothing else is added to.
    ///
    /// # Errors
    /// When it cannot be opened, lies in a Delta table, or holds something else.
    pub(crate) fn open(path: &Path, beginning: &str) -> Result<Self> {
        let path = absolute(path)?;
        // Links to the folder are the user's own; what is looked at is what is written to.
        let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
        let real =
            folder.zip(path.file_name()).map_or_else(|| path.clone(), |(folder, name)| folder.join(name));
        if real.ancestors().any(|folder| folder.join(DELTA_LOG).is_dir()) {
            return Err(in_a_table(&path));
        }
        let unusable = |error| PipelineError::file("add lines to", &path, error);
        let is_new = path.symlink_metadata().is_err();
        let mut file = OpenOptions::new().append(true).create(true).open(&path).map_err(unusable)?;
        let metadata = file.metadata().map_err(unusable)?;
        if metadata.is_file() && metadata.len() > 0 {
            let held = Held::of(&path, beginning).map_err(unusable)?;
            if !held.is_ours {
                let reason = "it holds something else than what would be added to it";
                return Err(foreign(&path, reason, "give a new file"));
            }
            // A line that a power cut has left without its end.
            if !held.is_whole {
                file.write_all(b"\n").map_err(unusable)?;
            }
        }
        Ok(Self { path, real, file: Box::new(file), is_new, failure: None })
    }

    /// Adds lines to what is written elsewhere, called `name` in messages.
    pub(crate) fn to(name: &str, file: Box<dyn Write + Send>) -> Self {
        Self { path: PathBuf::from(name), real: PathBuf::new(), file, is_new: false, failure: None }
    }

    /// Fails when the file lies where an output of a spec is or will be. It is deleted then if it was not there before.
    ///
    /// # Errors
    /// See above.
    pub(crate) fn is_outside_of(&self, source: &Source) -> Result<()> {
        let outputs = source.spec.output_targets.iter();
        let locations = outputs.map(|output| output.delta_location.as_ref().unwrap_or(&output.table_name));
        let mut folders = Locks::places(&source.base_dir, locations.map(String::as_str));
        if !folders.any(|folder| self.real.starts_with(folder)) {
            return Ok(());
        }
        if self.is_new {
            // What cannot be deleted is an empty file more.
            let _ = std::fs::remove_file(&self.path);
        }
        Err(in_a_table(&self.path))
    }

    /// Adds a line. After the first that fails nothing is written: what is there has no gaps.
    pub(crate) fn add(&mut self, mut line: Vec<u8>) {
        if self.failure.is_none() {
            line.push(b'\n');
            self.failure = self.file.write_all(&line).and_then(|()| self.file.flush()).err();
        }
    }

    /// The file and why lines are missing in it, if they are.
    pub(crate) fn failure(&self) -> Option<(&Path, &io::Error)> {
        self.failure.as_ref().map(|error| (self.path.as_path(), error))
    }
}

fn in_a_table(path: &Path) -> PipelineError {
    foreign(path, "it lies in the folder of a Delta table", "give a file elsewhere")
}

/// What a file holds already.
struct Held {
    is_ours: bool,
    /// Whether its last line has an end.
    is_whole: bool,
}

impl Held {
    fn of(path: &Path, beginning: &str) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let mut first = Vec::new();
        let length = u64::try_from(beginning.len()).unwrap_or(u64::MAX);
        (&file).take(length).read_to_end(&mut first)?;
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        Ok(Self { is_ours: first == beginning.as_bytes(), is_whole: last == *b"\n" })
    }
}
