//! The index of symbols, read by a reader of protocol buffers that knows nothing but their encoding.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::{ODD_PATH, built, exported, number};

/// A value of a field.
#[derive(Clone, Debug)]
enum Value {
    Number(u64),
    Bytes(Vec<u8>),
}

impl Value {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Number(number) => panic!("{number} is no text"),
        }
    }

    fn text(&self) -> String {
        String::from_utf8(self.bytes().to_vec()).unwrap()
    }

    fn number(&self) -> u64 {
        match self {
            Self::Number(number) => *number,
            Self::Bytes(bytes) => panic!("{bytes:?} is no number"),
        }
    }
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let (mut value, mut shift) = (0, 0);
    loop {
        let (first, rest) = bytes.split_first().unwrap();
        *bytes = rest;
        value |= u64::from(first & 127) << shift;
        if *first < 128 {
            return value;
        }
        shift += 7;
    }
}

/// The fields of a message, in order.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Value)> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes);
        let value = match tag & 7 {
            0 => Value::Number(varint(&mut bytes)),
            2 => {
                let length = usize::try_from(varint(&mut bytes)).unwrap();
                let (inner, rest) = bytes.split_at(length);
                bytes = rest;
                Value::Bytes(inner.to_vec())
            }
            other => panic!("no message of an index has fields of type {other}"),
        };
        found.push((tag >> 3, value));
    }
    found
}

fn all(message: &[(u64, Value)], field: u64) -> Vec<&Value> {
    message.iter().filter(|(number, _)| *number == field).map(|(_, value)| value).collect()
}

fn text(message: &[(u64, Value)], field: u64) -> String {
    all(message, field).first().map_or_else(String::new, |value| value.text())
}

/// What is said of a place: its symbol, its roles, and the text that stands there.
#[derive(Debug)]
struct Occurrence {
    symbol: String,
    roles: u64,
    line: usize,
    stands: String,
}

fn occurrence(bytes: &[u8], source: &str) -> Occurrence {
    let message = fields(bytes);
    let mut packed = all(&message, 1)[0].bytes();
    let mut range = Vec::new();
    while !packed.is_empty() {
        range.push(usize::try_from(varint(&mut packed)).unwrap());
    }
    let [line, start, end] = range[..] else { panic!("{range:?}") };
    Occurrence {
        symbol: text(&message, 2),
        roles: all(&message, 3).first().map_or(0, |value| value.number()),
        line,
        // Columns are bytes.
        stands: source.split('\n').nth(line).unwrap()[start..end].to_owned(),
    }
}

#[test]
fn an_index_has_every_symbol_and_where_it_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index.scip");
    let said = exported(&path, "scip", &["--root", &built().join("repo").display().to_string()]);
    let bytes = fs::read(&path).unwrap();
    let index = fields(&bytes);
    assert_eq!(
        (index[0].0, index.iter().filter(|(field, _)| *field == 1).count()),
        (1, 1),
        "metadata stands first"
    );
    let metadata = fields(index[0].1.bytes());
    assert!(
        text(&metadata, 3).starts_with("file:///") && text(&metadata, 3).ends_with("/repo"),
        "{metadata:?}"
    );
    assert_eq!(all(&metadata, 4)[0].number(), 1);

    let mut files = Vec::new();
    let mut symbols: BTreeMap<String, Vec<(u64, Value)>> = BTreeMap::new();
    let mut occurrences = Vec::new();
    for document in all(&index, 2) {
        let document = fields(document.bytes());
        let path = text(&document, 1);
        let source = fs::read_to_string(built().join("repo").join(&path)).unwrap();
        assert_eq!(all(&document, 6)[0].number(), 1, "columns are bytes");
        for symbol in all(&document, 3) {
            let symbol = fields(symbol.bytes());
            assert!(symbols.insert(text(&symbol, 1), symbol).is_none(), "a symbol is known once");
        }
        let found = all(&document, 2).into_iter().map(|it| (path.clone(), occurrence(it.bytes(), &source)));
        occurrences.extend(found);
        files.push((path, text(&document, 4)));
    }
    let languages: Vec<(&str, &str)> = files.iter().map(|(path, language)| (&**path, &**language)).collect();
    assert_eq!(
        languages,
        [
            ("pkg/__init__.py", "Python"),
            (ODD_PATH, "Python"),
            ("pkg/shapes.py", "Python"),
            ("pkg/tools.py", "Python"),
            ("src/inner.rs", "Rust"),
            ("src/lib.rs", "Rust"),
        ]
    );
    let external: BTreeSet<String> = all(&index, 3).iter().map(|it| text(&fields(it.bytes()), 1)).collect();
    assert!(external.contains("codeanatomy python . . sum."), "{external:?}");

    // Every occurrence is of a symbol that is known; every definition has the symbol's name.
    for (path, found) in &occurrences {
        assert!(symbols.contains_key(&found.symbol) || external.contains(&found.symbol), "{path}: {found:?}");
        if found.roles & 1 == 1 && !found.symbol.ends_with('/') {
            assert_eq!(found.stands, text(&symbols[&found.symbol], 6), "{path}: {found:?}");
        }
    }
    let defined: BTreeSet<&String> = occurrences
        .iter()
        .filter(|(_, found)| found.roles & 1 == 1)
        .map(|(_, found)| &found.symbol)
        .collect();
    assert_eq!(defined, symbols.keys().collect());
    assert_eq!(symbols.len(), number("SELECT count(*) FROM symbols"));
    assert!(
        said.starts_with(&format!("6 files, {} symbols, {} occurrences", symbols.len(), occurrences.len())),
        "{said}"
    );

    // By hand: `double` is defined in one file, imported and called in another.
    let places: Vec<(&str, usize, u64)> = occurrences
        .iter()
        .filter(|(_, found)| found.symbol == "codeanatomy . . . pkg/`tools.py`/double().")
        .map(|(path, found)| (path.as_str(), found.line, found.roles))
        .collect();
    assert_eq!(places, [("pkg/shapes.py", 1, 2), ("pkg/shapes.py", 6, 8), ("pkg/tools.py", 0, 1)]);
    // Two functions of one name are two symbols, and so are their parameters.
    let odd = "codeanatomy . . . pkg/`o\"d<d>&``.py`/";
    for name in ["two().", "two(+1).", "two().(`ñ`)", "two(+1).(`ñ`)", "Derived#", "Derived#area()."] {
        assert!(symbols.contains_key(&format!("{odd}{name}")), "no {name} in {:?}", symbols.keys());
    }
    let related = |name: &str| -> Vec<Vec<(u64, Value)>> {
        all(&symbols[&format!("{odd}{name}")], 4).into_iter().map(|it| fields(it.bytes())).collect()
    };
    // A method stands for the one that it overrides, also where that is used; a class for its base.
    let [method] = &related("Derived#area().")[..] else { panic!("one relation") };
    assert_eq!(text(method, 1), format!("{odd}Base#area()."));
    assert_eq!((all(method, 2).len(), all(method, 3).len()), (1, 1));
    let [class] = &related("Derived#")[..] else { panic!("one relation") };
    assert_eq!((text(class, 1), all(class, 2).len(), all(class, 3).len()), (format!("{odd}Base#"), 0, 1));
}
