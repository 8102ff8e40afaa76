//! Files that are not what they should be: each is refused with its name, and the line or the byte.

use ir::op::FileFormat::{self, Arrow, Csv, Ndjson, Parquet};

use super::rows::columnar_bytes;
use super::{folder, rows, source_with};

/// Reads one file; gives what is wrong with it.
async fn refusal(format: FileFormat, bytes: &[u8], options: &[&str], columns: &[&str]) -> String {
    let folder = folder(&[("f", bytes)]);
    let read = rows(folder.path(), "f", &source_with(format, options, columns)).await;
    read.expect_err(&format!("{format:?} {:?}", String::from_utf8_lossy(bytes)))
}

async fn refuses(format: FileFormat, bytes: &[u8], columns: &[&str], wanted: &str) {
    let found = refusal(format, bytes, &[], columns).await;
    assert!(found.starts_with(wanted), "{:?}\n{found}\n{wanted}", String::from_utf8_lossy(bytes));
}

#[tokio::test]
async fn csv_files() {
    let cases: [(&[u8], &[&str], &str); 20] = [
        (b"", &[], "`f`: it is empty: there is not even a header"),
        (b"\n\n\n", &[], "`f`: it is empty"),
        (
            b"a,b\n1,\"x\n2,y\n",
            &[],
            "`f`, line 2 (byte 6): the quoted value that begins here is never closed",
        ),
        (
            b"a,b,c\n1,2,3\n4,5",
            &[],
            "`f`, line 3: the row has 2 values, and the header has 3; is the file cut?",
        ),
        (b"a,b\n1,2\n\n3,4,5\n", &[], "`f`, line 4: the row has 3 values, and the header has 2"),
        (b"a,b\n1,\"x\"y\n", &[], "`f`, line 2 (byte 9): there is text behind a quoted value"),
        (b"a,b\n1,caf\xe9\n", &[], "`f`, line 2 (byte 9): the bytes here are no UTF-8"),
        (b"a,b\n1,caf\xc3", &[], "`f`, line 2 (byte 9): the bytes here are no UTF-8"),
        (b"\xff\xfea\0,\0b\0\n\0", &[], "`f`, line 1 (byte 0): it is written in UTF-16"),
        (b"\x1f\x8b\x08\0\0", &[], "`f`: it is compressed (gzip)"),
        (b"a,a\n1,2\n", &[], "`f`, line 1: its header names a column `a` twice"),
        (b"a,\n1,2\n", &[], "`f`, line 1: its header has 2 columns, and one of them has no name"),
        (b"a\n1\n\ny\n", &["a Int64"], "`f`, line 4: column `a`: `y` is no Int64"),
        (b"a,b\n1,\"x\n\n\"\n2,y\nz,w\n", &["a Int64"], "`f`, line 6: column `a`: `z` is no Int64"),
        (
            b"a,b\n1,2026-01-01\n2,2026-02-30\n",
            &["b Date32"],
            "`f`, line 3: column `b`: `2026-02-30` is no Date32",
        ),
        (b"a,b\n1,true\n2,yes\n", &["b Boolean"], "`f`, line 3: column `b`: `yes` is no Boolean"),
        (
            b"a\n1.25\n99999.5\n",
            &["a Decimal128(4, 2)"],
            "`f`, line 3: column `a`: `99999.5` is no Decimal128(4, 2)",
        ),
        (b"a,b\n1,2\n,3\n", &["a Int64!"], "`f`, line 3: column `a` has no value, and must not be NULL"),
        (
            b"a,b\n1,2\n",
            &["z Int64"],
            "`f`: it has no column `z`; with `union_by_name: true` files may lack columns. It has a, b",
        ),
        (b"a,b\n1,2\n", &["a List(Int64)"], "`f`: column `a`: a file of csv holds no values of List(Int64)"),
    ];
    for (bytes, columns, wanted) in cases {
        refuses(Csv, bytes, columns, wanted).await;
    }
}

/// The value stands behind rows enough that it is in no piece of the file but the last.
#[tokio::test]
async fn a_value_far_behind_is_told_by_its_line() {
    let rows: String = (0..1500).map(|row| format!("{row},\"v\n{row}\"\n")).collect();
    let text = format!("a,b\n{rows}oops,v\n");
    let wanted = "`f`, line 3002: column `a`: `oops` is no Int64; if it is right";
    refuses(Csv, text.as_bytes(), &[], wanted).await;
}

