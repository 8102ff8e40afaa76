//! Arguments of commands that read source code.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use pipeline::Repository;
use pipeline::configuration::parse_size;

use super::{Detail, parse_seconds};
use crate::failure::Failure;

/// Arguments of `build`.
#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    #[command(flatten)]
    pub(crate) repositories: RepositoryArgs,
    /// The folder for the tables [default: that of the configuration, or REPO/.codeanatomy/lake where there is one REPO]
    #[arg(long, value_name = "DIR")]
    pub(crate) lake: Option<PathBuf>,
    /// How much is written
    #[arg(long, value_enum, default_value_t, value_name = "DETAIL")]
    pub(crate) detail: Detail,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
}

/// Arguments of `extract`.
#[derive(Debug, Args)]
pub(crate) struct ExtractArgs {
    #[command(flatten)]
    pub(crate) repositories: RepositoryArgs,
    /// The folder for the tables
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    #[command(flatten)]
    pub(crate) source: SourceArgs,
}

/// Which source code is read.
#[derive(Debug, Args)]
pub(crate) struct SourceArgs {
    /// Paths to leave out, in .gitignore syntax; may be given several times
    #[arg(long, value_name = "PATTERN")]
    pub(crate) exclude: Vec<String>,
    /// The largest file that is parsed [default: 8MiB]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub(crate) max_file_size: Option<u64>,
    /// How many seconds one file may be worked on; those that take longer are listed in `extract_errors` [default: 30]
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    pub(crate) file_time_limit: Option<Duration>,
}

/// The repositories that a command reads.
#[derive(Debug, Args)]
pub(crate) struct RepositoryArgs {
    /// The repository's folder, or NAME=DIR. Several make one graph, in which they find each other's modules; their paths
    /// begin with their names, those of the folders where none is given
    #[arg(value_name = "REPO", required = true)]
    repositories: Vec<PathBuf>,
}

impl RepositoryArgs {
    /// The repositories, as given: one has a name only where the command line gives it one.
    ///
    /// # Errors
    /// For what is no folder, and for several of which one has no name.
    pub(crate) fn repositories(&self) -> Result<Vec<Repository>, Failure> {
        let several = self.repositories.len() > 1;
        self.repositories.iter().map(|given| repository(given, several)).collect()
    }
}

fn repository(given: &Path, named: bool) -> Result<Repository, Failure> {
    let mut repository = Repository::from(given);
    if !given.is_dir()
        && let Some((name, folder)) = given.to_str().and_then(|text| text.split_once('='))
        && !name.contains(['/', '\\'])
    {
        repository = Repository { name: Some(name.to_owned()), ..Repository::from(Path::new(folder)) };
    }
    let shown = repository.root.display();
    if !repository.root.is_dir() {
        return Err(Failure::User(format!("`{shown}` is not a folder; give the folder of a repository")));
    }
    if named && repository.name.is_none() {
        // `.` and `..` have no names of their own.
        let real = repository.root.canonicalize().ok();
        let name = real.as_deref().and_then(Path::file_name).and_then(|name| name.to_str());
        let Some(name) = name else {
            return Err(Failure::User(format!(
                "the folder `{shown}` has no name that can be a part of paths; give it one, as in `NAME={shown}`"
            )));
        };
        repository.name = Some(name.to_owned());
    }
    Ok(repository)
}

#[cfg(test)]
mod tests {
    use super::repository;
    use std::path::Path;

    #[test]
    fn a_folder_has_its_name_or_the_given_one() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a=b");
        std::fs::create_dir(&inner).unwrap();
        let name = |given: &Path, named| repository(given, named).unwrap().name;
        assert_eq!(name(&inner, false), None);
        assert_eq!(name(&inner, true).as_deref(), Some("a=b"));
        assert_eq!(name(&inner.join("."), true).as_deref(), Some("a=b"));
        let given = format!("x={}", inner.display());
        assert_eq!(name(Path::new(&given), false).as_deref(), Some("x"));
        assert!(repository(Path::new("x=/no/such/folder"), true).is_err());
    }
}
