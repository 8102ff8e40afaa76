//! Which files a table may name: those below its own folder.
//!
//! A log names its files by text, and whoever wrote the log chose it. Read as URLs such texts lead anywhere: an absolute
//! path, another scheme, `..` in a dozen spellings, white space that a URL parser strips before a `/`. So a name is not
//! searched for what is bad; it is taken apart into the segments that will be opened, each of which must be the name of
//! a file or a folder, and the place is put together from these. What is left then are links in the file system
//! ([`without_links`]).

use std::path::Path as FilePath;

use deltalake::Path as StorePath;
use url::Url;

use crate::error::{DeltaError, Result};

/// The place of a file relative to the folder of its table, from the text in the log, decoded once.
///
/// # Errors
/// [`DeltaError::PathEscape`] for whatever is not plainly below `root`, the table's URL: absolute paths, URLs of other
/// places, parent segments however encoded, control characters, white space at either end, empty names.
pub(crate) fn inside(path: &str, root: &Url, location: &str) -> Result<StorePath> {
    relative(path, root)
        .ok_or_else(|| DeltaError::PathEscape { location: location.into(), path: shown(path) })
}

/// [`inside`] as a text: names that writers make, of which a log may have hundreds of thousands, are their own place.
///
/// # Errors
/// The same.
pub(crate) fn place(path: &str, root: &Url, location: &str) -> Result<Box<str>> {
    match is_ordinary(path) {
        true => Ok(path.into()),
        false => inside(path, root, location).map(|place| String::from(place).into()),
    }
}

/// The same for a text that was not decoded: neither it nor what it stands for may lead elsewhere.
pub(crate) fn inside_encoded(path: &str, root: &Url, location: &str) -> Result<StorePath> {
    inside(path, root, location)?;
    inside(&decoded(path), root, location)
}

fn relative(path: &str, root: &Url) -> Option<StorePath> {
    match is_ordinary(path) {
        true => StorePath::parse(path).ok(),
        false => searched(path, root),
    }
}

/// The place in a path that may mean anything.
fn searched(path: &str, root: &Url) -> Option<StorePath> {
    // A URL parser drops some of these and trims others, so two readers see two paths.
    if path.chars().any(char::is_control) || path.trim() != path {
        return None;
    }
    let rest = match below(path, root) {
        Some(rest) => rest?,
        None => path.to_owned(),
    };
    if rest.is_empty() || rest.starts_with(['/', '\\']) || rest.split(['/', '\\']).any(is_parent) {
        return None;
    }
    // Refuses empty and `.` segments.
    StorePath::parse(&rest).ok().filter(|parsed| !rest.ends_with('/') && parsed.as_ref() == rest)
}

/// Whether a path consists of what writers make names of, and of nothing that any reader takes for something else:
/// letters, digits, `_`, `-`, `=`, and dots that are not at the beginning of a segment. One look at each of its bytes
/// decides about nearly all files of nearly all tables, of which a log may have hundreds of thousands.
fn is_ordinary(path: &str) -> bool {
    let mut before = b'/';
    for &byte in path.as_bytes() {
        let is_fine = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'=' => true,
            b'.' | b'/' => before != b'/',
            _ => false,
        };
        if !is_fine {
            return false;
        }
        before = byte;
    }
    before != b'/'
}

/// For a URL: what follows the table's own URL in it, decoded; nothing inside when it is of another place. `None` for
/// what is not a URL.
fn below(path: &str, root: &Url) -> Option<Option<String>> {
    let (scheme, _) = path.split_once(':')?;
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.chars().all(|next| next.is_ascii_alphanumeric() || "+-.".contains(next));
    if !is_scheme {
        return None;
    }
    // `a:b/c.parquet` is a URL to a URL parser, and a file with a colon in its name to nobody who follows the protocol.
    let Ok(url) = Url::parse(path) else { return Some(None) };
    let place = |url: &Url| (url.scheme().to_owned(), url.host_str().map(str::to_owned), url.port());
    let plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    let same = plain && place(&url) == place(root);
    // Compared before `..` is resolved as well: the text must say what it means.
    let rest =
        url.path().strip_prefix(root.path()).filter(|_| same && !path.split(['/', '\\']).any(is_parent));
    Some(rest.map(decoded))
}

/// Whether a segment leads to the folder above, however often it is decoded. One that decodes to more than one segment
/// (`p=%2F..%2F`, the folder of the partition value `/../`) is the name of a folder unless it begins like that.
fn is_parent(segment: &str) -> bool {
    let first = segment.split(['/', '\\']).next().unwrap_or_default();
    let decoded = decoded(segment);
    first == ".." || (decoded != segment && is_parent(&decoded))
}

