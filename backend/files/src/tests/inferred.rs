//! What files look like: types that are inferred keep what the files hold.

use ir::op::FileFormat::{Csv, Ndjson};
use ir::op::FileSource;

use super::{folder, rows, source, source_with};

#[tokio::test]
async fn codes_are_no_numbers() {
    let read = async |text: &[u8]| {
        let folder = folder(&[("f", text)]);
        rows(folder.path(), "f", &source(Csv)).await
    };
    assert_eq!(read(b"zip,n\n00123,1\n01000,2\n").await.unwrap(), ["00123|1", "01000|2"]);
    assert_eq!(read(b"n\n0\n-0.5\n10\n").await.unwrap(), ["-0.5", "0.0", "10.0"]);
    let late: String = (0..1100).map(|row| format!("{row},1\n")).collect();
    let found = read(format!("zip,n\n{late}00123,1\n").as_bytes()).await.unwrap_err();
    assert!(
        found.starts_with("`f`, line 1102: column `zip`: `00123` is no Int64: its digits are a code"),
        "{found}"
    );
    // Who says that they are numbers is believed.
    let folder = folder(&[("f", b"zip\n00123\n")]);
    assert_eq!(rows(folder.path(), "f", &source_with(Csv, &[], &["zip Int64"])).await.unwrap(), ["123"]);
}

/// As DuckDB has it: an empty line behind the first is a row, where rows have one column.
#[tokio::test]
async fn empty_lines() {
    for (text, wanted) in [
        ("a\n1\n\n3\n", &["1", "3", "NULL"][..]),
        ("a\n1\n\n\n", &["1", "NULL", "NULL"]),
        ("a\r\n1\r\n\r\n3\r\n", &["1", "3", "NULL"]),
        ("a\n\n\n", &["NULL", "NULL"]),
        ("\n\na\n1", &["1"]),
        ("a\n1\n\n3", &["1", "3", "NULL"]),
        ("a,b\n1,2\n\n3,4\n", &["1|2", "3|4"]),
    ] {
        let folder = folder(&[("f", text.as_bytes())]);
        let table =
            crate::resolve("f", &source(Csv), folder.path(), &delta::Roots::everywhere()).await.unwrap();
        assert_eq!(table.rows(), Some(wanted.len() as u64), "{text:?}");
        assert_eq!(rows(folder.path(), "f", &source(Csv)).await.unwrap(), wanted, "{text:?}");
    }
    let many: String =
        (0..100).map(|row| if row % 3 == 0 { "\n".to_owned() } else { format!("{row}\n") }).collect();
    let folder = folder(&[("f", format!("a\n{many}x\n").as_bytes())]);
    let found = rows(folder.path(), "f", &source_with(Csv, &[], &["a Int64"])).await.unwrap_err();
    assert!(found.starts_with("`f`, line 102: column `a`: `x` is no Int64"), "{found}");
}

/// A folder of JSON is read as its lines in one file.
#[tokio::test]
async fn folders_of_json() {
    for (one, other, wanted) in [
        ("{\"a\":1}", "{\"a\":1.5}", Ok(["1.0", "1.5"])),
        ("{\"a\":null}", "{\"a\":1.5}", Ok(["1.5", "NULL"])),
        (
            "{\"a\":\"2026-01-01\"}",
            "{\"a\":\"2026-01-02T10:00:00\"}",
            Ok(["2026-01-01T00:00:00", "2026-01-02T10:00:00"]),
        ),
        ("{\"a\":\"2026-01-01\"}", "{\"a\":\"soon\"}", Ok(["2026-01-01", "soon"])),
        ("{\"a\":{\"x\":1}}", "{\"a\":{\"y\":[]}}", Ok(["{x: 1, y: }", "{x: , y: []}"])),
        (
            "{\"a\":9007199254740993}",
            "{\"a\":1.5}",
            Err("line 1: column `a`: `9007199254740993` is no Float64"),
        ),
        (
            "{\"a\":18446744073709551617}",
            "{\"a\":1.5}",
            Err("line 1: column `a`: `18446744073709551617` is no Float64"),
        ),
        ("{\"a\":1}", "{\"a\":\"x\"}", Err("`a` is a text here, and was an integer in the rows before")),
    ] {
        let files = [("d/1.ndjson", one.as_bytes()), ("d/2.ndjson", other.as_bytes())];
        let whole = format!("{one}\n{other}\n");
        let folder = folder(&[files[0], files[1], ("whole", whole.as_bytes())]);
        for location in ["d", "whole"] {
            let found = rows(folder.path(), location, &source(Ndjson)).await;
            match (&wanted, found) {
                (Ok(wanted), found) => {
                    let mut wanted = wanted.map(str::to_owned);
                    wanted.sort();
                    assert_eq!(found.as_deref(), Ok(&wanted[..]), "{location} {whole}");
                }
                (Err(wanted), found) => {
                    let found = found.expect_err(&whole);
                    assert!(found.contains(wanted), "{location} {found}");
                }
            }
        }
    }
}

#[tokio::test]
async fn columns_that_no_row_has() {
    let files: [(&str, &[u8]); 4] = [
        ("d/1.ndjson", b"{\"a\":1}\n{\"A\":1}\n"),
        ("d/2.ndjson", b"{\"a\":1,\"b\":2}\n"),
        ("empty", b"\n"),
        ("null", b"{\"a\":null}\n"),
    ];
    let folder = folder(&files);
    let read = async |location: &str, source: FileSource| rows(folder.path(), location, &source).await;
    let found = read("d", source_with(Ndjson, &[], &["a Int64", "zz Int64"])).await.unwrap_err();
    let wanted = "`d`: no row has a column `zz`; with `union_by_name: true` files may lack columns";
    assert!(found.starts_with(wanted) && found.ends_with(". Rows have A, b"), "{found}");
    // Rows leave out what is NULL, and a file may have nothing but such rows.
    assert_eq!(read("d", source_with(Ndjson, &[], &["b Int64"])).await.unwrap(), ["2", "NULL", "NULL"]);
    let union = FileSource { union_by_name: true, ..source_with(Ndjson, &[], &["zz Int64"]) };
    assert_eq!(read("d", union).await.unwrap(), ["NULL", "NULL", "NULL"]);
    assert_eq!(read("empty", source_with(Ndjson, &[], &["a Int64"])).await.unwrap(), [""; 0]);
    assert_eq!(read("null", source_with(Ndjson, &[], &["a Int64"])).await.unwrap(), ["NULL"]);
    let nameless = super::folder(&[("f", b"{\"\":1}\n")]);
    for columns in [&[][..], &["a Int64"]] {
        let found = rows(nameless.path(), "f", &source_with(Ndjson, &[], columns)).await.unwrap_err();
        assert!(
            found.starts_with("`f`, line 1: it is no row of JSON: one of its fields has no name"),
            "{found}"
        );
    }
}
