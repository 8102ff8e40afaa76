//! Packages: which crates a `Cargo.toml` makes of its folder, and by which names they know others.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

use toml::de::{DeTable, DeValue};

use crate::modules::{split, stem};

/// A crate of a package.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// The file it begins with.
    pub(super) root: String,
    /// What it is called.
    pub(super) name: String,
    pub(super) is_library: bool,
}

/// A package.
#[derive(Debug, Default)]
pub(super) struct Package {
    /// The name other crates use for its library.
    pub(super) library: String,
    pub(super) targets: Vec<Target>,
    /// Paths of `use` begin at the crate's root.
    pub(super) is_2015: bool,
    /// Folders of packages of the repository, by the names its crates use for them; none for packages of elsewhere.
    pub(super) dependencies: HashMap<String, Option<String>>,
}

/// A manifest that was read.
struct Manifest<'m> {
    folder: &'m str,
    table: &'m DeTable<'m>,
}

/// The packages of `repositories` by their folders, from the manifests' texts by path and the paths of all files. With the
/// paths of the manifests that cannot be understood, and why: their packages have the usual crates, and no dependencies.
pub(super) fn packages(
    manifests: &BTreeMap<String, String>,
    paths: &BTreeSet<&str>,
    repositories: &BTreeSet<String>,
) -> (BTreeMap<String, Package>, Vec<(String, String)>) {
    let mut errors = Vec::new();
    let empty = DeTable::new();
    let documents: Vec<(&str, Option<toml::Spanned<DeTable<'_>>>)> = manifests
        .iter()
        .map(|(path, text)| match DeTable::parse(text) {
            Ok(document) => (split(path).0, Some(document)),
            Err(error) => {
                errors.push((path.clone(), error.message().to_owned()));
                (split(path).0, None)
            }
        })
        .collect();
    let read: Vec<Manifest<'_>> = documents
        .iter()
        .map(|(folder, document)| Manifest {
            folder,
            table: document.as_ref().map_or(&empty, |document| document.get_ref()),
        })
        .collect();
    let mut packages: BTreeMap<String, Package> =
        read.iter().map(|manifest| (manifest.folder.to_owned(), manifest.package(paths))).collect();
    let names: HashMap<String, String> =
        packages.iter().map(|(folder, package)| (folder.clone(), package.library.clone())).collect();
    let published = Published::new(&read, repositories);
    for manifest in &read {
        let workspace = read
            .iter()
            .rev()
            .find(|other| other.table.get("workspace").is_some() && is_within(manifest.folder, other.folder));
        let dependencies = manifest.dependencies(workspace, &names, &published);
        if let Some(package) = packages.get_mut(manifest.folder) {
            package.dependencies = dependencies;
        }
    }
    (packages, errors)
}

/// The packages by the names under which they are published: a dependency of which no path is known may be one of
/// another repository.
struct Published<'m> {
    repositories: &'m BTreeSet<String>,
    folders: HashMap<&'m str, Vec<&'m str>>,
}

impl<'m> Published<'m> {
    fn new(read: &'m [Manifest<'m>], repositories: &'m BTreeSet<String>) -> Self {
        let mut folders: HashMap<&str, Vec<&str>> = HashMap::new();
        for manifest in read {
            if let Some(name) = manifest.text("package", "name") {
                folders.entry(name).or_default().push(manifest.folder);
            }
        }
        Self { repositories, folders }
    }

    /// The repository that a folder is in, where it has a name.
    fn repository<'f>(&self, folder: &'f str) -> Option<&'f str> {
        let first = folder.split('/').next()?;
        self.repositories.contains(first).then_some(first)
    }

    /// The folder of the first package of this name in another repository than that of `folder`.
    fn elsewhere(&self, name: &str, folder: &str) -> Option<&'m str> {
        let own = self.repository(folder)?;
        let folders = self.folders.get(name)?;
        folders.iter().copied().find(|&other| self.repository(other).is_some_and(|other| other != own))
    }
}

fn is_within(folder: &str, around: &str) -> bool {
    around.is_empty()
        || folder == around
        || folder.strip_prefix(around).is_some_and(|rest| rest.starts_with('/'))
}

