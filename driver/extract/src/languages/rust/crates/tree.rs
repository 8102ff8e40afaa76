//! The tree of modules of every crate.
//!
//! A crate begins with a file; `mod` items lead to others, by name, by `#[path]`, or within the file. One file may be a module
//! of several crates, and is then a module of each. Files that no crate reaches are crates of their own, as `rustc` would
//! compile them: the first of those that no other such file declares.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::manifest::{Package, join};
use super::outline::{Container, Index, Item, Outline, Symbol, Visibility, at};
use crate::lexical::{BindingKind, Nest};
use crate::modules::{split, stem};

/// Index of a module.
pub(super) type ModuleIndex = usize;
/// Index of a file's outline.
pub(super) type FileIndex = usize;

/// How deep modules may lie in one another.
const MAX_DEPTH: usize = 128;
/// How often a file may be a module of one crate: files that declare others twice would double the tree with each level.
const MAX_INSTANCES: usize = 8;

/// A crate.
#[derive(Debug)]
pub(super) struct Crate {
    pub(super) root: ModuleIndex,
    /// Folder of its package.
    pub(super) package: Option<String>,
    /// Exported macros.
    pub(super) macros: HashMap<Symbol, Vec<(FileIndex, Index)>>,
}

/// A module of a crate, or a block in one.
#[derive(Debug)]
pub(super) struct Module {
    pub(super) crate_index: usize,
    pub(super) parent: Option<ModuleIndex>,
    pub(super) file: FileIndex,
    pub(super) container: Index,
    /// Modules of the `mod` items in it.
    pub(super) children: HashMap<Index, Vec<ModuleIndex>>,
    /// Modules whose text stands in this one, and the one in which this one's text stands.
    pub(super) included: Vec<ModuleIndex>,
    pub(super) host: Option<ModuleIndex>,
    pub(super) is_block: bool,
    /// Where the item that declares it begins, in the file of its parent.
    pub(super) declared_at: u32,
    depth: usize,
}

/// All modules.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) crates: Vec<Crate>,
    pub(super) modules: Vec<Module>,
    /// The modules that each file's containers are.
    pub(super) instances: Vec<Vec<Vec<ModuleIndex>>>,
    /// The crate of each package's library, by folder.
    pub(super) libraries: HashMap<String, usize>,
    /// Which module lies in which.
    nest: Nest,
}

/// Where the files of a module's children are sought.
#[derive(Clone, Debug)]
struct Place {
    /// Folder of children without an attribute.
    folder: String,
    /// Folder that `#[path]` is relative to.
    path_folder: String,
}

/// The making of a tree.
struct Builder<'b> {
    files: &'b [Outline],
    by_path: HashMap<&'b str, FileIndex>,
    symbol_text: &'b dyn Fn(Symbol) -> String,
    tree: Tree,
}

/// The modules of `files`, in crates of `packages` by their folders.
pub(super) fn tree(
    files: &[Outline],
    packages: &BTreeMap<String, Package>,
    symbol_text: &dyn Fn(Symbol) -> String,
) -> Tree {
    let by_path: HashMap<&str, FileIndex> =
        files.iter().enumerate().map(|(index, file)| (file.path.as_str(), index)).collect();
    let instances = files.iter().map(|file| vec![Vec::new(); file.containers.len()]).collect();
    let mut builder = Builder { files, by_path, symbol_text, tree: Tree { instances, ..Tree::default() } };
    for (folder, package) in packages {
        for target in &package.targets {
            let Some(&file) = builder.by_path.get(target.root.as_str()) else { continue };
            let index = builder.add_crate(file, Some(folder.clone()));
            if target.is_library {
                builder.tree.libraries.insert(folder.clone(), index);
            }
        }
    }
    builder.remaining(packages);
    let mut tree = builder.tree;
    let parents: Vec<Option<ModuleIndex>> = (0..tree.modules.len())
        .map(|module| if tree.proper(module) == module { tree.parent(module) } else { None })
        .collect();
    tree.nest = Nest::new(&parents);
    tree
}

