//! Which module of the repository an import names.
//!
//! Python searches the folders of `sys.path` in order; which these are is decided when the program starts. What can be
//! said from the files alone: the folder that holds a file's outermost package, or the file's own when it is in none (a
//! script's), comes first; then the folders above it, from which tests and scripts are run, and the `src`, `lib` and
//! `python` folders in them; then the projects of the repository and other repositories, which may be installed. Only the first of these come
//! before the standard library. Folders that are packages are no such folders: nothing in them has a name of its own.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};

use crate::lexical::Facts;
use crate::modules::{SourceLayout, split, stem};
use crate::tables::{file_id, folder_id};

use super::names::{is_package, source_root};
use super::standard::STANDARD_LIBRARY;

/// Folders of a project that hold its packages.
const SOURCE_FOLDERS: [&str; 3] = ["src", "lib", "python"];
/// Files that make a folder a project.
const PROJECT_FILES: [&str; 3] = ["pyproject.toml", "setup.py", "setup.cfg"];

/// A module of the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Module {
    /// With a file.
    File(String),
    /// A folder without one (PEP 420).
    Folder(String),
}

impl Module {
    fn id(&self) -> i64 {
        match self {
            Self::File(path) => file_id(path),
            Self::Folder(path) => folder_id(path),
        }
    }

    /// The folder that holds the modules in it; none for a module that is no package.
    fn folder(&self) -> Option<&str> {
        match self {
            Self::File(path) => {
                let (folder, name) = split(path);
                (stem(name) == "__init__").then_some(folder)
            }
            Self::Folder(path) => Some(path),
        }
    }
}

/// Finds the modules that the imports of the file at `path` name.
pub(in crate::languages::python) fn link_imports(facts: &mut Facts<'_>, path: &str, layout: &SourceLayout) {
    let search = Search::new(path, layout);
    for import in &mut facts.imports {
        let written = import.raw_module.as_deref().unwrap_or_default();
        let dotted: String = written.split_whitespace().collect();
        let relative = dotted.trim_start_matches('.');
        let parts: Vec<&str> = relative.split('.').filter(|part| !part.is_empty()).collect();
        let level = dotted.len() - relative.len();
        let found = if level > 0 { search.relative(level, &parts) } else { search.absolute(&parts) };
        import.target = found.last().map(Module::id);
        import.bound = match (import.name, import.alias, import.is_star) {
            (None, None, false) => found.first().map(Module::id),
            _ => import.target,
        };
        if found.is_empty() && level == 0 && import.name.is_none() && import.alias.is_none() {
            // `import a.b` binds `a`, which may be there without `b`.
            import.bound = parts.first().and_then(|first| search.absolute(&[first]).last().map(Module::id));
        }
    }
}

/// Where the imports of one file are looked up.
struct Search<'l> {
    layout: &'l SourceLayout,
    path: &'l str,
    /// What holds the file's outermost package.
    root: &'l str,
    /// That, and the folders above it that are no packages.
    above: Vec<&'l str>,
}

impl<'l> Search<'l> {
    fn new(path: &'l str, layout: &'l SourceLayout) -> Self {
        let root = source_root(path, layout);
        let mut above = vec![root];
        let mut folder = root;
        while !folder.is_empty() && !layout.repositories().contains(folder) {
            folder = split(folder).0;
            if folder.is_empty() || !is_package(folder, layout) {
                above.push(folder);
            }
        }
        Self { layout, path, root, above }
    }

    /// The modules that `parts` name one below the other, from the first folder that has them all; nothing when none has.
    fn absolute(&self, parts: &[&str]) -> Vec<Module> {
        let mut portion = Vec::new();
        for root in self.roots(parts.first().copied().unwrap_or_default()) {
            let found = self.below(&root, parts);
            match found.first() {
                // A folder is a package only when no other has a file of that name.
                Some(Module::Folder(_)) if portion.is_empty() => portion = found,
                None | Some(Module::Folder(_)) => {}
                Some(Module::File(_)) => return found,
            }
        }
        portion
    }

