//! Where a table is: from the text somebody wrote to one canonical place.

mod roots;
mod spelling;
mod walk;

#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

use url::Url;

use crate::error::{DeltaError, Result};

pub use roots::{Access, Roots};
pub(crate) use walk::canonical;

/// The place of a table: an absolute URL that ends in a slash, and the text the user wrote.
///
/// Two locations are equal when they are the same place, however they were spelled.
#[derive(Clone)]
pub struct Location {
    url: Url,
    text: String,
}

impl Location {
    /// Reads `text` as a relative path, an absolute path or a `file:` URL. Relative paths start at `base`, which must
    /// itself be absolute.
    ///
    /// Every spelling of a place gives the same URL: `.`, `..`, repeated and trailing slashes are resolved, a URL is
    /// decoded, and symbolic links are followed as far as the path exists. A path goes the way the system goes, so
    /// `link/..` is the parent of what the link names; `..` in a URL takes away the segment before it, as in every URL.
    /// Nothing is created; whether a table is there is not asked.
    ///
    /// # Errors
    /// [`DeltaError::InvalidLocation`] for texts that cannot name a place or that name one in a way people and programs
    /// read differently: empty or with white space around it, with characters that cannot be seen, with backslashes,
    /// with escapes that would be separators, other URL schemes, URLs with credentials, host, query or fragment, names
    /// that are too long, links in a circle, paths that climb above the root, and the root.
    pub fn parse(text: &str, base: &Path) -> Result<Self> {
        let refuse = |reason: String| DeltaError::InvalidLocation { text: shown(text), reason };
        let path = base.join(spelling::path(text).map_err(refuse)?);
        if !path.is_absolute() {
            return Err(refuse("a relative path needs an absolute base directory".to_owned()));
        }
        let path = canonical(&path).map_err(refuse)?;
        if path.parent().is_none() {
            return Err(refuse("the root of the file system cannot be a table".to_owned()));
        }
        if let Some(found) = spelling::unaddressable(&path.to_string_lossy()) {
            return Err(refuse(format!(
                "a folder above it has {found} in its name; choose a place elsewhere, or rename the folder"
            )));
        }
        let url = Url::from_directory_path(&path)
            .map_err(|()| refuse("it cannot be expressed as a file:// URL".to_owned()))?;
        Ok(Self { url, text: text.to_owned() })
    }

    /// The absolute URL; its path ends in a slash.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The text the location was parsed from, as messages show it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The directory, for a table on the local file system.
    #[must_use]
    pub fn as_path(&self) -> Option<PathBuf> {
        if self.url.scheme() != "file" {
            return None;
        }
        // Without its trailing slash, so that a file in its place is seen as one.
        self.url.to_file_path().ok().map(|path| path.components().collect())
    }
}

impl PartialEq for Location {
    fn eq(&self, other: &Self) -> bool {
        self.url == other.url
    }
}

impl Eq for Location {}

impl Hash for Location {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.url.hash(state);
    }
}

impl PartialOrd for Location {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Location {
    fn cmp(&self, other: &Self) -> Ordering {
        self.url.cmp(&other.url)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({})", self.url)
    }
}

/// A URL that carries a password, or a signature in its query, must not reach a message.
fn shown(text: &str) -> String {
    let Some(scheme) = text.find("://") else { return text.to_owned() };
    let (scheme, rest) = text.split_at(scheme + 3);
    let rest = rest
        .rfind('@')
        .and_then(|at| rest.get(at..))
        .map_or_else(|| rest.to_owned(), |rest| format!("***{rest}"));
    match rest.split_once('?') {
        Some((place, query)) if !query.is_empty() => format!("{scheme}{place}?***"),
        _ => format!("{scheme}{rest}"),
    }
}