impl Builder<'_> {
    /// Files that no crate reaches.
    fn remaining(&mut self, packages: &BTreeMap<String, Package>) {
        let unreached: Vec<FileIndex> =
            (0..self.files.len()).filter(|&file| !self.is_reached(file)).collect();
        let declared: HashSet<FileIndex> = unreached.iter().flat_map(|&file| self.declares(file)).collect();
        let (inner, roots): (Vec<FileIndex>, Vec<FileIndex>) =
            unreached.into_iter().partition(|file| declared.contains(file));
        for file in roots.into_iter().chain(inner) {
            if !self.is_reached(file) {
                let path = self.files.get(file).map_or("", |file| file.path.as_str());
                let package = around(path, packages);
                self.add_crate(file, package);
            }
        }
    }

    fn is_reached(&self, file: FileIndex) -> bool {
        self.tree.instances.get(file).and_then(|own| own.first()).is_some_and(|first| !first.is_empty())
    }

    /// The files that the `mod` items of a file lead to when it is no crate.
    fn declares(&self, file: FileIndex) -> Vec<FileIndex> {
        let Some(outline) = self.files.get(file) else { return Vec::new() };
        let place = place_of(&outline.path, is_folder_file(&outline.path));
        let modules =
            outline.items.iter().filter(|item| item.kind == BindingKind::Module && item.container == 0);
        modules
            .flat_map(|item| self.files_of(item, &place))
            .map(|(file, _)| file)
            .filter(|&other| other != file)
            .collect()
    }

    fn add_crate(&mut self, file: FileIndex, package: Option<String>) -> usize {
        let index = self.tree.crates.len();
        let root = self.tree.modules.len();
        self.tree.crates.push(Crate { root, package, macros: HashMap::new() });
        let path = self.files.get(file).map_or("", |file| file.path.as_str());
        let mut pending = Vec::new();
        self.add_file(index, None, file, place_of(path, true), &mut pending);
        // Work list instead of recursion: a file may declare itself below itself without end.
        while let Some((module, place)) = pending.pop() {
            self.children(module, &place, &mut pending);
        }
        index
    }

    /// Adds the modules and blocks of a file; those whose `mod` items are to be followed become pending.
    fn add_file(
        &mut self,
        crate_index: usize,
        parent: Option<ModuleIndex>,
        file: FileIndex,
        place: Place,
        pending: &mut Vec<(ModuleIndex, Place)>,
    ) -> ModuleIndex {
        let first = self.tree.modules.len();
        let files = self.files;
        let Some(outline) = files.get(file) else { return first };
        let depth =
            parent.and_then(|parent| self.tree.modules.get(parent)).map_or(0, |parent| parent.depth + 1);
        // Where the children of modules inside the file are sought; of those that lie deep in one another they are not.
        let mut places: Vec<Option<(Place, usize)>> = Vec::with_capacity(outline.containers.len());
        for (index, container) in outline.containers.iter().enumerate() {
            let module = self.tree.modules.len();
            let outer = container.parent.map(|outer| first + outer as usize).or(parent);
            let around = container.parent.and_then(|outer| places.get(outer as usize)?.as_ref());
            let own = match around {
                _ if index == 0 => Some((place.clone(), 0)),
                Some((around, level)) if *level < MAX_DEPTH => {
                    Some((self.place_inside(around, outline, container), level + 1))
                }
                _ => None,
            };
            self.tree.modules.push(Module {
                crate_index,
                parent: outer,
                file,
                container: index as Index,
                children: HashMap::new(),
                included: Vec::new(),
                host: None,
                is_block: container.is_block,
                declared_at: container
                    .item
                    .and_then(|item| at(&outline.items, item))
                    .map_or(0, |item| item.start),
                depth,
            });
            if let Some(known) = self.tree.instances.get_mut(file).and_then(|own| own.get_mut(index)) {
                known.push(module);
            }
            if let (Some(item), Some(outer)) = (container.item, container.parent) {
                let outer = self.tree.modules.get_mut(first + outer as usize);
                outer.into_iter().for_each(|outer| outer.children.entry(item).or_default().push(module));
            }
            pending.extend(own.iter().map(|(place, _)| (module, place.clone())));
            places.push(own);
        }
        self.exported(crate_index, file);
        first
    }

    fn exported(&mut self, crate_index: usize, file: FileIndex) {
        let (Some(outline), Some(own)) = (self.files.get(file), self.tree.crates.get_mut(crate_index)) else {
            return;
        };
        for (index, item) in outline.items.iter().enumerate() {
            if item.kind == BindingKind::Macro && item.attributes.shares_macros {
                own.macros.entry(item.name).or_default().push((file, index as Index));
            }
        }
    }

    /// Where a module inside a file looks for the files of its children.
    fn place_inside(&self, around: &Place, outline: &Outline, container: &Container) -> Place {
        let Some(item) = container.item.and_then(|item| at(&outline.items, item)) else {
            return around.clone();
        };
        let folder = match item.attributes.paths.first() {
            Some(path) => join(&around.path_folder, path),
            None => join(&around.folder, &(self.symbol_text)(item.name)),
        };
        Place { path_folder: folder.clone(), folder }
    }

    /// Follows the `mod` items of a module, and the files included in it.
    fn children(&mut self, module: ModuleIndex, place: &Place, pending: &mut Vec<(ModuleIndex, Place)>) {
        let Some(own) = self.tree.modules.get(module) else { return };
        let (crate_index, file, container, depth) = (own.crate_index, own.file, own.container, own.depth);
        let files = self.files;
        let Some(outline) = files.get(file).filter(|_| depth < MAX_DEPTH) else { return };
        let modules =
            at(&outline.containers, container).map(|own| own.modules.as_slice()).unwrap_or_default();
        for used in modules.iter().filter_map(|&used| at(&outline.uses, used)) {
            let Some(index) = used.module else { continue };
            let Some(item) = at(&outline.items, index) else { continue };
            for (file, place) in self.files_of(item, place) {
                if !self.is_around(module, file) {
                    let child = self.add_file(crate_index, Some(module), file, place, pending);
                    if let Some(child) = self.tree.modules.get_mut(child) {
                        child.declared_at = item.start;
                    }
                    let own = self.tree.modules.get_mut(module);
                    own.into_iter().for_each(|own| own.children.entry(index).or_default().push(child));
                }
            }
        }
        let folder = split(&outline.path).0;
        for path in at(&outline.containers, container).map(|own| own.includes.as_slice()).unwrap_or_default()
        {
            let Some(&file) = self.by_path.get(join(folder, path).as_str()) else { continue };
            if self.is_around(module, file) {
                continue;
            }
            let child = self.add_file(crate_index, Some(module), file, place.clone(), pending);
            if let Some(child) = self.tree.modules.get_mut(child) {
                child.host = Some(module);
                child.declared_at = u32::MAX;
            }
            if let Some(own) = self.tree.modules.get_mut(module) {
                own.included.push(child);
            }
        }
    }

    /// Whether the file is that of the module or of one around it, or is in the crate often enough.
    fn is_around(&self, module: ModuleIndex, file: FileIndex) -> bool {
        let crate_of = |module: ModuleIndex| self.tree.modules.get(module).map(|own| own.crate_index);
        let own = self.tree.instances.get(file).and_then(|own| own.first());
        // Crates are made one after the other: the last instances are this one's.
        let here = own.map_or(0, |own| {
            own.iter().rev().take_while(|&&other| crate_of(other) == crate_of(module)).count()
        });
        if here >= MAX_INSTANCES {
            return true;
        }
        let mut current = Some(module);
        while let Some(module) = current.and_then(|index| self.tree.modules.get(index)) {
            if module.file == file {
                return true;
            }
            current = module.parent;
        }
        false
    }

    /// The files of `mod name;`, with the places of their children.
    fn files_of(&self, item: &Item, place: &Place) -> Vec<(FileIndex, Place)> {
        let attributes = &item.attributes;
        let found = |path: String, in_folder: bool| {
            self.by_path.get(path.as_str()).map(|&file| (file, place_of(&path, in_folder)))
        };
        let by_attribute =
            attributes.paths.iter().filter_map(|path| found(join(&place.path_folder, path), true));
        let mut files: Vec<(FileIndex, Place)> = by_attribute.collect();
        if !attributes.has_own_path {
            let name = (self.symbol_text)(item.name);
            let own = found(join(&place.folder, &format!("{name}.rs")), false);
            let own = own.or_else(|| found(join(&place.folder, &format!("{name}/mod.rs")), true));
            files.extend(own);
        }
        files
    }
}