#[tokio::test]
async fn ndjson_files() {
    let cases: [(&[u8], &[&str], &str); 15] = [
        (b"", &[], "`f`: no row has a column"),
        (b"{}\n", &[], "`f`: no row has a column"),
        (
            b"{\"a\":1}\n{\"a\":2",
            &[],
            "`f`, line 2: it is no row of JSON: EOF while parsing an object; is the file cut?",
        ),
        (b"{\"a\":1}\n\n{a:2}\n", &[], "`f`, line 3: it is no row of JSON: key must be a string (column 2)"),
        (b"[{\"a\":1}]\n", &[], "`f`, line 1: a row is an object, and here is a list"),
        (
            b"{\"a\":1}\n{\"a\":\"x\"}\n",
            &[],
            "`f`, line 2: `a` is a text here, and was an integer in the rows before",
        ),
        (b"{\"a\":{\"b\":[1]}}\n{\"a\":{\"b\":[\"x\"]}}\n", &[], "`f`, line 2: `a.b.[]` is a text here"),
        (b"{\"a\":1,\"a\":2}\n", &[], "`f`, line 1: it is no row of JSON: the field `a` is there twice"),
        (
            b"{\"a\":18446744073709551615}\n",
            &[],
            "`f`, line 1: `a` is larger than an integer of 64 bits can be",
        ),
        (b"{\"a\":\"\xe9\"}\n", &[], "`f`, line 1 (byte 6): the bytes here are no UTF-8"),
        (b"{\"a\":1}\n\n{\"a\":\"x\"}\n", &["a Int64"], "`f`, line 3: column `a`: `x` is no Int64"),
        (b"{\"a\":1}\n{\"a\":2", &["a Int64"], "`f`, line 2: it is no row of JSON"),
        (
            b"{\"a\":[{\"b\":2.0}]}\n",
            &["a List(Struct(\"b\": Int32))"],
            "`f`, line 1: `a.[].b` is no integer, and its column is Int32",
        ),
        (b"{\"a\":1}\n{\"b\":1}\n", &["a Int64!"], "`f`, line 2: column `a` is NULL"),
        (
            b"{\"a\":1}\n{\"a\":1.5}\n",
            &["a Int64"],
            "`f`, line 2: `a` is no integer, and its column is Int64",
        ),
    ];
    for (bytes, columns, wanted) in cases {
        refuses(Ndjson, bytes, columns, wanted).await;
    }
    let deep = format!("{{\"a\":{}", "[".repeat(100_000));
    refuses(Ndjson, deep.as_bytes(), &[], "`f`, line 1: it is no row of JSON: recursion limit exceeded")
        .await;
}

#[tokio::test]
async fn columnar_files() {
    let (parquet, arrow, stream) = columnar_bytes();
    let cut = |bytes: &[u8], by: usize| bytes[..bytes.len() - by].to_vec();
    refuses(Parquet, b"", &[], "`f`: it is no Parquet file, or it is cut").await;
    refuses(Parquet, &cut(&parquet, 20), &[], "`f`: it is no Parquet file, or it is cut").await;
    refuses(Parquet, b"a,b\n1,2\n", &[], "`f`: it is no Parquet file, or it is cut").await;
    refuses(
        Parquet,
        &parquet,
        &["name Int64"],
        "`f`: its column `name` is Utf8, which cannot be read as Int64",
    )
    .await;
    refuses(Arrow, &cut(&arrow, 30), &[], "`f`: it is no Arrow file, or it is cut").await;
    refuses(Arrow, &cut(&stream, 8), &[], "`f`: the stream has no end; is the file cut?").await;
    refuses(Arrow, b"hello", &[], "`f`: it is no Arrow file, or it is cut").await;
    let mut damaged = parquet;
    damaged[4..60].fill(0xFF);
    refuses(Parquet, &damaged, &[], "`f`: it is damaged").await;
}

#[tokio::test]
async fn options() {
    let cases = [
        (Csv, "delimeter=;", "csv has no option `delimeter`"),
        (Csv, "delimiter=;;", "option `delimiter` of csv cannot be `;;`"),
        (Csv, "delimiter=\"", "options `quote` and `delimiter` are the same character"),
        (Csv, "quote=\n", "option `quote` must be one ASCII character that ends no line"),
        (Csv, "null_regex=(", "option `null_regex` is no regular expression"),
        (
            Csv,
            "date_format=%Y",
            "option `date_format` of csv cannot be set: it decides how files are written",
        ),
        (
            Csv,
            "compression=gzip",
            "option `compression` of csv cannot be set: this build reads no compressed files",
        ),
        (Csv, "has_header=perhaps", "option `has_header` of csv cannot be `perhaps`"),
        (
            Ndjson,
            "schema_infer_max_rec=5",
            "option `schema_infer_max_rec` of ndjson cannot be set: all rows tell",
        ),
        (Parquet, "pruning=true", "option `pruning` of parquet cannot be set"),
        (Arrow, "compression=lz4", "arrow has no option `compression`"),
    ];
    for (format, option, wanted) in cases {
        let found = refusal(format, b"a\n1\n", &[option], &[]).await;
        assert!(found.starts_with(wanted), "{option}\n{found}\n{wanted}");
    }
}

#[tokio::test]
async fn a_file_that_changes_after_it_was_looked_at() {
    let folder = folder(&[("f", b"a\n1\n2\n")]);
    let table =
        crate::resolve("f", &super::source(Csv), folder.path(), &delta::Roots::everywhere()).await.unwrap();
    std::fs::write(folder.path().join("f"), b"a\n1\n3\n").unwrap();
    let found = super::batch(&table, 1).await.unwrap_err();
    assert!(found.starts_with("`f` was changed while this run read it"), "{found}");
}
