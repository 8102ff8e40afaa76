//! A disk that remembers what was done to it, and what of it survives when the power is cut after any step.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use delta::durable::{FileSystem, LocalFiles, NewFile};

/// Something that was done.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Create(PathBuf),
    Write(PathBuf, u64, Vec<u8>),
    CreateFolder(PathBuf),
    Link(PathBuf, PathBuf),
    RemoveFile(PathBuf),
    RemoveFolder(PathBuf),
    SyncFile(PathBuf),
    SyncFolder(PathBuf),
    /// Somebody was told that this file is there to stay.
    Report(PathBuf),
}

impl Step {
    pub(super) fn is_sync(&self) -> bool {
        matches!(self, Self::SyncFile(_) | Self::SyncFolder(_))
    }
}

/// Does everything for real, one after the other, and writes it down.
#[derive(Clone, Debug)]
pub(super) struct Recorder {
    pub(super) root: PathBuf,
    pub(super) steps: Arc<Mutex<Vec<Step>>>,
}

impl Recorder {
    pub(super) fn report(&self, path: PathBuf) {
        self.steps.lock().unwrap().push(Step::Report(path));
    }

    fn did<T>(&self, work: impl FnOnce() -> io::Result<T>, step: Step) -> io::Result<T> {
        let mut steps = self.steps.lock().unwrap();
        let outcome = work();
        if outcome.is_ok() {
            steps.push(step);
        }
        outcome
    }
}

#[derive(Debug)]
struct RecordedFile {
    file: Box<dyn NewFile>,
    path: PathBuf,
    recorder: Recorder,
}

impl NewFile for RecordedFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let step = Step::Write(self.path.clone(), offset, bytes.to_vec());
        self.recorder.did(|| self.file.write_at(offset, bytes), step)
    }
}

impl FileSystem for Recorder {
    fn create(&self, file: &Path) -> io::Result<Box<dyn NewFile>> {
        let created = self.did(|| LocalFiles.create(file), Step::Create(file.into()))?;
        Ok(Box::new(RecordedFile { file: created, path: file.into(), recorder: self.clone() }))
    }

    fn create_folder(&self, folder: &Path) -> io::Result<()> {
        self.did(|| LocalFiles.create_folder(folder), Step::CreateFolder(folder.into()))
    }

    fn link(&self, file: &Path, name: &Path) -> io::Result<()> {
        self.did(|| LocalFiles.link(file, name), Step::Link(file.into(), name.into()))
    }

    fn remove_file(&self, file: &Path) -> io::Result<()> {
        self.did(|| LocalFiles.remove_file(file), Step::RemoveFile(file.into()))
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        self.did(|| LocalFiles.remove_folder(folder), Step::RemoveFolder(folder.into()))
    }

    fn sync_file(&self, file: &Path) -> io::Result<()> {
        self.did(|| Ok(()), Step::SyncFile(file.into()))
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.did(|| Ok(()), Step::SyncFolder(folder.into()))
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        LocalFiles.exists(path)
    }

    fn is_mount_point(&self, folder: &Path) -> io::Result<bool> {
        Ok(folder == self.root)
    }
}

/// What survives of what was not synced.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cut {
    /// Nothing.
    All,
    /// Names, but no contents.
    Contents,
    /// Contents, but no names.
    Names,
    /// Each name and each content or not, as it happens.
    Some(u64),
}

#[derive(Clone, Debug)]
enum Node {
    /// The bytes now, and those that survive.
    File(Vec<u8>, Vec<u8>),
    /// The names now, and those that survive.
    Folder(BTreeMap<String, usize>, BTreeMap<String, usize>),
}

/// A disk as of a step. The first node is the root.
#[derive(Clone, Debug)]
pub(super) struct Model {
    root: PathBuf,
    nodes: Vec<Node>,
}

impl Model {
    /// What is below `root` now, all of it durable but for the names in `unsynced`.
    pub(super) fn of(root: &Path, unsynced: &[PathBuf]) -> Self {
        let folder = Node::Folder(BTreeMap::new(), BTreeMap::new());
        let mut model = Self { root: root.into(), nodes: vec![folder] };
        model.read(root, unsynced);
        model
    }

