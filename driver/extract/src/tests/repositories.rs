//! Several repositories in one extraction.

use super::*;
use crate::{ExtractError, Repository};

/// Writes the files, whose paths begin with the folder of a repository, and extracts these under other names.
fn several(names: &[(&str, &str)], files: &[(&str, &str)]) -> Result<Tables, ExtractError> {
    let folder = tempfile::tempdir().expect("temporary folder");
    for (path, text) in files {
        let place = folder.path().join(path);
        std::fs::create_dir_all(place.parent().expect("parent")).expect("folder");
        std::fs::write(place, text).expect("file");
    }
    let repositories: Vec<Repository> = names
        .iter()
        .map(|(inner, name)| Repository {
            name: Some((*name).to_owned()),
            root: folder.path().join(inner),
            exclude: Vec::new(),
        })
        .collect();
    let mut tables = Tables::default();
    extract(&repositories, &Options::default(), &mut tables).map(|_| tables)
}

impl Tables {
    /// The path of the file with this identifier.
    fn path_of(&self, file_id: &str) -> String {
        let files = self.rows(Table::Files);
        let found = files.iter().find(|file| file["file_id"] == file_id);
        found.map_or("NULL".to_owned(), |file| file["path"].clone())
    }

    /// Path and module of each import, with the file that it names.
    fn imported(&self) -> Vec<(String, String, String)> {
        let imports = self.rows(Table::Imports);
        let mut found: Vec<_> = imports
            .iter()
            .map(|import| {
                (import["path"].clone(), import["raw_module"].clone(), self.path_of(&import["module_id"]))
            })
            .collect();
        found.sort();
        found
    }
}

#[test]
fn python_finds_modules_of_other_repositories() {
    let names = [("one", "app"), ("two", "kit"), ("three", "toolbox")];
    let tables = several(
        &names,
        &[
            (
                "one/main.py",
                "import helper\nimport two_pkg.part\nimport toolbox.saw\nimport kit\nimport json\n",
            ),
            ("one/helper.py", ""),
            ("two/src/two_pkg/part.py", "import helper\n"),
            ("two/json.py", ""),
            ("two/tests/test_part.py", "import two_pkg.part\nimport helper\n"),
            ("three/__init__.py", ""),
            ("three/saw.py", "from . import saw\nfrom .. import kit\nimport toolbox.saw\n"),
        ],
    )
    .expect("extraction");
    let expected = [
        ("app/main.py", "helper", "app/helper.py"),
        ("app/main.py", "json", "NULL"),
        ("app/main.py", "kit", "NULL"),
        ("app/main.py", "toolbox.saw", "toolbox/saw.py"),
        ("app/main.py", "two_pkg.part", "kit/src/two_pkg/part.py"),
        ("kit/src/two_pkg/part.py", "helper", "app/helper.py"),
        ("kit/tests/test_part.py", "helper", "app/helper.py"),
        ("kit/tests/test_part.py", "two_pkg.part", "kit/src/two_pkg/part.py"),
        ("toolbox/saw.py", ".", "toolbox/__init__.py"),
        ("toolbox/saw.py", "..", "NULL"),
        ("toolbox/saw.py", "toolbox.saw", "toolbox/saw.py"),
    ];
    let expected = expected.map(|(path, module, file)| (path.to_owned(), module.to_owned(), file.to_owned()));
    assert_eq!(tables.imported(), expected);
    let files = tables.rows(Table::Files);
    let module = |path: &str| {
        let file = files.iter().find(|file| file["path"] == path).expect(path);
        (file["repository"].clone(), file["module"].clone())
    };
    assert_eq!(module("app/main.py"), ("app".to_owned(), "main".to_owned()));
    assert_eq!(module("toolbox/saw.py"), ("toolbox".to_owned(), "toolbox.saw".to_owned()));
}

#[test]
fn crates_and_packages_are_found_by_their_names() {
    let names = [("a", "a"), ("b", "b"), ("w", "web"), ("u", "ui")];
    let tables = several(
        &names,
        &[
            ("a/Cargo.toml", "[package]\nname='a'\nedition='2021'\n[dependencies]\nbee='1'\nother={package='see',version='2'}\n"),
            ("a/src/lib.rs", "pub fn f() { bee::g(); other::h(); sea::h(); }\n"),
            ("b/Cargo.toml", "[package]\nname='bee'\nedition='2021'\n"),
            ("b/src/lib.rs", "pub fn g() {}\n"),
            ("b/c/Cargo.toml", "[package]\nname='see'\nedition='2021'\n[lib]\nname='sea'\n"),
            ("b/c/src/lib.rs", "pub fn h() {}\n"),
            ("w/package.json", "{\"name\": \"web\"}"),
            ("w/index.ts", "import { show } from '@x/ui';\nshow();\n"),
            ("u/package.json", "{\"name\": \"@x/ui\", \"main\": \"index.js\"}"),
            ("u/index.ts", "export function show() {}\n"),
            ("u/tsconfig.json", "{ not json"),
        ],
    )
    .expect("extraction");
    let symbols = tables.rows(Table::Symbols);
    let named = |id: &str| {
        symbols
            .iter()
            .find(|symbol| symbol["node_id"] == id)
            .map(|symbol| (symbol["path"].as_str(), symbol["name"].as_str()))
    };
    let resolutions = tables.rows(Table::Resolutions);
    let called: Vec<_> = resolutions
        .iter()
        .filter(|row| row["relation"] == "calls")
        .map(|row| (row["path"].as_str(), named(&row["target_node_id"]), row["external_name"].as_str()))
        .collect();
    for expected in [
        ("a/src/lib.rs", Some(("b/src/lib.rs", "g")), "NULL"),
        ("a/src/lib.rs", Some(("b/c/src/lib.rs", "h")), "NULL"),
        // The dependency is known by its other name.
        ("a/src/lib.rs", None, "sea::h"),
        ("web/index.ts", Some(("ui/index.ts", "show")), "NULL"),
    ] {
        assert!(called.contains(&expected), "{expected:?} in {called:?}");
    }
    let errors = tables.rows(Table::ExtractErrors);
    let found: Vec<_> = errors.iter().map(|row| (row["path"].as_str(), row["code"].as_str())).collect();
    assert_eq!(found, [("ui/tsconfig.json", "manifest")]);
    assert!(errors[0]["message"].contains("not valid JSON"), "{errors:?}");
}

#[test]
fn names_tell_repositories_apart() {
    let files = [("a/x.py", ""), ("b/x.py", "")];
    assert!(several(&[("a", "same"), ("b", "other")], &files).is_ok());
    for name in ["same", "", "..", "x/y", "x\\y"] {
        let refused = several(&[("a", "same"), ("b", name)], &files);
        assert!(matches!(refused, Err(ExtractError::Name { .. })), "{name}");
    }
}
