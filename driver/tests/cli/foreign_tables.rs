//! Tables of other writers, read by the program and judged by another reader.

use std::path::Path;
use std::process::Command;

/// The folder of the tables. They are not part of the repository.
const TABLES: &str = "CODEANATOMY_DELTA_TABLES";

#[test]
fn every_table_of_another_writer_is_equal_or_refused() {
    let Some(tables) = std::env::var_os(TABLES) else {
        eprintln!("SKIPPED: set {TABLES} to a folder of Delta tables that other programs wrote");
        return;
    };
    let judge = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/judges/foreign_tables.py");
    let installed = Command::new("python3").args(["-c", "import pyarrow, deltalake"]).status();
    if !installed.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: the judge needs Python 3 with pyarrow and deltalake");
        return;
    }
    let judged = Command::new("python3").arg(judge).arg(env!("CARGO_BIN_EXE_driver")).arg(tables).output();
    let judged = judged.expect("Python starts");
    let list = String::from_utf8_lossy(&judged.stdout);
    eprintln!("{list}");
    assert!(judged.status.success(), "{list}\n{}", String::from_utf8_lossy(&judged.stderr));
}
