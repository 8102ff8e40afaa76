//! What files give: the same rows in every format, and what a naive reader makes of random CSV texts.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::{Float64Array, Int32Array, StringArray, TimestampNanosecondArray};
use arrow::ipc::writer::{FileWriter, StreamWriter};
use arrow::record_batch::RecordBatch;
use ir::op::FileFormat::{self, Arrow, Csv, Ndjson, Parquet};
use parquet::arrow::ArrowWriter;

use super::{folder, rows, source, source_with};

/// A table as Parquet, as an Arrow file and as an Arrow stream.
pub(super) fn columnar_bytes() -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let time = TimestampNanosecondArray::from(vec![Some(1_000), None, Some(-1_000_000_000)]);
    let batch = RecordBatch::try_from_iter([
        ("id", Arc::new(Int32Array::from(vec![1, 2, 3])) as _),
        ("name", Arc::new(StringArray::from(vec![Some("a, b"), None, Some("ü\n\"q\"")])) as _),
        ("score", Arc::new(Float64Array::from(vec![Some(1.5), Some(-0.25), None])) as _),
        ("time", Arc::new(time) as _),
    ])
    .unwrap();
    let mut parquet = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut parquet, batch.schema(), None).unwrap();
    for row in 0..batch.num_rows() {
        writer.write(&batch.slice(row, 1)).unwrap();
        writer.flush().unwrap();
    }
    writer.close().unwrap();
    let mut arrow = FileWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    arrow.write(&batch).unwrap();
    arrow.finish().unwrap();
    let mut stream = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    stream.write(&batch).unwrap();
    stream.finish().unwrap();
    (parquet, arrow.into_inner().unwrap(), stream.into_inner().unwrap())
}

#[tokio::test]
async fn the_same_rows_in_every_format() {
    let (parquet, arrow, stream) = columnar_bytes();
    let csv = "\u{feff}id,name,score,time\r\n1,\"a, b\",1.5,1970-01-01T00:00:00.000001\r\n2,,-0.25,\r\n\
               3,\"ü\n\"\"q\"\"\",,1969-12-31 23:59:59\r\n";
    let ndjson = "\u{feff}{\"id\":1,\"name\":\"a, b\",\"score\":1.5,\"time\":\"1970-01-01T00:00:00.000001\"}\n\n\
                  {\"id\":2,\"score\":-0.25}\n{\"id\":3,\"name\":\"ü\\n\\\"q\\\"\",\"time\":\"1969-12-31T23:59:59\"}";
    let columns = ["id Int32", "name Utf8", "score Float64", "time Timestamp(µs)"];
    let wanted =
        ["1|a, b|1.5|1970-01-01T00:00:00.000001", "2|NULL|-0.25|NULL", "3|ü\n\"q\"|NULL|1969-12-31T23:59:59"];
    let cases: [(FileFormat, &[u8], &[&str]); 5] = [
        (Parquet, &parquet, &[]),
        (Arrow, &arrow, &[]),
        (Arrow, &stream, &[]),
        (Csv, csv.as_bytes(), &columns),
        (Ndjson, ndjson.as_bytes(), &columns),
    ];
    for (format, bytes, columns) in cases {
        let folder = folder(&[("f", bytes)]);
        let read = rows(folder.path(), "f", &source_with(format, &[], columns)).await;
        assert_eq!(read.as_deref(), Ok(&wanted.map(str::to_owned)[..]), "{format:?}");
    }
}