    /// The folders that are searched for the module called `name`, in order.
    fn roots<'s>(&'s self, name: &str) -> impl Iterator<Item = Cow<'l, str>> + 's {
        let further = !STANDARD_LIBRARY.contains(&name);
        // A repository that is a package is searched in no program that imports it.
        let is_searched = move |folder: &&&'l str| further || !is_package(folder, self.layout);
        let above = self.above.iter().filter(is_searched).map(|&folder| Cow::Borrowed(folder));
        let inside = move |&base: &&str| {
            SOURCE_FOLDERS.map(|name| join(base, name)).into_iter().filter(move |_| further).map(Cow::Owned)
        };
        let layout = self.layout;
        let inside = self.above.iter().flat_map(inside).filter(move |folder| holds_source(folder, layout));
        let projects = self.layout.installable(project_modules).get(name).filter(|_| further);
        let projects = projects.into_iter().flatten().map(|folder| Cow::Borrowed(folder.as_str()));
        above.chain(inside).chain(projects)
    }

    /// The modules that `parts` name one below the other in `folder`.
    fn below(&self, folder: &str, parts: &[&str]) -> Vec<Module> {
        let mut found: Vec<Module> = Vec::with_capacity(parts.len());
        for part in parts {
            let folder = match found.last() {
                Some(module) => module.folder(),
                None => Some(folder),
            };
            match folder.and_then(|folder| module_in(folder, part, self.layout)) {
                Some(module) => found.push(module),
                None => return Vec::new(),
            }
        }
        found
    }

    /// The modules of `from ..parts import`. Nothing when that leaves the outermost package.
    fn relative(&self, level: usize, parts: &[&str]) -> Vec<Module> {
        let (mut folder, _) = split(self.path);
        // A file in no package may be in a folder that is one without saying so.
        let in_package = self.root != folder || is_package(folder, self.layout);
        let outermost = if in_package { self.root } else { "" };
        for _ in 1..level {
            let above = split(folder).0;
            let leaves =
                above.len() <= outermost.len() && !(above.is_empty() && is_package(above, self.layout));
            if folder.is_empty() || leaves {
                return Vec::new();
            }
            folder = above;
        }
        if parts.is_empty() { vec![package(folder, self.layout)] } else { self.below(folder, parts) }
    }
}

/// The module called `name` in a folder: a package, before a module, before a folder without a file; a module before
/// its stub.
fn module_in(folder: &str, name: &str, layout: &SourceLayout) -> Option<Module> {
    let base = join(folder, name);
    let files = ["/__init__.py", "/__init__.pyi", ".py", ".pyi", ".pyw"];
    let file = files.iter().map(|ending| format!("{base}{ending}")).find(|path| layout.has_file(path));
    match file {
        Some(path) => Some(Module::File(path)),
        None => layout.first_below(&base).is_some().then_some(Module::Folder(base)),
    }
}

fn holds_source(folder: &str, layout: &SourceLayout) -> bool {
    layout.first_below(folder).is_some() && !is_package(folder, layout)
}

/// The folders of projects that hold modules, by the names of these, in order of their paths.
fn project_modules(layout: &SourceLayout) -> HashMap<String, Vec<String>> {
    let repositories = layout.repositories();
    let projects = PROJECT_FILES.iter().flat_map(|file| layout.marked(file));
    let projects = projects.chain(repositories.iter().map(String::as_str));
    let candidates = |project: &str| {
        SOURCE_FOLDERS.map(|name| join(project, name)).into_iter().chain([project.to_owned()])
    };
    let roots: HashSet<String> =
        projects.flat_map(candidates).filter(|folder| holds_source(folder, layout)).collect();
    let mut found: BTreeSet<(String, String)> = BTreeSet::new();
    // A repository that is a package is a module by its own name.
    let packages = repositories.iter().filter(|repository| is_package(repository, layout));
    found.extend(packages.map(|repository| (repository.clone(), String::new())));
    for path in layout.files() {
        let mut inner = path;
        let mut folder = split(path).0;
        loop {
            if roots.contains(folder) {
                found.insert((stem(split(inner).1).to_owned(), folder.to_owned()));
            }
            if folder.is_empty() {
                break;
            }
            inner = folder;
            folder = split(folder).0;
        }
    }
    let mut modules: HashMap<String, Vec<String>> = HashMap::new();
    for (name, folder) in found {
        modules.entry(name).or_default().push(folder);
    }
    modules
}