/// `folder/relative`, without `.` and `..`.
pub(super) fn join(folder: &str, relative: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(relative.split(['/', '\\'])) {
        match part {
            "" | "." => {}
            // Above the repository nothing is known; such a path is none of its files.
            ".." if parts.last().is_none_or(|&last| last == "..") => parts.push(".."),
            ".." => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    parts.join("/")
}

impl Manifest<'_> {
    fn text(&self, table: &str, key: &str) -> Option<&str> {
        self.table.get(table)?.get_ref().get(key)?.get_ref().as_str()
    }

    fn package(&self, paths: &BTreeSet<&str>) -> Package {
        let name = self.text("package", "name").unwrap_or_else(|| split(self.folder).1);
        let library = self.text("lib", "name").unwrap_or(name).replace('-', "_");
        let is_2015 = self.table.get("package").is_some() && matches!(self.edition(), None | Some("2015"));
        let mut targets = Vec::new();
        let mut add = |root: String, name: &str, is_library: bool| {
            let is_new = targets.iter().all(|known: &Target| known.root != root);
            if is_new && paths.contains(root.as_str()) {
                targets.push(Target { root, name: name.replace('-', "_"), is_library });
            }
        };
        add(join(self.folder, self.text("lib", "path").unwrap_or("src/lib.rs")), &library, true);
        for (key, folder) in
            [("bin", "src/bin"), ("test", "tests"), ("example", "examples"), ("bench", "benches")]
        {
            let listed = self.explicit(key, folder);
            listed.iter().for_each(|(path, name)| add(join(self.folder, path), name, false));
            if self.finds(key) {
                below(&join(self.folder, folder), paths)
                    .iter()
                    .for_each(|path| add((*path).to_owned(), named_by(path), false));
            }
        }
        if self.finds("bin") {
            add(join(self.folder, "src/main.rs"), name, false);
        }
        let script = self.text("package", "build").unwrap_or("build.rs");
        add(join(self.folder, script), "build_script_build", false);
        Package { library, targets, is_2015, dependencies: HashMap::new() }
    }

    fn edition(&self) -> Option<&str> {
        let edition = self.table.get("package")?.get_ref().get("edition")?.get_ref();
        // Of a workspace: those that have editions to share are not from 2015.
        edition.as_str().or_else(|| edition.get("workspace").map(|_| "workspace"))
    }

    /// Paths and names of the crates of a kind that are listed; they are in `folder` when they have but a name.
    fn explicit(&self, key: &str, folder: &str) -> Vec<(String, String)> {
        let listed = self.table.get(key).and_then(|list| list.get_ref().as_array());
        let path = |target: &DeValue<'_>| {
            let name = target.get("name").and_then(|name| name.get_ref().as_str());
            match target.get("path") {
                Some(path) => {
                    let path = path.get_ref().as_str()?;
                    Some((path.to_owned(), name.unwrap_or(named_by(path)).to_owned()))
                }
                None => Some((format!("{folder}/{}.rs", name?), name?.to_owned())),
            }
        };
        listed.into_iter().flatten().filter_map(|target| path(target.get_ref())).collect()
    }

    /// Whether the crates of a kind are also found in their folder.
    fn finds(&self, key: &str) -> bool {
        let key = match key {
            "bin" => "autobins",
            "test" => "autotests",
            "example" => "autoexamples",
            _ => "autobenches",
        };
        let package = self.table.get("package").map(|package| package.get_ref());
        package.and_then(|package| package.get(key)?.get_ref().as_bool()).unwrap_or(true)
    }

    /// The folders of the dependencies that have a path, by the name in this package's crates; none for the others.
    fn dependencies(
        &self,
        workspace: Option<&Manifest<'_>>,
        names: &HashMap<String, String>,
        published: &Published<'_>,
    ) -> HashMap<String, Option<String>> {
        let mut found = HashMap::new();
        let targets = self.table.get("target").and_then(|targets| targets.get_ref().as_table());
        let conditional: Vec<&DeValue<'_>> =
            targets.into_iter().flat_map(|targets| targets.values()).map(|table| table.get_ref()).collect();
        let own = |kind: &str| self.table.get(kind).map(|table| table.get_ref());
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let of_targets =
                conditional.iter().filter_map(|table| table.get(kind)).map(|table| table.get_ref());
            let tables = own(kind).into_iter().chain(of_targets).filter_map(|table| table.as_table());
            for (key, dependency) in tables.flatten() {
                let key: &str = key.get_ref();
                let folder = self.folder_of(key, dependency.get_ref(), workspace);
                let folder = folder.filter(|folder| names.contains_key(folder)).or_else(|| {
                    let shared = workspace.and_then(|workspace| workspace.shared(key));
                    let renamed = [Some(dependency.get_ref()), shared].into_iter().flatten();
                    let package = renamed.filter_map(|value| value.get("package")?.get_ref().as_str()).next();
                    published.elsewhere(package.unwrap_or(key), self.folder).map(str::to_owned)
                });
                let renamed = dependency.get_ref().get("package").is_some()
                    || workspace.is_some_and(|workspace| workspace.renames(key));
                let library = folder.as_ref().and_then(|folder| names.get(folder)).filter(|_| !renamed);
                found.insert(library.cloned().unwrap_or_else(|| key.replace('-', "_")), folder);
            }
        }
        found
    }

    fn folder_of(
        &self,
        key: &str,
        dependency: &DeValue<'_>,
        workspace: Option<&Manifest<'_>>,
    ) -> Option<String> {
        if let Some(path) = dependency.get("path") {
            return Some(join(self.folder, path.get_ref().as_str()?));
        }
        dependency.get("workspace")?;
        let workspace = workspace?;
        let path = workspace.shared(key)?.get("path")?.get_ref().as_str()?;
        Some(join(workspace.folder, path))
    }

    /// A dependency of the workspace.
    fn shared(&self, key: &str) -> Option<&DeValue<'_>> {
        Some(self.table.get("workspace")?.get_ref().get("dependencies")?.get_ref().get(key)?.get_ref())
    }

    fn renames(&self, key: &str) -> bool {
        self.shared(key).is_some_and(|dependency| dependency.get("package").is_some())
    }
}

