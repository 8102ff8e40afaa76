//! Says at compile time which program this is: the versions of the crates that decide rows, as they stand in `Cargo.lock`, and
//! the digest of this program's own sources.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hash::ContentHash;
use hash::canonical::Encoder;

/// The crates whose versions are recorded, with the variables that hold them.
const CRATES: [(&str, &str); 5] = [
    ("arrow", "CODEANATOMY_ARROW"),
    ("buoyant_kernel", "CODEANATOMY_DELTA_KERNEL"),
    ("datafusion", "CODEANATOMY_DATAFUSION"),
    ("deltalake-core", "CODEANATOMY_DELTALAKE"),
    ("parquet", "CODEANATOMY_PARQUET"),
];
/// The folders of the crates that this one is made of.
const SOURCES: [&str; 5] = ["ir", "passes", "backend", "driver/extract", "driver/pipeline"];
/// Folders below them that decide nothing.
const TESTS: [&str; 4] = ["tests", "testdata", "examples", "target"];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Not `env!`: a target folder that several working trees share has one build script for all of them.
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?).join("../..");
    let lock = fs::read_to_string(root.join("Cargo.lock"))?;
    println!("cargo:rerun-if-changed={}", root.join("Cargo.lock").display());
    for (name, variable) in CRATES {
        let version = version_of(&lock, name).ok_or_else(|| format!("Cargo.lock has no crate `{name}`"))?;
        println!("cargo:rustc-env={variable}={version}");
    }
    let mut files = vec![PathBuf::from("Cargo.lock")];
    for folder in SOURCES {
        println!("cargo:rerun-if-changed={}", root.join(folder).display());
        collect(&root, Path::new(folder), &mut files)?;
    }
    files.sort();
    let mut encoder = Encoder::new("codeanatomy sources 1");
    encoder.list(files.len());
    for file in &files {
        let content = fs::read(root.join(file))?;
        encoder.list(2).text(&file.to_string_lossy().replace('\\', "/")).hash(&ContentHash::of(&content));
    }
    println!("cargo:rustc-env=CODEANATOMY_SOURCES={}", encoder.finish());
    Ok(())
}

/// The version of a crate; the first, where there are several.
fn version_of<'a>(lock: &'a str, name: &str) -> Option<&'a str> {
    let entry = lock.split("[[package]]").find(|entry| entry.contains(&format!("\nname = \"{name}\"\n")))?;
    entry.lines().find_map(|line| line.strip_prefix("version = \"")?.strip_suffix('"'))
}

/// Adds the files below a folder, by their paths from the root.
fn collect(root: &Path, folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        let name = entry.file_name();
        if entry.file_type()?.is_dir() {
            if !TESTS.iter().any(|tests| name == *tests) {
                collect(root, &path, files)?;
            }
        } else {
            files.push(path);
        }
    }
    Ok(())
}
