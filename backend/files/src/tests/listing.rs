//! What locations name.

use ir::op::FileFormat::{Csv, Parquet};
use ir::op::FileSource;

use super::{folder, rows, source};

const A: &[u8] = b"k,v\n1,x\n";
const B: &[u8] = b"k,v\n2,y\n";

#[tokio::test]
async fn folders_and_patterns() {
    let files: [(&str, &[u8]); 6] = [
        ("d/1.csv", A),
        ("d/2.csv", B),
        ("d/_success", b""),
        ("d/.2.csv.crc", b""),
        ("e/2026/1.csv", A),
        ("e/2026/deep/2.csv", B),
    ];
    let folder = folder(&files);
    for (location, wanted) in [
        ("d", &["1|x", "2|y"][..]),
        ("d/", &["1|x", "2|y"]),
        ("./d/../d/1.csv", &["1|x"]),
        ("d/*.csv", &["1|x", "2|y"]),
        ("d/[1].csv", &["1|x"]),
        ("?/1.csv", &["1|x"]),
        ("e/**/*.csv", &["1|x", "2|y"]),
        ("e/*/*.csv", &["1|x"]),
        ("e/2026/deep", &["2|y"]),
    ] {
        let found = rows(folder.path(), location, &source(Csv)).await;
        assert_eq!(found.unwrap_or_else(|refusal| panic!("{location}: {refusal}")), wanted, "{location}");
    }
}

#[tokio::test]
async fn what_could_be_meant_otherwise_is_refused() {
    let files: [(&str, &[u8]); 9] = [
        ("mixed/1.csv", A),
        ("mixed/notes.md", b"x"),
        ("nested/1.csv", A),
        ("nested/more/2.csv", B),
        ("parts/day=1/1.csv", A),
        ("table/_delta_log/00000000000000000000.json", b"{}"),
        ("table/1.csv", A),
        ("outer/table/_delta_log/00000000000000000000.json", b"{}"),
        ("real/1.csv", A),
    ];
    let folder = folder(&files);
    std::fs::create_dir_all(folder.path().join("linked")).unwrap();
    std::os::unix::fs::symlink(folder.path().join("real/1.csv"), folder.path().join("linked/1.csv")).unwrap();
    std::fs::create_dir_all(folder.path().join("empty")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, folder.path().join("pipe.csv"), rustix::fs::Mode::RUSR).unwrap();
    for (location, wanted) in [
        ("nothing.csv", "there is no file at `nothing.csv`"),
        ("nothing/*.csv", "there is no file at `nothing/*.csv`"),
        ("*.tsv", "`*.tsv`: no file is found by it"),
        ("empty", "`empty`: the folder has no csv file in it"),
        ("mixed", "`mixed/notes.md`: it is not named as a csv file (csv, tsv, txt)"),
        ("nested", "`nested/more`: it is a folder inside of the input's folder"),
        ("parts/**/*.csv", "`parts/day=1`: it is the folder of a partition, whose value would be lost"),
        ("table", "`table`: it is a Delta table, whose files are read through its log"),
        ("table/1.csv", "`table/1.csv`: it lies inside of a Delta table"),
        ("table/*.csv", "`table/*.csv`: it is a Delta table"),
        ("outer/**/*.csv", "`outer/table`: it is a Delta table; give it as a `delta_location`"),
        ("linked", "`linked/1.csv`: it is a link"),
        ("pipe.csv", "`pipe.csv`: it is neither a file nor a folder"),
        ("*/../1.csv", "`*/../1.csv` is not a pattern of paths: it goes up after a wildcard"),
        ("d/[", "`d/[` is not a pattern of paths"),
        ("s3://bucket/x.csv", "`s3://bucket/x.csv`"),
        ("http://host/*.csv", "`http://host/"),
        ("file://user:secret@host/x.csv", "`file://***@host/x.csv`"),
    ] {
        let found = rows(folder.path(), location, &source(Csv)).await.expect_err(location);
        assert!(found.contains(wanted), "{location}\n{found}\n{wanted}");
        assert!(!found.contains("secret"), "{found}");
    }
    let found = rows(folder.path(), "table", &source(Parquet)).await.unwrap_err();
    assert!(found.contains("give it as `delta_location`"), "{found}");
}

#[tokio::test]
async fn files_of_one_table_have_the_same_columns() {
    let files: [(&str, &[u8]); 4] = [
        ("1.csv", A),
        ("2.csv", b"v,k\ny,2\n"),
        ("3.csv", b"k,v,more\n3,z,1.5\n"),
        ("4.csv", b"k,v\nfour,w\n"),
    ];
    let folder = folder(&files);
    let read = |location: &'static str, source: FileSource| {
        let path = folder.path().to_owned();
        async move { rows(&path, location, &source).await }
    };
    // By name and not by place.
    assert_eq!(read("[12].csv", source(Csv)).await.unwrap(), ["1|x", "2|y"]);
    let more = read("[123].csv", source(Csv)).await.unwrap_err();
    assert!(more.starts_with("`3.csv`: it has a column `more`, unlike `1.csv`"), "{more}");
    let fewer = read("[13].csv", super::source_with(Csv, &[], &["more Float64"])).await.unwrap_err();
    assert!(fewer.starts_with("`1.csv`: it has no column `more`; with `union_by_name: true`"), "{fewer}");
    let union = FileSource { union_by_name: true, ..source(Csv) };
    assert_eq!(read("[123].csv", union.clone()).await.unwrap(), ["1|x|NULL", "2|y|NULL", "3|z|1.5"]);
    let types = read("[14].csv", union).await.unwrap_err();
    assert!(types.starts_with("`4.csv`: its column `k` is Utf8 and not Int64, unlike `1.csv`"), "{types}");
    let given = super::source_with(Csv, &[], &["k Utf8"]);
    assert_eq!(read("[1234].csv", given).await.unwrap(), ["1", "2", "3", "four"]);
}
