//! Where a table is: parsing of location texts, without touching the storage.

use std::fmt;
use std::path::{Component, Path, PathBuf};

use url::Url;

use crate::error::{DeltaError, Result};

/// The place of a table: an absolute URL that ends in a slash, and the text the user wrote.
///
/// Parsing is lexical. It neither creates directories (the Delta library's own `ensure_table_uri`
/// does) nor asks whether anything exists there.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location {
    url: Url,
    text: String,
}

impl Location {
    /// Reads `text` as a relative path, an absolute path or a `file://` URL. Relative paths start at
    /// `base`, which must itself be absolute. `.` and `..` are resolved by text, symbolic links are not
    /// followed.
    ///
    /// # Errors
    /// [`DeltaError::InvalidLocation`] for empty texts, other URL schemes, URLs with credentials, host,
    /// query or fragment, and paths that climb above the root.
    pub fn parse(text: &str, base: &Path) -> Result<Self> {
        let refuse =
            |reason: &str| DeltaError::InvalidLocation { text: shown(text), reason: reason.to_owned() };
        if text.trim().is_empty() {
            return Err(refuse("it is empty; write a path or a file:// URL"));
        }
        if text.contains('\0') {
            return Err(refuse("it contains a NUL character"));
        }
        let path = match text.split_once("://") {
            Some((scheme, _)) if scheme.eq_ignore_ascii_case("file") => {
                file_url_path(text).map_err(refuse)?
            }
            Some((scheme, _)) if is_scheme(scheme) => {
                return Err(refuse(&format!(
                    "the scheme `{scheme}` is not available in this build; use a path or a file:// URL"
                )));
            }
            Some(_) | None if text.starts_with("~/") || text == "~" => {
                return Err(refuse("`~` is not expanded; write the directory out"));
            }
            Some(_) | None => base.join(text),
        };
        if !path.is_absolute() {
            return Err(refuse("a relative path needs an absolute base directory"));
        }
        let path = normalized(&path).ok_or_else(|| refuse("it climbs above the root directory"))?;
        let url = Url::from_directory_path(&path)
            .map_err(|()| refuse("it cannot be expressed as a file:// URL"))?;
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

/// A URL that carries a password must not reach a message.
fn shown(text: &str) -> String {
    match (text.find("://"), text.rfind('@')) {
        (Some(scheme), Some(at)) if scheme < at => {
            let head = text.get(..scheme + 3).unwrap_or_default();
            let tail = text.get(at..).unwrap_or_default();
            format!("{head}***{tail}")
        }
        _ => text.to_owned(),
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|next| next.is_ascii_alphanumeric() || "+-.".contains(next))
}

fn file_url_path(text: &str) -> Result<PathBuf, &'static str> {
    let url = Url::parse(text).map_err(|_| "it is not a valid URL")?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a URL with credentials is refused");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("a URL with a query or a fragment is refused");
    }
    if url.host_str().is_some_and(|host| !host.is_empty() && host != "localhost") {
        return Err("a file:// URL must not name a host; write file:///path");
    }
    url.to_file_path().map_err(|()| "its path is not one of this system")
}

/// `path` without `.` and `..`; `None` when it climbs above the root.
fn normalized(path: &Path) -> Option<PathBuf> {
    let mut result = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => result.push(component),
            Component::CurDir => {}
            Component::ParentDir => {
                if !matches!(result.components().next_back(), Some(Component::Normal(_))) {
                    return None;
                }
                result.pop();
            }
        }
    }
    Some(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> String {
        Location::parse(text, Path::new("/base/dir")).unwrap().url().to_string()
    }

    fn refusal(text: &str) -> String {
        match Location::parse(text, Path::new("/base/dir")).unwrap_err() {
            DeltaError::InvalidLocation { reason, .. } => reason,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn paths_and_urls_become_directory_urls() {
        assert_eq!(url("t"), "file:///base/dir/t/");
        assert_eq!(url("./a/../t/"), "file:///base/dir/t/");
        assert_eq!(url("../t"), "file:///base/t/");
        assert_eq!(url("/abs/t"), "file:///abs/t/");
        assert_eq!(url("with space"), "file:///base/dir/with%20space/");
        assert_eq!(url("file:///abs/t"), "file:///abs/t/");
        assert_eq!(url("FILE:///abs/./t/"), "file:///abs/t/");
        assert_eq!(url("100%"), "file:///base/dir/100%25/");
    }

    #[test]
    fn what_cannot_be_a_table_is_refused_with_a_reason() {
        assert!(refusal(" ").contains("empty"));
        assert!(refusal("../../../t").contains("above the root"));
        assert!(refusal("s3://bucket/t").contains("`s3`"));
        assert!(refusal("~/t").contains("not expanded"));
        assert!(refusal("a\0b").contains("NUL"));
        assert!(refusal("file://server/share").contains("host"));
        assert!(refusal("file:///t?x=1").contains("query"));
        assert!(refusal("file:///t#x").contains("fragment"));
        assert!(Location::parse("t", Path::new("relative")).is_err());
    }

    #[test]
    fn credentials_do_not_reach_the_message() {
        let error = Location::parse("s3://key:secret@bucket/t", Path::new("/")).unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }

    #[test]
    fn parsing_creates_nothing() {
        let root = tempfile::tempdir().unwrap();
        Location::parse("some/where", root.path()).unwrap();
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0);
    }
}