/// Crates in a folder: each file, and each folder's `main.rs`.
fn below<'p>(folder: &str, paths: &BTreeSet<&'p str>) -> Vec<&'p str> {
    let prefix = format!("{folder}/");
    let from = (Bound::Included(prefix.as_str()), Bound::Unbounded);
    let inside =
        paths.range::<str, _>(from).copied().map_while(|path| Some((path, path.strip_prefix(&prefix)?)));
    let is_crate = |rest: &str| match rest.split_once('/') {
        None => rest.ends_with(".rs"),
        Some((_, file)) => file == "main.rs",
    };
    inside.filter(|(_, rest)| is_crate(rest)).map(|(path, _)| path).collect()
}

/// The name of the crate that begins with a file: the file's, or that of its folder.
fn named_by(path: &str) -> &str {
    match split(path) {
        (folder, "main.rs") => split(folder).1,
        (_, file) => stem(file),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_says_which_crates_there_are() {
        let manifests = BTreeMap::from(
            [
                ("", "[workspace]\n[workspace.dependencies]\nhelp = {path = 'help-er', package = 'help-er'}\n"),
                (
                    "a",
                    "[package]\nname = 'my-a'\nedition = '2021'\nautotests = false\n[lib]\npath = 'l.rs'\n[[test]]\nname = 't'\npath = 'x/t.rs'\n\
                     [dependencies]\nhelp.workspace = true\nserde = '1'\n[target.'cfg(unix)'.dev-dependencies]\nb = {path = '../b'}\n",
                ),
                ("b", "[package]\nname = 'b'\n[lib]\nname = 'bee'\n"),
                ("help-er", "[package]\nname = 'help-er'"),
                ("bad", "["),
            ]
            .map(|(folder, text)| (join(folder, "Cargo.toml"), text.to_owned())),
        );
        let paths = [
            "a/l.rs",
            "a/src/lib.rs",
            "a/src/bin/t/main.rs",
            "a/src/bin/t/m.rs",
            "a/tests/no.rs",
            "a/x/t.rs",
            "bad/src/main.rs",
        ];
        let (packages, errors) = packages(&manifests, &paths.into_iter().collect(), &BTreeSet::new());
        let roots = |folder: &str| -> Vec<&str> {
            packages[folder].targets.iter().map(|target| target.root.as_str()).collect()
        };
        assert_eq!(roots("a"), ["a/l.rs", "a/src/bin/t/main.rs", "a/x/t.rs"]);
        assert_eq!(roots("bad"), ["bad/src/main.rs"]);
        let known =
            packages["a"].dependencies.iter().map(|(name, folder)| (name.as_str(), folder.as_deref()));
        let known: BTreeMap<_, _> = known.collect();
        assert_eq!(known, BTreeMap::from([("bee", Some("b")), ("help", Some("help-er")), ("serde", None)]));
        assert_eq!(packages["a"].library, "my_a");
        assert!(packages["b"].is_2015 && !packages["a"].is_2015);
        assert_eq!(errors.len(), 1, "{errors:?}");
    }

    #[test]
    fn paths_are_joined_without_dots() {
        assert_eq!(join("a/b", "../c/./d.rs"), "a/c/d.rs");
        assert_eq!(join("", "../c"), "../c");
    }
}