#[tokio::test]
async fn types_are_inferred() {
    let csv =
        b"i,f,b,d,t,z,c,s,none\n1,1.5,true,2026-01-31,2026-01-31 10:00:00,2026-01-31T10:00:00Z,007,x,\n\
                ,2,false,2026-02-01,2026-01-31T10:00:01.5,2026-01-31T10:00:00+02:00,8,7,\n";
    let ndjson = b"{\"i\":1,\"f\":2,\"d\":\"2026-01-31\",\"t\":\"2026-01-31\",\"z\":\"2026-01-31T10:00:00Z\",\"c\":\"007\",\"n\":null}\n\
                   {\"f\":1.5,\"d\":null,\"t\":\"2026-01-31T10:00:00\",\"s\":[\"2026-01-31\",\"x\"],\"late\":[{\"x\":true}]}\n";
    let folder = folder(&[("f.csv", csv), ("f.ndjson", ndjson)]);
    let schema = async |location: &str, format| {
        let table = crate::resolve(location, &source(format), folder.path(), &delta::Roots::everywhere())
            .await
            .unwrap();
        ir::schema::Schema::from_arrow(table.schema()).to_string()
    };
    assert_eq!(
        schema("f.csv", Csv).await,
        "{i Int64, f Float64, b Boolean, d Date32, t Timestamp(µs), z Timestamp(µs, \"UTC\"), c Utf8View, s Utf8View, \
         none Utf8View}"
    );
    assert_eq!(
        schema("f.ndjson", Ndjson).await,
        "{i Int64, f Float64, d Date32, t Timestamp(µs), z Timestamp(µs, \"UTC\"), c Utf8View, n Utf8View, \
         s List(Utf8View, field: 'element'), late List(Struct(\"x\": Boolean), field: 'element')}"
    );
}

#[tokio::test]
async fn options_of_csv() {
    let text = b"# made by hand\n1;'a;''b''';NA\n2;c\n";
    let folder = folder(&[("f", text)]);
    let options = [
        "has_header=false",
        "delimiter=;",
        "quote='",
        "comment=#",
        "null_regex=^(NA|)$",
        "truncated_rows=true",
    ];
    let read = rows(folder.path(), "f", &source_with(Csv, &options, &[])).await;
    assert_eq!(read.unwrap(), ["1|a;'b'|NULL", "2|c|NULL"]);
    let few = rows(folder.path(), "f", &source_with(Csv, &options, &["a Int64", "b Utf8"])).await;
    assert_eq!(few.unwrap_err(), "`f`: it has 3 columns, and 2 are wanted");
}

/// A linear congruential generator (Knuth, MMIX).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// Texts of random values, each written in one of the ways that it may be written in, are read as the values.
#[tokio::test]
async fn random_csv_files() {
    let pieces = ["", "a", "b c", "\"", "\n", "\r\n", ",", "ü", "#", "''", "日本", "x".repeat(70).leak()];
    for seed in 0..60 {
        let mut random = Random(seed);
        let (columns, line_end) =
            (1 + random.below(4), ["\n", "\r\n"][usize::try_from(random.below(2)).unwrap()]);
        let mut text: String =
            (0..columns).map(|column| format!("c{column}")).collect::<Vec<_>>().join(",") + line_end;
        let mut wanted: Vec<String> = Vec::new();
        let count = random.below(40);
        for row in 0..count {
            let mut values = Vec::new();
            for column in 0..columns {
                let parts = random.below(4);
                let value: String =
                    (0..parts).map(|_| pieces[usize::try_from(random.below(12)).unwrap()]).collect();
                // An empty line is a row, of one column.
                let special = value.contains(['"', ',', '\n', '\r']);
                if column > 0 {
                    text.push(',');
                }
                if special || random.below(3) == 0 {
                    write!(text, "\"{}\"", value.replace('"', "\"\"")).unwrap();
                } else {
                    text.push_str(&value);
                }
                values.push(if value.is_empty() { "NULL".to_owned() } else { value });
            }
            wanted.push(values.join("|"));
            // The end of the text ends a row, but for one without a letter.
            if row + 1 < count || text.ends_with('\n') || random.below(2) == 0 {
                text.push_str(line_end);
            }
        }
        wanted.sort();
        let folder = folder(&[("f", text.as_bytes())]);
        let names: Vec<String> = (0..columns).map(|column| format!("c{column} Utf8")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let read = rows(folder.path(), "f", &source_with(Csv, &[], &names)).await;
        assert_eq!(read.as_ref(), Ok(&wanted), "seed {seed}\n{text}");
    }
}