    fn read(&mut self, folder: &Path, unsynced: &[PathBuf]) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let node = if path.is_dir() {
                Node::Folder(BTreeMap::new(), BTreeMap::new())
            } else {
                let bytes = std::fs::read(&path).unwrap();
                Node::File(bytes.clone(), bytes)
            };
            let id = self.add(node);
            let (parent, name) = self.place(&path);
            let Node::Folder(now, kept) = &mut self.nodes[parent] else { panic!("{path:?}") };
            now.insert(name.clone(), id);
            if !unsynced.contains(&path) {
                kept.insert(name, id);
            }
            if path.is_dir() {
                self.read(&path, unsynced);
            }
        }
    }

    fn add(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    fn find(&self, path: &Path) -> usize {
        let mut id = 0;
        for part in path.strip_prefix(&self.root).unwrap() {
            let Node::Folder(now, _) = &self.nodes[id] else { panic!("{path:?}") };
            id = now[part.to_str().unwrap()];
        }
        id
    }

    fn place(&self, path: &Path) -> (usize, String) {
        (self.find(path.parent().unwrap()), path.file_name().unwrap().to_str().unwrap().to_owned())
    }

    fn names(&mut self, path: &Path) -> (&mut BTreeMap<String, usize>, String) {
        let (parent, name) = self.place(path);
        let Node::Folder(now, _) = &mut self.nodes[parent] else { panic!("{path:?}") };
        (now, name)
    }

    pub(super) fn apply(&mut self, step: &Step) {
        match step {
            Step::Create(path) => {
                let id = self.add(Node::File(Vec::new(), Vec::new()));
                let (names, name) = self.names(path);
                names.insert(name, id);
            }
            Step::CreateFolder(path) => {
                let id = self.add(Node::Folder(BTreeMap::new(), BTreeMap::new()));
                let (names, name) = self.names(path);
                names.insert(name, id);
            }
            Step::Write(path, offset, bytes) => {
                let id = self.find(path);
                let Node::File(now, _) = &mut self.nodes[id] else { panic!("{path:?}") };
                let offset = usize::try_from(*offset).unwrap();
                now.resize(now.len().max(offset + bytes.len()), 0);
                now[offset..offset + bytes.len()].copy_from_slice(bytes);
            }
            Step::Link(from, to) => {
                let id = self.find(from);
                let (names, name) = self.names(to);
                names.insert(name, id);
            }
            Step::RemoveFile(path) | Step::RemoveFolder(path) => {
                let (names, name) = self.names(path);
                names.remove(&name);
            }
            Step::SyncFile(path) | Step::SyncFolder(path) => {
                let id = self.find(path);
                match &mut self.nodes[id] {
                    Node::File(now, kept) => kept.clone_from(now),
                    Node::Folder(now, kept) => kept.clone_from(now),
                }
            }
            Step::Report(_) => {}
        }
    }

    /// The files after a power cut.
    pub(super) fn survivors(&self, cut: Cut) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut dice = match cut {
            Cut::Some(seed) => seed | 1,
            _ => 0,
        };
        let mut found = BTreeMap::new();
        self.walk(0, &self.root, cut, &mut dice, &mut found);
        found
    }

    fn walk(&self, id: usize, path: &Path, cut: Cut, dice: &mut u64, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
        let mut thrown = || {
            // xorshift64
            *dice ^= *dice << 13;
            *dice ^= *dice >> 7;
            *dice ^= *dice << 17;
            *dice & 8 == 0
        };
        match &self.nodes[id] {
            Node::File(now, kept) => {
                let survives = match cut {
                    Cut::All | Cut::Contents => false,
                    Cut::Names => true,
                    Cut::Some(_) => thrown(),
                };
                found.insert(path.into(), if survives { now.clone() } else { kept.clone() });
            }
            Node::Folder(now, kept) => {
                let mut names = match cut {
                    Cut::All | Cut::Names => kept.clone(),
                    Cut::Contents => now.clone(),
                    Cut::Some(_) => BTreeMap::new(),
                };
                if matches!(cut, Cut::Some(_)) {
                    for name in now.keys().chain(kept.keys()) {
                        let (now, kept) = (now.get(name), kept.get(name));
                        let survivor = if now == kept || thrown() { now } else { kept };
                        names.extend(survivor.map(|id| (name.clone(), *id)));
                    }
                }
                for (name, id) in names {
                    self.walk(id, &path.join(name), cut, dice, found);
                }
            }
        }
    }
}
