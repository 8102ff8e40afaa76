//! Files: which one the name of a module means (Node.js, 'Modules: Packages' and 'ECMAScript modules'; TypeScript,
//! 'Module resolution').

mod json;
mod packages;

use std::collections::{BTreeMap, HashMap};

use super::outline::FileIndex;
use crate::modules::split;
use packages::{Package, Project};

/// Names of the files that say what packages and projects are.
pub(super) const SETTINGS: [&str; 3] = ["package.json", "tsconfig.json", "jsconfig.json"];

/// Endings of files, in the order in which they are sought behind a name without one.
const ENDINGS: [&str; 10] = [".ts", ".tsx", ".d.ts", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs", ".d.mts"];

/// What a name of a module written with one of these endings may be written in, before it is compiled.
const COMPILED: [(&str, &[&str]); 4] = [
    (".js", &[".ts", ".tsx", ".d.ts"]),
    (".jsx", &[".tsx"]),
    (".mjs", &[".mts", ".d.mts"]),
    (".cjs", &[".cts", ".d.cts"]),
];

/// What the name of a module means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Module {
    /// A file of the repository.
    File(FileIndex),
    /// Something else, by its name.
    Outside(String),
}

/// The files of a repository, and what says where modules are.
pub(super) struct Files {
    by_path: HashMap<String, FileIndex>,
    /// Packages by their names.
    packages: BTreeMap<String, Package>,
    /// Projects by their folders.
    projects: BTreeMap<String, Project>,
}

impl Files {
    /// The files at these paths, with the texts of their settings by path. With the paths of settings that are not
    /// understood, and why.
    pub(super) fn new<'p>(
        paths: impl Iterator<Item = &'p str>,
        settings: &BTreeMap<String, String>,
    ) -> (Self, Vec<(String, String)>) {
        let by_path = paths.enumerate().map(|(index, path)| (path.to_owned(), index)).collect();
        let (mut parsed, mut errors) = (BTreeMap::new(), Vec::new());
        for (path, text) in settings {
            match json::parse(text) {
                Ok(value) => {
                    parsed.insert(path.as_str(), value);
                }
                Err(error) => errors.push((path.clone(), format!("it is not valid JSON: {error}"))),
            }
        }
        let (packages, projects) = (packages::packages(&parsed), packages::projects(&parsed));
        (Self { by_path, packages, projects }, errors)
    }

    /// What `specifier` means in the file at `path`.
    pub(super) fn find(&self, path: &str, specifier: &str) -> Module {
        let (folder, _) = split(path);
        if let Some(found) = self.seek(folder, specifier) {
            return Module::File(found);
        }
        Module::Outside(specifier.strip_prefix("node:").unwrap_or(specifier).to_owned())
    }

    fn seek(&self, folder: &str, specifier: &str) -> Option<FileIndex> {
        let is_relative =
            matches!(specifier, "." | "..") || specifier.starts_with("./") || specifier.starts_with("../");
        if is_relative {
            return self.at(&joined(folder, specifier)?);
        }
        if specifier.starts_with('/') || specifier.is_empty() {
            return None;
        }
        if let Some(project) = self.project(folder) {
            for place in project.places(specifier) {
                if let Some(found) = self.at(&place) {
                    return Some(found);
                }
            }
        }
        if specifier.starts_with('#') {
            return None;
        }
        let end = specifier.match_indices('/').nth(usize::from(specifier.starts_with('@'))).map(|(at, _)| at);
        let (name, below) = specifier.split_at(end.unwrap_or(specifier.len()));
        let package = self.packages.get(name)?;
        package.places(below.trim_start_matches('/')).iter().find_map(|place| self.at(place))
    }

    /// The settings of the innermost project around a folder.
    fn project(&self, folder: &str) -> Option<&Project> {
        let mut current = folder;
        loop {
            match self.projects.get(current) {
                Some(project) => return Some(project),
                None if current.is_empty() => return None,
                None => current = split(current).0,
            }
        }
    }

    /// The file that a path without an ending, with one of what it is compiled to, or of a folder, means.
    fn at(&self, place: &str) -> Option<FileIndex> {
        let get = |path: &str| self.by_path.get(path).copied();
        for (ending, sources) in COMPILED {
            if let Some(stem) = place.strip_suffix(ending) {
                let found = sources.iter().find_map(|source| get(&format!("{stem}{source}")));
                if found.is_some() {
                    return found;
                }
            }
        }
        let with_ending = |stem: &str| ENDINGS.iter().find_map(|ending| get(&format!("{stem}{ending}")));
        let index = if place.is_empty() { "index".to_owned() } else { format!("{place}/index") };
        get(place).or_else(|| with_ending(place)).or_else(|| with_ending(&index))
    }
}

/// A path relative to a folder; none when it leaves the repository.
fn joined(folder: &str, relative: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            _ => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_modules_lead_to_files() {
        let paths = [
            "src/a.ts",
            "src/b.tsx",
            "src/c/index.ts",
            "src/d.d.ts",
            "src/e.js",
            "lib/util.ts",
            "packages/p/src/index.ts",
            "packages/p/src/deep.ts",
            "packages/q/main.mjs",
            "packages/r/src/index.ts",
            "packages/r/sub/x.ts",
        ];
        let settings = [
            ("tsconfig.json", "{ \"extends\": \"./base.json\", /* c */ }"),
            ("base.json", "{}"),
            ("tsconfig.base.json", "{}"),
            ("src/tsconfig.json", "{\"extends\": \"../config/tsconfig.json\"}"),
            (
                "config/tsconfig.json",
                "{\"compilerOptions\": {\"baseUrl\": \"..\", \"paths\": {\"@lib/*\": [\"lib/*\"], \"exact\": [\"src/a\"],},},}",
            ),
            (
                "packages/p/package.json",
                "{\"name\": \"@s/p\", \"main\": \"dist/index.js\", \"exports\": {\".\": {\"import\": \"./dist/index.js\"}, \"./deep\": \"./src/deep.ts\"}}",
            ),
            ("packages/q/package.json", "{\"name\": \"q\", \"module\": \"main.mjs\"}"),
            ("packages/r/package.json", "{\"name\": \"r\"}"),
        ];
        let settings = settings.map(|(path, text)| (path.to_owned(), text.to_owned())).into_iter().collect();
        let (files, errors) = Files::new(paths.into_iter(), &settings);
        assert_eq!(errors, []);
        let found = |path: &str, specifier: &str| match files.find(path, specifier) {
            Module::File(index) => paths.get(index).copied().unwrap_or_default().to_owned(),
            Module::Outside(name) => format!("outside {name}"),
        };
        for (specifier, expected) in [
            ("./b", "src/b.tsx"),
            ("./b.js", "src/b.tsx"),
            ("./c", "src/c/index.ts"),
            ("./c/", "src/c/index.ts"),
            ("./d", "src/d.d.ts"),
            ("./e.js", "src/e.js"),
            ("../lib/util.js", "lib/util.ts"),
            ("../../outside", "outside ../../outside"),
            ("@lib/util", "lib/util.ts"),
            ("exact", "src/a.ts"),
            ("lib/util", "lib/util.ts"),
            ("@s/p", "packages/p/src/index.ts"),
            ("@s/p/deep", "packages/p/src/deep.ts"),
            ("q", "packages/q/main.mjs"),
            ("r", "packages/r/src/index.ts"),
            ("r/sub/x", "packages/r/sub/x.ts"),
            ("node:fs", "outside fs"),
            ("react", "outside react"),
        ] {
            assert_eq!(found("src/a.ts", specifier), expected, "{specifier}");
        }
    }
}
