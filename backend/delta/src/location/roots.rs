//! The folders that a spec may read and write: the boundary between what somebody else wrote and what its user allows.
//!
//! A spec names places by texts, and whoever wrote it chose them; so do the links in the folders it names. Where each of
//! them leads is found out first ([`Location`]), and only then compared, so that no spelling of a place matters. What is
//! outside is refused before it is asked whether anything is there.

use std::fmt;
use std::path::{Path, PathBuf};

use super::{Location, walk};
use crate::error::{DeltaError, Result};

/// What is done to a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// It is read.
    Read,
    /// It is written, and read where that is needed.
    Write,
}

impl Access {
    /// What a spec may do, as a verb.
    #[must_use]
    pub fn verb(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.verb())
    }
}

/// Folders that may be read, and folders that may be written. What may be written may be read.
///
/// By default nothing may be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roots {
    /// Canonical folders.
    folders: Vec<(PathBuf, Access)>,
    everywhere: bool,
}

impl Roots {
    /// No boundary: for places that a user gave, and not a spec.
    #[must_use]
    pub fn everywhere() -> Self {
        Self { folders: Vec::new(), everywhere: true }
    }

    /// A folder and all that is below it, for reading and writing.
    ///
    /// # Errors
    /// As [`Self::with`].
    pub fn below(folder: &Path) -> Result<Self> {
        Self::default().with(folder, Access::Write)
    }

    /// One more folder, with all that is below it. Symbolic links on the way to it are followed now; it need not exist.
    ///
    /// # Errors
    /// [`DeltaError::InvalidLocation`] for a path that is not absolute, and for one that leads nowhere: links in a circle.
    pub fn with(mut self, folder: &Path, access: Access) -> Result<Self> {
        let folder = canonical(folder)?;
        if !self.folders.iter().any(|(known, what)| *known == folder && *what == access) {
            self.folders.push((folder, access));
        }
        Ok(self)
    }

    /// The folders, as given but for the links, each with what may be done in it. None of them says that there is a
    /// boundary: see [`Self::everywhere`].
    pub fn folders(&self) -> impl Iterator<Item = (&Path, Access)> {
        self.folders.iter().map(|(folder, access)| (folder.as_path(), *access))
    }

    /// Where a path leads, when that is a place that may be used: absolute, and without links as far as it exists. What
    /// is opened afterwards must be what this gives.
    ///
    /// # Errors
    /// [`DeltaError::OutsideRoots`]; [`DeltaError::InvalidLocation`] for a path that is not absolute or leads nowhere.
    pub fn admit(&self, path: &Path, access: Access) -> Result<PathBuf> {
        let place = canonical(path)?;
        if self.hold(&place, access) {
            return Ok(place);
        }
        Err(refused(&path.to_string_lossy(), &place, access))
    }

    /// [`Self::admit`] for reading.
    ///
    /// # Errors
    /// The same.
    pub fn admit_read(&self, path: &Path) -> Result<PathBuf> {
        self.admit(path, Access::Read)
    }

    /// Refuses a table at a place that may not be used.
    ///
    /// # Errors
    /// [`DeltaError::OutsideRoots`].
    pub fn check(&self, location: &Location, access: Access) -> Result<()> {
        match location.as_path() {
            Some(place) if !self.hold(&place, access) => Err(refused(location.text(), &place, access)),
            None if !self.everywhere => Err(refused(location.text(), Path::new(location.text()), access)),
            Some(_) | None => Ok(()),
        }
    }

    /// Whether a canonical path may be used.
    fn hold(&self, place: &Path, access: Access) -> bool {
        self.everywhere
            || self.folders.iter().any(|(folder, allowed)| access <= *allowed && place.starts_with(folder))
    }
}

fn canonical(path: &Path) -> Result<PathBuf> {
    let refuse = |reason: String| DeltaError::InvalidLocation { text: path.display().to_string(), reason };
    if !path.is_absolute() {
        return Err(refuse("it is not an absolute path".to_owned()));
    }
    walk::canonical(path).map_err(refuse)
}

fn refused(text: &str, place: &Path, access: Access) -> DeltaError {
    DeltaError::OutsideRoots { text: text.to_owned(), place: place.display().to_string(), access }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// `in/`, `out/`, `else/`, and links.
    fn folders() -> (tempfile::TempDir, PathBuf) {
        let root = tempfile::tempdir().unwrap();
        let base = root.path().canonicalize().unwrap();
        for folder in ["in/deep", "out", "else", "inside"] {
            fs::create_dir_all(base.join(folder)).unwrap();
        }
        symlink(base.join("else"), base.join("in/link")).unwrap();
        symlink("../in", base.join("else/back")).unwrap();
        symlink("../else/later", base.join("in/dangling")).unwrap();
        symlink("round", base.join("in/round")).unwrap();
        symlink("in", base.join("alias")).unwrap();
        (root, base)
    }

    #[test]
    fn what_leads_out_of_the_roots_is_refused_and_what_leads_back_is_not() {
        let (_root, base) = folders();
        let roots = Roots::default().with(&base.join("alias"), Access::Read).unwrap();
        let roots = roots.with(&base.join("out"), Access::Write).unwrap();
        for (path, place) in [
            ("in", "in"),
            ("in/deep/t", "in/deep/t"),
            ("in/missing/../deep", "in/deep"),
            ("else/back/deep", "in/deep"),
            ("alias/deep", "in/deep"),
            ("out/new", "out/new"),
        ] {
            assert_eq!(roots.admit_read(&base.join(path)).unwrap(), base.join(place), "{path}");
        }
        for path in [
            "",
            "else",
            "inside",
            "in/..",
            "in/../else",
            "in/link",
            "in/link/t",
            "in/link/../out/../else",
            "in/dangling",
            "in/dangling/t",
            "in/deep/../../inside",
        ] {
            let refused = roots.admit_read(&base.join(path));
            assert!(matches!(refused, Err(DeltaError::OutsideRoots { .. })), "{path}: {refused:?}");
        }
        assert!(matches!(roots.admit_read(&base.join("in/round")), Err(DeltaError::InvalidLocation { .. })));
        assert!(matches!(roots.admit_read(Path::new("in")), Err(DeltaError::InvalidLocation { .. })));
    }

    #[test]
    fn what_may_be_read_may_not_be_written() {
        let (_root, base) = folders();
        let roots = Roots::default().with(&base.join("in"), Access::Read).unwrap();
        let roots = roots.with(&base.join("out"), Access::Write).unwrap();
        assert!(roots.admit(&base.join("out/t"), Access::Write).is_ok());
        let refused = roots.admit(&base.join("in/t"), Access::Write).unwrap_err().to_string();
        assert!(refused.contains("may write"), "{refused}");
        let nothing = Roots::default();
        assert!(nothing.admit_read(&base).is_err());
        assert!(Roots::everywhere().admit(&base, Access::Write).is_ok());
    }

    #[test]
    fn a_root_that_becomes_a_link_does_not_move_the_boundary() {
        let (_root, base) = folders();
        let roots = Roots::below(&base.join("later")).unwrap();
        assert!(roots.admit_read(&base.join("later/t")).is_ok());
        symlink("else", base.join("later")).unwrap();
        assert!(matches!(roots.admit_read(&base.join("later/t")), Err(DeltaError::OutsideRoots { .. })));
    }
}
