//! The way to a folder, one name at a time, as the system goes it.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use unicode_normalization::{UnicodeNormalization as _, is_nfc};

/// Symbolic links that are followed before they count as a circle; what Linux allows.
const MAX_LINKS: usize = 40;

/// A step of a path.
enum Step {
    Start(OsString),
    Up,
    Into(OsString),
}

/// `path`, which is absolute, without `.`, `..` and symbolic links. What does not exist is taken as it is written.
pub(crate) fn canonical(path: &Path) -> Result<PathBuf, String> {
    let mut done = PathBuf::new();
    let mut todo: Vec<Step> = steps(path);
    let mut links = 0;
    while let Some(step) = todo.pop() {
        match step {
            Step::Start(root) => done = PathBuf::from(root),
            Step::Up => {
                if !done.pop() {
                    return Err("it climbs above the root directory".to_owned());
                }
            }
            Step::Into(name) => {
                done.push(&name);
                match std::fs::symlink_metadata(&done) {
                    Ok(metadata) if metadata.is_symlink() => {
                        links += 1;
                        if links > MAX_LINKS {
                            return Err("its symbolic links lead in a circle".to_owned());
                        }
                        let target = std::fs::read_link(&done).map_err(|error| {
                            format!("the link `{}` cannot be read: {error}", done.display())
                        })?;
                        done.pop();
                        todo.extend(steps(&target));
                    }
                    Ok(_) => {}
                    // The folder may be there under another form of its name.
                    Err(_) => refuse_other_form(&done)?,
                }
            }
        }
    }
    Ok(spelled_as_stored(done))
}

/// The steps of a path, the last one first.
fn steps(path: &Path) -> Vec<Step> {
    let mut root = OsString::new();
    let mut steps = Vec::new();
    for component in path.components() {
        match component {
            Component::Prefix(_) | Component::RootDir => root.push(component.as_os_str()),
            Component::CurDir => {}
            Component::ParentDir => steps.push(Step::Up),
            Component::Normal(name) => steps.push(Step::Into(name.to_owned())),
        }
    }
    steps.reverse();
    if !root.is_empty() {
        steps.push(Step::Start(root));
    }
    steps
}

/// Refuses a folder that is not there when one is whose name reads the same: `é` is one character or two. A table
/// beside it would be taken for it.
fn refuse_other_form(path: &Path) -> Result<(), String> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
        return Ok(());
    };
    if name.is_ascii() {
        return Ok(());
    }
    let normal: String = name.nfc().collect();
    let reads_the_same = |entry: std::fs::DirEntry| {
        entry.file_name().to_str().is_some_and(|other| other != name && other.nfc().eq(normal.chars()))
    };
    if std::fs::read_dir(folder).into_iter().flatten().flatten().any(reads_the_same) {
        let form = if is_nfc(name) { "a decomposed" } else { "the composed" };
        return Err(format!(
            "there is a folder whose name reads the same as `{name}`, in {form} Unicode form; use the spelling of that one"
        ));
    }
    Ok(())
}

/// On file systems that ignore case, the case names were created with.
#[cfg(any(target_os = "macos", windows))]
fn spelled_as_stored(path: PathBuf) -> PathBuf {
    let stored = path.ancestors().find_map(|folder| {
        let stored = std::fs::canonicalize(folder).ok()?;
        Some(stored.join(path.strip_prefix(folder).ok()?))
    });
    stored.unwrap_or(path)
}

#[cfg(not(any(target_os = "macos", windows)))]
fn spelled_as_stored(path: PathBuf) -> PathBuf {
    path
}
