//! Long and deep files: the work for them and the rows they give grow as they do.

use super::*;
use crate::file::FileExtractor;
use crate::languages::{language_of, linkers, markers};
use crate::linking::Work;
use crate::modules::SourceLayout;
use crate::tables::TableBuilders;
use crate::tree::work;
use crate::walk::FoundFile;

/// What a file costs: steps through its tree, rows, and bytes of the rows.
fn cost(name: &str, text: &str) -> [u64; 3] {
    let folder = tempfile::tempdir().expect("temporary folder");
    let location = folder.path().join(name);
    std::fs::write(&location, text).expect("file");
    let (path, size) = (name.to_owned(), text.len() as u64);
    let files = [FoundFile { language: language_of(name), path, repository: None, location, size }];
    let layout = SourceLayout::new(std::iter::once(name), markers(), |_| true);
    let linkers = linkers(&files);
    let options = Options::default();
    let before = work::steps();
    let mut batches = Vec::new();
    let mut builders = TableBuilders::default();
    let mut extractor = FileExtractor::new(&options, &layout, &linkers);
    extractor.extract(&files[0], &mut builders).expect("extraction");
    batches.extend(builders.finish().expect("batches"));
    for linker in linkers.values() {
        let linked = linker.link(&Work::new(&options.stop, files.len()), &mut |builders| {
            batches.extend(builders.finish()?);
            Ok(())
        });
        linked.expect("links");
    }
    let errors: Vec<&RecordBatch> =
        batches.iter().filter(|(table, _)| *table == Table::ExtractErrors).map(|(_, batch)| batch).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let rows = batches.iter().map(|(_, batch)| batch.num_rows() as u64).sum();
    let bytes = batches.iter().map(|(_, batch)| batch.get_array_memory_size() as u64).sum();
    [work::steps() - before, rows, bytes]
}