/// `text` with `%XX` decoded once; malformed escapes stay as they are.
pub(crate) fn decoded(text: &str) -> String {
    let mut result = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first == b'%'
            && let [high, low, after @ ..] = tail
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            result.push(high * 16 + low);
            rest = after;
        } else {
            result.push(*first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&result).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// A path that can stand in a message: control characters are spelled out.
fn shown(path: &str) -> String {
    path.chars()
        .flat_map(|next| if next.is_control() { next.escape_default().collect() } else { vec![next] })
        .collect()
}

/// Where the deletion vector of a file lies, relative to the table: `None` for one that is in the log itself.
///
/// # Errors
/// [`DeltaError::PathEscape`] when it is outside the table.
pub(crate) fn deletion_vector(
    storage: &str,
    text: &str,
    root: &Url,
    location: &str,
) -> Result<Option<StorePath>> {
    let escape = || DeltaError::PathEscape { location: location.into(), path: shown(text) };
    match storage {
        "i" => Ok(None),
        "p" => inside_encoded(text, root, location).map(Some),
        // A prefix, taken as a folder, and twenty characters that stand for the name of a file.
        "u" => match text.len().checked_sub(20).and_then(|end| text.get(..end)) {
            Some("") => Ok(None),
            Some(prefix) => inside_encoded(&format!("{prefix}/deletion_vector.bin"), root, location)
                .map(Some)
                .map_err(|_| escape()),
            None => Err(escape()),
        },
        _ => Err(escape()),
    }
}

/// Refuses `path`, a file or folder of the table at `root`, when a symbolic link on its way leads out of the table, and pipes
/// and their kin, which nobody may ever write to. `root` is the canonical folder of the table: where it has become a link
/// since, its files are elsewhere. Nothing is said of a file that is not there.
///
/// # Errors
/// [`DeltaError::PathEscape`], [`DeltaError::CorruptLog`].
pub(crate) fn without_links(path: &FilePath, root: &FilePath, location: &str) -> Result<()> {
    let Ok(real) = path.canonicalize() else { return Ok(()) };
    let text = path.strip_prefix(root).unwrap_or(path).to_string_lossy();
    if real.starts_with(root) {
        return match real.metadata() {
            Ok(metadata) if !metadata.is_file() && !metadata.is_dir() => Err(no_file(&text, location)),
            Ok(_) | Err(_) => Ok(()),
        };
    }
    Err(DeltaError::PathEscape { location: location.into(), path: format!("{} (a link)", shown(&text)) })
}

/// Refuses links in `folder` of the table at `root` that lead out of the table, and pipes and their kin, which nobody may
/// ever write to, as far as their names are meant.
///
/// # Errors
/// [`DeltaError::PathEscape`], [`DeltaError::CorruptLog`].
pub(crate) fn folder_without_links(
    folder: &FilePath,
    root: &FilePath,
    location: &str,
    is_meant: impl Fn(&str) -> bool,
) -> Result<()> {
    without_links(folder, root, location)?;
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    for entry in entries.flatten() {
        let (Ok(kind), name) = (entry.file_type(), entry.file_name()) else { continue };
        if kind.is_file() || kind.is_dir() || !is_meant(&name.to_string_lossy()) {
            continue;
        }
        if !kind.is_symlink() {
            return Err(no_file(&name.to_string_lossy(), location));
        }
        without_links(&entry.path(), root, location)?;
    }
    Ok(())
}

fn no_file(name: &str, location: &str) -> DeltaError {
    let reason = format!("`{}` is no file", shown(name));
    DeltaError::CorruptLog { location: location.into(), version: None, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> Url {
        Url::parse("file:///lake/t%20a/").unwrap()
    }

    #[test]
    fn files_of_the_table_keep_their_names() {
        for (text, place) in [
            ("part-0.parquet", "part-0.parquet"),
            ("p=a/part 0.parquet", "p=a/part 0.parquet"),
            ("p=é/x.parquet", "p=é/x.parquet"),
            ("p=100%/x.parquet", "p=100%/x.parquet"),
            ("p=a%2Fb/x.parquet", "p=a%2Fb/x.parquet"),
            ("p=a\\b/x.parquet", "p=a\\b/x.parquet"),
            ("p=..a/x..parquet", "p=..a/x..parquet"),
            ("p=%2F..%2F/x.parquet", "p=%2F..%2F/x.parquet"),
            ("p=12:30/x.parquet", "p=12:30/x.parquet"),
            ("file:///lake/t%20a/x.parquet", "x.parquet"),
        ] {
            assert_eq!(inside(text, &root(), "t").unwrap().as_ref(), place, "{text}");
        }
    }

    #[test]
    fn the_short_way_accepts_nothing_that_the_long_way_does_not() {
        let alphabet =
            ["a", "Z", "9", "_", "-", "=", ".", "..", "/", "%", "%2E", "%2F", ":", "\\", " ", "\n", "é"];
        let mut texts = vec![String::new()];
        for _ in 0..4 {
            let longer = texts.iter().flat_map(|text| alphabet.map(|next| format!("{text}{next}")));
            texts = longer.collect();
            for text in texts.iter().filter(|text| is_ordinary(text)) {
                assert_eq!(searched(text, &root()).unwrap().as_ref(), text);
            }
        }
    }

    #[test]
    fn what_leads_elsewhere_is_refused() {
        for text in [
            "",
            ".",
            "..",
            "/",
            "./x.parquet",
            "a//x.parquet",
            "a/",
            "/etc/x.parquet",
            "\\etc\\x.parquet",
            "//host/x.parquet",
            "../secret/x.parquet",
            "a/../../secret/x.parquet",
            "a/../x.parquet",
            "..\\secret/x.parquet",
            "a\\..\\..\\secret/x.parquet",
            "%2E%2E/secret/x.parquet",
            "%2e./secret/x.parquet",
            ".%2E/secret/x.parquet",
            "%252E%252E/secret/x.parquet",
            "..%2Fsecret/x.parquet",
            "..%5Csecret/x.parquet",
            "a/%2E%2E%2Fsecret/x.parquet",
            " /etc/x.parquet",
            "/etc/x.parquet ",
            "\t../secret/x.parquet",
            ".\t./secret/x.parquet",
            ".\n./secret/x.parquet",
            ".\r./secret/x.parquet",
            "..\u{0}/x.parquet",
            "\u{1f}/etc/x.parquet",
            "a\u{7f}.parquet",
            "\u{85}x.parquet",
            "\u{2028}/etc/x.parquet",
            "\u{a0}/etc/x.parquet",
            "file:/etc/x.parquet",
            "file:///etc/x.parquet",
            "file:x.parquet",
            "file:../secret/x.parquet",
            "FILE:///etc/x.parquet",
            "file://localhost/lake/t%20a/x.parquet?y",
            "file://host/lake/t%20a/x.parquet",
            "file://user@/lake/t%20a/x.parquet",
            "file:///lake/t%20a/../secret/x.parquet",
            "file:///lake/t%20a/%2E%2E/secret/x.parquet",
            "file:///lake/t%20a/..%2Fsecret/x.parquet",
            "file:///lake/t%20a",
            "file:///lake/t%20abc/x.parquet",
            "file:///lake/t%20a/x.parquet#y",
            "s3://bucket/x.parquet",
            "s3a://bucket/x.parquet",
            "http://host/x.parquet",
            "memory:///x.parquet",
            "data:text/plain,x",
            "jar:file:///x!/y",
            "c:\\x.parquet",
            "C:/x.parquet",
            "delta-rs://x/y.parquet",
        ] {
            let error = inside(text, &root(), "t").map(|path| path.to_string());
            assert!(matches!(error, Err(DeltaError::PathEscape { .. })), "{text:?} is {error:?}");
        }
    }

    #[test]
    fn the_prefix_of_a_deletion_vector_is_a_folder_of_the_table() {
        let name = "vBn[lx{q8@P<9BNH/isA";
        let place = |storage: &str, text: &str| deletion_vector(storage, text, &root(), "t");
        assert_eq!(place("u", name).unwrap(), None);
        assert_eq!(place("u", &format!("ab{name}")).unwrap().unwrap().as_ref(), "ab/deletion_vector.bin");
        assert_eq!(place("i", "whatever").unwrap(), None);
        assert_eq!(place("p", "file:///lake/t%20a/x.bin").unwrap().unwrap().as_ref(), "x.bin");
        for (storage, text) in [
            ("u", format!("../../other{name}")),
            ("u", format!("/etc{name}")),
            ("u", format!(" /etc{name}")),
            ("u", format!("file:///etc{name}")),
            ("u", format!("%2E%2E{name}")),
            ("u", "short".to_owned()),
            ("p", "file:///etc/x.bin".to_owned()),
            ("x", name.to_owned()),
        ] {
            assert!(place(storage, &text).is_err(), "{storage} {text}");
        }
    }
}
