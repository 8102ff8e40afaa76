//! Packages and projects: what `package.json` and `tsconfig.json` say.

use std::collections::BTreeMap;

use serde_json::Value;

use super::joined;
use crate::modules::split;

/// The most settings that one file takes from others, one after the other.
const MAX_EXTENDS: usize = 16;

/// Conditions of `exports`, in the order in which they are read here: types first, for these are what names mean.
const CONDITIONS: [&str; 6] = ["types", "import", "module", "require", "node", "default"];

/// Folders for what is compiled.
const BUILT: [&str; 5] = ["dist", "lib", "build", "out", "esm"];

/// A package of the repository.
#[derive(Debug)]
pub(super) struct Package {
    folder: String,
    /// Files for names below the package, as they are written; that of the package itself is empty.
    entries: BTreeMap<String, Vec<String>>,
}

/// The settings of the compiler for a folder.
#[derive(Clone, Debug, Default)]
pub(super) struct Project {
    base: Option<String>,
    /// Patterns with at most one `*`, what they stand for, and the folder that is relative to.
    paths: Vec<(String, Vec<String>, String)>,
}

/// The packages of a repository, by their names.
pub(super) fn packages(settings: &BTreeMap<&str, Value>) -> BTreeMap<String, Package> {
    let mut packages = BTreeMap::new();
    for (path, value) in settings.iter().filter(|(path, _)| split(path).1 == "package.json") {
        let Some(name) = value.get("name").and_then(Value::as_str) else { continue };
        let mut entries: BTreeMap<String, Vec<String>> = BTreeMap::new();
        match value.get("exports") {
            Some(Value::Object(exports)) if exports.keys().any(|key| key.starts_with('.')) => {
                for (key, target) in exports {
                    let below = key.trim_start_matches('.').trim_start_matches('/');
                    entries.entry(below.to_owned()).or_default().extend(targets(target));
                }
            }
            Some(exports) => entries.entry(String::new()).or_default().extend(targets(exports)),
            None => {}
        }
        let named = ["types", "typings", "module", "main"].into_iter().filter_map(|key| value.get(key));
        let named = named.filter_map(Value::as_str).map(str::to_owned);
        entries.entry(String::new()).or_default().extend(named);
        let folder = split(path).0.to_owned();
        packages.entry(name.to_owned()).or_insert(Package { folder, entries });
    }
    packages
}

/// The files that an entry of `exports` names, under whatever condition.
fn targets(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut left = vec![value];
    while let Some(next) = left.pop() {
        match next {
            Value::String(path) => found.push(path.clone()),
            Value::Array(items) => left.extend(items.iter().rev()),
            Value::Object(conditions) => {
                left.extend(CONDITIONS.iter().rev().filter_map(|&condition| conditions.get(condition)));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    found
}

impl Package {
    /// Paths at which the module `below` of the package may be, best first.
    pub(super) fn places(&self, below: &str) -> Vec<String> {
        let mut places = Vec::new();
        let mut add = |relative: &str| places.extend(joined(&self.folder, relative));
        let exact = self.entries.get(below).into_iter().flatten().cloned();
        let patterns =
            self.entries.iter().filter_map(|(pattern, targets)| Some((matched(pattern, below)?, targets)));
        let wild =
            patterns.flat_map(|(part, targets)| targets.iter().map(move |target| target.replace('*', part)));
        for target in exact.chain(wild) {
            add(&target);
            // What is built from a source is not in the repository; the source is.
            let inner = target.trim_start_matches("./");
            if let Some((first, rest)) = inner.split_once('/').filter(|(first, _)| BUILT.contains(first)) {
                add(&format!("src/{rest}"));
                add(rest);
                let without_types = rest.replace(".d.ts", ".ts");
                add(&format!("src/{without_types}"));
                let deeper = rest.split_once('/').map(|(_, rest)| rest);
                if let Some(rest) = deeper.filter(|_| first == "dist") {
                    add(&format!("src/{rest}"));
                }
            }
        }
        if below.is_empty() {
            ["src/index", "index", "src/main"].into_iter().for_each(add);
        } else {
            add(below);
            add(&format!("src/{below}"));
        }
        places
    }
}

/// The part of `name` that stands for the star of a pattern.
fn matched<'n>(pattern: &str, name: &'n str) -> Option<&'n str> {
    let (before, after) = pattern.split_once('*')?;
    name.strip_prefix(before)?.strip_suffix(after)
}

/// The projects of a repository, by their folders: of two files in one folder `tsconfig.json` counts.
pub(super) fn projects(settings: &BTreeMap<&str, Value>) -> BTreeMap<String, Project> {
    let mut projects = BTreeMap::new();
    for name in ["jsconfig.json", "tsconfig.json"] {
        for path in settings.keys().filter(|path| split(path).1 == name) {
            projects.insert(split(path).0.to_owned(), project(settings, path));
        }
    }
    projects
}

/// The settings in a file, with those that it takes from others.
fn project(settings: &BTreeMap<&str, Value>, path: &str) -> Project {
    let mut chain: Vec<String> = vec![path.to_owned()];
    while chain.len() < MAX_EXTENDS {
        let Some(last) = chain.last() else { break };
        let extends = settings.get(last.as_str()).and_then(|value| value.get("extends")?.as_str());
        let Some(next) = extends.and_then(|extends| joined(split(last).0, extends)) else { break };
        let with_ending = if next.ends_with(".json") { next } else { format!("{next}.json") };
        if chain.contains(&with_ending) || !settings.contains_key(with_ending.as_str()) {
            break;
        }
        chain.push(with_ending);
    }
    let mut project = Project::default();
    for path in chain.iter().rev() {
        let folder = split(path).0;
        let options = settings.get(path.as_str()).and_then(|value| value.get("compilerOptions"));
        let base = options.and_then(|options| options.get("baseUrl")?.as_str());
        if let Some(base) = base.and_then(|base| joined(folder, base)) {
            project.base = Some(base);
        }
        if let Some(paths) = options.and_then(|options| options.get("paths")?.as_object()) {
            let root = project.base.clone().unwrap_or_else(|| folder.to_owned());
            let targets = |value: &Value| -> Vec<String> {
                value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
            };
            project.paths = paths
                .iter()
                .map(|(pattern, value)| (pattern.clone(), targets(value), root.clone()))
                .collect();
            // The pattern with the longest text before the star counts first.
            project.paths.sort_by_key(|(pattern, ..)| {
                let exact = !pattern.contains('*');
                std::cmp::Reverse((exact, pattern.find('*').unwrap_or(pattern.len())))
            });
        }
    }
    project
}

impl Project {
    /// Paths at which a module may be by its project's settings, best first.
    pub(super) fn places(&self, specifier: &str) -> Vec<String> {
        let mut places = Vec::new();
        for (pattern, targets, root) in &self.paths {
            let part = if pattern == specifier { Some("") } else { matched(pattern, specifier) };
            let Some(part) = part else { continue };
            places.extend(targets.iter().filter_map(|target| joined(root, &target.replace('*', part))));
        }
        places.extend(self.base.as_ref().and_then(|base| joined(base, specifier)));
        places
    }
}
