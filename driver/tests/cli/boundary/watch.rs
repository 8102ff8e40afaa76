//! Whether anybody opened a file or a folder.

use std::path::{Path, PathBuf};

/// Watches folders and all that is in them, from now on.
#[cfg(target_os = "linux")]
pub(super) struct Watch {
    inotify: rustix::fd::OwnedFd,
    folders: Vec<(i32, PathBuf)>,
}

#[cfg(target_os = "linux")]
impl Watch {
    pub(super) fn over<'a>(folders: impl IntoIterator<Item = &'a Path>) -> Self {
        use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
        let inotify = init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).unwrap();
        let mut open: Vec<PathBuf> = folders.into_iter().map(Path::to_path_buf).collect();
        let mut all = Vec::new();
        while let Some(folder) = open.pop() {
            let inside = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
            open.extend(inside.filter(|path| path.is_dir() && !path.is_symlink()));
            all.push(folder);
        }
        // Only now, so that this walk is not seen.
        let seen = WatchFlags::OPEN | WatchFlags::ACCESS | WatchFlags::MODIFY | WatchFlags::CREATE;
        let watch = |folder: PathBuf| (add_watch(&inotify, &folder, seen).unwrap(), folder);
        let folders = all.into_iter().map(watch).collect();
        Self { inotify, folders }
    }

    /// What was opened, read, changed or made since the last time.
    pub(super) fn seen(&self) -> Vec<PathBuf> {
        let mut buffer = [std::mem::MaybeUninit::uninit(); 16 << 10];
        let mut events = rustix::fs::inotify::Reader::new(&self.inotify, &mut buffer);
        let mut seen = Vec::new();
        loop {
            match events.next() {
                Err(rustix::io::Errno::WOULDBLOCK) => return seen,
                Err(error) => panic!("{error}"),
                Ok(event) => {
                    let folder = self.folders.iter().find(|(id, _)| *id == event.wd());
                    let name = event.file_name().map(|name| name.to_string_lossy().into_owned());
                    seen.extend(folder.map(|(_, folder)| folder.join(name.unwrap_or_default())));
                }
            }
        }
    }
}

/// Elsewhere only what is printed and what is there afterwards is looked at.
#[cfg(not(target_os = "linux"))]
pub(super) struct Watch;

#[cfg(not(target_os = "linux"))]
impl Watch {
    pub(super) fn over<'a>(_: impl IntoIterator<Item = &'a Path>) -> Self {
        Self
    }

    pub(super) fn seen(&self) -> Vec<PathBuf> {
        Vec::new()
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_opened_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("deep")).unwrap();
    let file = folder.path().join("deep/file");
    std::fs::write(&file, "x").unwrap();
    let watch = Watch::over([folder.path()]);
    assert_eq!(std::fs::symlink_metadata(&file).unwrap().len(), 1);
    assert_eq!(watch.seen(), Vec::<PathBuf>::new());
    std::fs::read(&file).unwrap();
    assert!(watch.seen().contains(&file));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    assert!(!watch.seen().is_empty());
}