/// The package that a folder is.
fn package(folder: &str, layout: &SourceLayout) -> Module {
    let file = ["__init__.py", "__init__.pyi"].map(|name| join(folder, name));
    match file.into_iter().find(|path| layout.has_file(path)) {
        Some(path) => Module::File(path),
        None => Module::Folder(folder.to_owned()),
    }
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// The modules that exist because of the file at `path`: its own, unless another of the same name comes first, and the
/// folders without files of their own whose first file it is. Each with the module that contains it and its name.
pub(in crate::languages::python) fn containing_modules(
    path: &str,
    layout: &SourceLayout,
) -> Vec<(i64, Option<i64>, String)> {
    let (mut folder, file) = split(path);
    let mut modules = Vec::new();
    let own = if stem(file) == "__init__" {
        let (above, name) = split(folder);
        (!folder.is_empty()).then_some((above, name))
    } else {
        Some((folder, stem(file)))
    };
    if let Some((above, name)) = own
        && module_in(above, name, layout) == Some(Module::File(path.to_owned()))
    {
        modules.push((file_id(path), Some(package(above, layout).id()), name.to_owned()));
        let portions = portions(above, layout);
        modules.extend(portions.map(|other| (file_id(path), Some(folder_id(&other)), name.to_owned())));
    }
    while !folder.is_empty() {
        let (above, name) = split(folder);
        let is_folder = module_in(above, name, layout) == Some(Module::Folder(folder.to_owned()));
        if is_folder && layout.first_below(folder) == Some(path) {
            modules.push((folder_id(folder), Some(package(above, layout).id()), name.to_owned()));
        }
        folder = above;
    }
    modules
}

/// The other folders that are one package together with a folder without a file of its own, of those beside which programs
/// look for modules (PEP 420).
fn portions(folder: &str, layout: &SourceLayout) -> impl Iterator<Item = String> {
    let (root, name) = split(folder);
    let (around, last) = split(root);
    let base = if SOURCE_FOLDERS.contains(&last) { around } else { root };
    let roots = SOURCE_FOLDERS.map(|source| join(base, source)).into_iter().chain([base.to_owned()]);
    let is_portion = |root: &str| module_in(root, name, layout) == Some(Module::Folder(join(root, name)));
    let all = if !folder.is_empty() && is_portion(root) { roots.collect() } else { Vec::new() };
    let others: Vec<String> = all
        .into_iter()
        .filter(|other| other != root && is_portion(other))
        .map(|other| join(&other, name))
        .collect();
    others.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::languages::python::modules::MARKERS;

    /// The file or folder that `dotted` names in the file at `path`; nothing for the outside.
    fn find(files: &[&str], path: &str, dotted: &str) -> Option<String> {
        let is_source = |path: &str| path.ends_with(".py") || path.ends_with(".pyi");
        let layout = SourceLayout::new(files.iter().copied(), MARKERS.iter().copied(), is_source);
        let search = Search::new(path, &layout);
        let relative = dotted.trim_start_matches('.');
        let parts: Vec<&str> = relative.split('.').filter(|part| !part.is_empty()).collect();
        let level = dotted.len() - relative.len();
        let found = if level > 0 { search.relative(level, &parts) } else { search.absolute(&parts) };
        found.last().map(|module| match module {
            Module::File(path) | Module::Folder(path) => path.clone(),
        })
    }

    #[test]
    fn a_package_comes_before_a_module_and_a_module_before_a_folder() {
        let files =
            ["util.py", "util/__init__.py", "one.py", "one/part.py", "main.py", "c.pyi", "d.py", "d.pyi"];
        assert_eq!(find(&files, "main.py", "util").as_deref(), Some("util/__init__.py"));
        assert_eq!(find(&files, "main.py", "one").as_deref(), Some("one.py"));
        assert_eq!(find(&files, "main.py", "one.part"), None);
        assert_eq!(find(&files, "main.py", "c").as_deref(), Some("c.pyi"));
        assert_eq!(find(&files, "main.py", "d").as_deref(), Some("d.py"));
    }

    #[test]
    fn folders_that_no_program_starts_in_have_no_modules_of_their_own() {
        let files = [
            "tools/json.py",
            "app/a.py",
            "src/pkg/__init__.py",
            "src/pkg/ns/m.py",
            "src/pkg/b.py",
            "tests/t.py",
        ];
        assert_eq!(find(&files, "app/a.py", "json"), None);
        assert_eq!(find(&files, "app/a.py", "tools.json").as_deref(), Some("tools/json.py"));
        assert_eq!(find(&files, "tests/t.py", "pkg.ns.m").as_deref(), Some("src/pkg/ns/m.py"));
        assert_eq!(find(&files, "src/pkg/ns/m.py", "pkg.b").as_deref(), Some("src/pkg/b.py"));
        assert_eq!(find(&files, "src/pkg/ns/m.py", "b"), None);
        let projects = ["a/pyproject.toml", "a/src/one/__init__.py", "b/pyproject.toml", "b/test_b.py"];
        assert_eq!(find(&projects, "b/test_b.py", "one").as_deref(), Some("a/src/one/__init__.py"));
        // An installed module does not come before the standard library's.
        let hidden = ["a/setup.py", "a/json.py", "a/other.py", "b/c.py"];
        assert_eq!(find(&hidden, "b/c.py", "json"), None);
        assert_eq!(find(&hidden, "b/c.py", "other").as_deref(), Some("a/other.py"));
        assert_eq!(find(&hidden, "a/other.py", "json").as_deref(), Some("a/json.py"));
    }

    #[test]
    fn folders_of_one_name_beside_each_other_are_one_package() {
        let files = ["src/ns/a.py", "lib/ns/b.py", "lib/other/c.py", "python/ns/__init__.py"];
        let layout = SourceLayout::new(files.into_iter(), MARKERS.iter().copied(), |_| true);
        let parents = |path| -> Vec<Option<i64>> {
            let of_file = containing_modules(path, &layout).into_iter().filter(|it| it.0 == file_id(path));
            of_file.map(|(_, parent, _)| parent).collect()
        };
        assert_eq!(parents("src/ns/a.py"), [Some(folder_id("src/ns")), Some(folder_id("lib/ns"))]);
        assert_eq!(parents("lib/ns/b.py"), [Some(folder_id("lib/ns")), Some(folder_id("src/ns"))]);
        assert_eq!(parents("lib/other/c.py"), [Some(folder_id("lib/other"))]);
    }

    #[test]
    fn relative_imports_do_not_leave_the_outermost_package() {
        let files = ["pkg/__init__.py", "pkg/m.py", "pkg/sub/n.py", "other.py", "loose/a.py", "loose/b.py"];
        assert_eq!(find(&files, "pkg/sub/n.py", "..m").as_deref(), Some("pkg/m.py"));
        assert_eq!(find(&files, "pkg/m.py", ".").as_deref(), Some("pkg/__init__.py"));
        assert_eq!(find(&files, "pkg/m.py", "..other"), None);
        assert_eq!(find(&files, "loose/a.py", ".b").as_deref(), Some("loose/b.py"));
        let nameless = ["__init__.py", "nodes.py", "sub/__init__.py", "sub/m.py"];
        assert_eq!(find(&nameless, "nodes.py", ".sub.m").as_deref(), Some("sub/m.py"));
        assert_eq!(find(&nameless, "sub/m.py", "..nodes").as_deref(), Some("nodes.py"));
        assert_eq!(find(&nameless, "sub/m.py", "...nodes"), None);
        // The names in a package are not those of modules.
        let named = ["__init__.py", "json.py", "other.py"];
        assert_eq!(find(&named, "other.py", "json"), None);
        assert_eq!(find(&named, "other.py", ".json").as_deref(), Some("json.py"));
        assert_eq!(find(&named, "json.py", "other").as_deref(), Some("other.py"));
    }
}