/// A shape of file: its name, and its text of a size.
type Shape = (&'static str, fn(usize) -> String);

fn numbered(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(line).collect()
}

const PYTHON: &[Shape] = &[
    ("many_names", |n| numbered(n, |i| format!("a{i} = a{}\n", i / 2))),
    ("one_line", |n| numbered(n, |i| format!("a{i}=f(b.c);"))),
    ("one_name", |n| numbered(n, |_| "def f(): return f()\nf()\n".to_owned())),
    ("attributes", |n| format!("x = a{}\n", ".b".repeat(n))),
    ("calls", |n| format!("x = a{}\n", "()".repeat(n))),
    ("method_calls", |n| format!("x = a(){}\n", ".b()".repeat(n))),
    ("assignments", |n| format!("{}1\n", numbered(n, |i| format!("a{i} = ")))),
    ("walrus", |n| format!("{}1{}\n", "(a := ".repeat(n), ")".repeat(n))),
    ("brackets", |n| format!("x = {}a{}\n", "(".repeat(n), ")".repeat(n))),
    ("lists", |n| format!("x = {}a{}\n", "[".repeat(n), "]".repeat(n))),
    ("patterns", |n| format!("{}a{} = a = a\na()\n", "(a, ".repeat(n), ")".repeat(n))),
    ("operators", |n| format!("x = a{}\n", " + a".repeat(n))),
    ("texts", |n| format!("x = 'a'{}\n", " 'b'".repeat(n))),
    ("lambdas", |n| format!("x = {}a\n{}", "lambda b: ".repeat(n), "a; ".repeat(n))),
    ("comprehensions", |n| format!("a = 1\nx = {}a(){}\n", "[a() for b in ".repeat(n), "]".repeat(n))),
    ("arms", |n| format!("if a: pass\n{}a()\n", numbered(n, |i| format!("elif b: a{i} = 1\n")))),
    ("cases", |n| format!("match a:\n{}", numbered(n, |i| format!("  case [b{i}]: a = b{i}\n")))),
    ("handlers", |n| {
        let body = numbered(n, |i| format!("  a{i} = 1\n"));
        format!("try:\n{body}{}", numbered(n, |i| format!("except E{i}: a = 1\n")))
    }),
    ("decorators", |n| format!("{}def f(): pass\n", "@a.b(c)\n".repeat(n))),
    ("exports", |n| format!("__all__ = []\n{}", "__all__ += ['a']\n".repeat(n))),
    ("text_annotation", |n| format!("def f(a: 'Union[{}b]'): pass\n", numbered(n, |i| format!("A{i}, ")))),
];

const RUST: &[Shape] = &[
    ("lets", |n| format!("fn f() {{ {} }}", numbered(n, |i| format!("let a{i} = f(); ")))),
    ("shadowing", |n| format!("fn f() {{ let a = 1; {} }}", "let a = a.b(); f(); ".repeat(n))),
    ("one_name", |n| "fn a() { a() }\n".repeat(n)),
    ("modules", |n| {
        format!("{}{}", "mod a { use self::b; fn c() { m!(); d::e() } ".repeat(n), "}".repeat(n))
    }),
    ("functions", |n| format!("{}{}", "fn f(a: u8) { g(a); u8::max(); ".repeat(n), "}".repeat(n))),
    ("use_tree", |n| format!("use a::{}b{};", "{b, a::".repeat(n), "}".repeat(n))),
    ("path", |n| format!("fn f() {{ a{}(); }}", "::b".repeat(n))),
    ("macros", |n| format!("m!{{ {}a{} }}", "=> { ".repeat(n), "}".repeat(n))),
    ("token_trees", |n| format!("m!( {}a{} );", "(".repeat(n), ")".repeat(n))),
    ("method_calls", |n| format!("fn f() {{ a{}; }}", ".b()".repeat(n))),
    ("brackets", |n| format!("fn f() {{ {}u8::b{}; }}", "(u8::b, ".repeat(n), ")".repeat(n))),
    ("parameters", |n| format!("struct S<{}>;", numbered(n, |i| format!("A{i}, ")))),
    ("variants", |n| {
        let used = numbered(n, |i| format!("E::A{i}; "));
        format!("enum E {{ {} }} fn f() {{ {used} }}", numbered(n, |i| format!("A{i}, ")))
    }),
    ("implementations", |n| {
        let used = numbered(n, |i| format!("S::a{i}(); "));
        format!("struct S; {} fn f() {{ {used} }}", numbered(n, |i| format!("impl S {{ fn a{i}() {{}} }}")))
    }),
    ("format", |n| {
        let places = numbered(n, |i| format!("{{a{i}}}"));
        format!("fn f() {{ print!(\"{places}\", {}); }}", numbered(n, |i| format!("a{i} = 1, ")))
    }),
];

#[test]
fn work_and_rows_grow_as_files_do() {
    const SIZE: usize = 400;
    for (shapes, ending) in [(PYTHON, "py"), (RUST, "rs")] {
        for (name, shape) in shapes {
            let file = format!("{name}.{ending}");
            let costs = [SIZE, 4 * SIZE].map(|size| cost(&file, &shape(size)));
            for ((what, small), large) in ["steps", "rows", "bytes"].iter().zip(costs[0]).zip(costs[1]) {
                // A quadratic part of a tenth is seen: four times as long a file would cost 5.2 times as much.
                assert!(large * 10 <= small * 48, "{file}: {small} {what} become {large}");
            }
        }
    }
}

#[test]
fn a_file_that_takes_too_long_is_a_row() {
    let folder = tempfile::tempdir().expect("temporary folder");
    std::fs::write(folder.path().join("a.py"), "x = 1\n").expect("file");
    let options = Options { file_time_limit: std::time::Duration::from_nanos(1), ..Options::default() };
    let mut tables = Tables::default();
    let summary = extract(&[folder.path().into()], &options, &mut tables).expect("extraction");
    assert_eq!((summary.files, summary.parsed, summary.extract_errors), (1, 0, 1));
    assert_eq!(tables.rows(Table::ExtractErrors)[0]["code"], "time_limit");
    assert_eq!(tables.rows(Table::Files).len(), 1);
    assert!(tables.rows(Table::SyntaxNodes).is_empty() && tables.rows(Table::Defs).is_empty());
}
