//! From a location's text to a path: what is read as a URL, and which spellings are refused.
//!
//! A text is refused when two readers could take it for two places. Somebody who looks at a spec, a shell and a program
//! that decodes URLs must agree on what is overwritten.

use std::path::PathBuf;

use url::Url;

/// Bytes a name may have on the file systems there are.
const MAX_NAME_BYTES: usize = 255;
/// Bytes a path may have, with room left for the names of files in the table.
const MAX_PATH_BYTES: usize = 3072;

/// What stands before a colon in places of stores, and in no name of a folder that somebody means.
const STORES: [&str; 17] = [
    "file", "s3", "s3a", "s3n", "gs", "gcs", "az", "adl", "abfs", "abfss", "wasb", "wasbs", "hdfs", "http",
    "https", "memory", "data",
];

/// The path a text names; relative if the text is.
pub(super) fn path(text: &str) -> Result<PathBuf, String> {
    if text.trim().is_empty() {
        return Err("it is empty; write a path or a file:// URL".to_owned());
    }
    check_characters(text)?;
    if text.trim() != text {
        return Err("it begins or ends with white space; take it away".to_owned());
    }
    let path = match scheme(text) {
        Some(scheme) if scheme.eq_ignore_ascii_case("file") => url_path(text)?,
        Some(scheme) if scheme.len() == 1 => {
            return Err(format!("`{scheme}:` is a drive of another system; write a path of this one"));
        }
        Some(scheme) => {
            return Err(format!(
                "the scheme `{scheme}` is not available in this build; use a path or a file:// URL"
            ));
        }
        None if text.starts_with('~') => {
            return Err("`~` is not expanded; write the directory out".to_owned());
        }
        None if text.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("env:")) => {
            return Err(
                "`env:` names a variable, which only codeanatomy.toml may do; write the directory out"
                    .to_owned(),
            );
        }
        None if text.starts_with('$') => {
            return Err("variables are not expanded; write the directory out".to_owned());
        }
        None => text.to_owned(),
    };
    check_names(&path)?;
    Ok(PathBuf::from(path))
}

/// What stands before the first colon, if it makes the text a URL or the path of another system.
fn scheme(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once(':')?;
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.chars().all(|next| next.is_ascii_alphanumeric() || "+-.".contains(next));
    let is_store = STORES.iter().any(|store| scheme.eq_ignore_ascii_case(store));
    let is_meant = rest.starts_with('/') || scheme.len() == 1 || is_store;
    (is_scheme && is_meant).then_some(scheme)
}

fn check_characters(text: &str) -> Result<(), String> {
    if text.contains('\0') {
        return Err("it contains a NUL character".to_owned());
    }
    if let Some(hidden) = text.chars().find(|character| is_hidden(*character)) {
        return Err(format!(
            "it contains the character U+{:04X}, which cannot be seen; rename the folder, or take the character away",
            u32::from(hidden)
        ));
    }
    if text.contains('\\') {
        return Err("it contains a backslash; write `/` between folders".to_owned());
    }
    Ok(())
}

/// Control characters, and those that hide or reorder what stands around them.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e01ef}')
}

fn url_path(text: &str) -> Result<String, String> {
    let (_, after) = text.split_once(':').unwrap_or_default();
    if !after.starts_with('/') {
        return Err("a file: URL has an absolute path; write file:///path".to_owned());
    }
    let url = Url::parse(text).map_err(|_| "it is not a valid URL".to_owned())?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a URL with credentials is refused".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(
            "a URL with a query or a fragment is refused; write `%3F` or `%23` for the character".to_owned()
        );
    }
    if url.host_str().is_some_and(|host| !host.is_empty() && host != "localhost") {
        return Err("a file:// URL must not name a host; write file:///path".to_owned());
    }
    if let Some(escape) = escapes(url.path()).find(|escape| matches!(escape, b'/' | b'\\' | 0)) {
        return Err(format!("the escape %{escape:02X} in it would separate folders; write `/`"));
    }
    let path = url.to_file_path().map_err(|()| "its path is not one of this system".to_owned())?;
    let path = path.into_os_string().into_string().map_err(|_| "its path is not UTF-8".to_owned())?;
    check_characters(&path)?;
    Ok(path)
}

fn check_names(path: &str) -> Result<(), String> {
    if path.len() > MAX_PATH_BYTES {
        return Err(format!("it has {} bytes; at most {MAX_PATH_BYTES} can be used", path.len()));
    }
    for name in path.split('/') {
        if name.len() > MAX_NAME_BYTES {
            return Err(format!(
                "a name in it has {} bytes; file systems allow {MAX_NAME_BYTES}",
                name.len()
            ));
        }
        if name.starts_with("..") && name != ".." {
            return Err(format!("`{name}` looks like the parent folder and is not; rename the folder"));
        }
        if let Some(escape) = escapes(name).next() {
            return Err(format!(
                "escapes such as %{escape:02X} are not decoded in paths; write the character itself"
            ));
        }
    }
    Ok(())
}

/// What keeps the storage from finding a folder above a table: it has no names for control characters, and takes
/// `%XX` and backslashes in a path for something else.
pub(super) fn unaddressable(path: &str) -> Option<String> {
    if let Some(control) = path.chars().find(char::is_ascii_control) {
        return Some(format!("the character U+{:04X}", u32::from(control)));
    }
    if path.contains('\\') {
        return Some("a backslash".to_owned());
    }
    escapes(path).next().map(|escape| format!("what looks like the escape %{escape:02X}"))
}

/// The bytes that `%XX` in a text would stand for.
fn escapes(text: &str) -> impl Iterator<Item = u8> {
    text.split('%').skip(1).filter_map(|rest| u8::from_str_radix(rest.get(..2)?, 16).ok())
}