fn is_folder_file(path: &str) -> bool {
    matches!(split(path).1, "mod.rs" | "lib.rs" | "main.rs")
}

/// The place of the children of a file: its folder for the first file of a crate and for `mod.rs`, else a folder of its name.
fn place_of(path: &str, in_folder: bool) -> Place {
    let (folder, name) = split(path);
    let own = if in_folder { folder.to_owned() } else { join(folder, stem(name)) };
    Place { folder: own, path_folder: folder.to_owned() }
}

/// The folder of the package around a file.
fn around(path: &str, packages: &BTreeMap<String, Package>) -> Option<String> {
    let mut folder = split(path).0;
    loop {
        if packages.contains_key(folder) {
            return Some(folder.to_owned());
        }
        if folder.is_empty() {
            return None;
        }
        folder = split(folder).0;
    }
}

impl Tree {
    /// The module a module's text belongs to: itself, but for blocks and included files.
    pub(super) fn proper(&self, module: ModuleIndex) -> ModuleIndex {
        self.scopes(module).last().unwrap_or(module)
    }

    /// A block or included file, and what it stands in, up to its module: where a name is looked up.
    pub(super) fn scopes(&self, module: ModuleIndex) -> impl Iterator<Item = ModuleIndex> {
        std::iter::successors(Some(module), |&index| {
            let own = self.modules.get(index)?;
            own.host.or_else(|| own.parent.filter(|_| own.is_block))
        })
    }

    /// The module around a module.
    pub(super) fn parent(&self, module: ModuleIndex) -> Option<ModuleIndex> {
        let proper = self.proper(module);
        self.modules.get(proper)?.parent.map(|parent| self.proper(parent))
    }

    /// The first module of the crate a module is in.
    pub(super) fn root(&self, module: ModuleIndex) -> ModuleIndex {
        let own = self.modules.get(module).and_then(|own| self.crates.get(own.crate_index));
        own.map_or(module, |own| own.root)
    }

    /// Whether something of `owner` with this visibility may be named in `from`.
    pub(super) fn is_visible(&self, visibility: &Visibility, owner: ModuleIndex, from: ModuleIndex) -> bool {
        let same_crate = self.root(owner) == self.root(from);
        match visibility {
            Visibility::Public => true,
            Visibility::Crate => same_crate,
            Visibility::Below(names) => {
                let mut around = vec![self.proper(owner)];
                while let Some(outer) = around.last().and_then(|&module| self.parent(module)) {
                    around.push(outer);
                }
                let module =
                    around.len().checked_sub(1 + *names as usize).and_then(|place| around.get(place));
                same_crate && module.is_none_or(|&module| self.is_inside(from, module))
            }
            Visibility::Around(levels) => {
                let outer = (0..*levels).try_fold(self.proper(owner), |module, _| self.parent(module));
                outer.is_some_and(|outer| self.is_inside(from, outer))
            }
        }
    }

    fn is_inside(&self, module: ModuleIndex, around: ModuleIndex) -> bool {
        self.nest.is_inside(self.proper(module), around)
    }
}
