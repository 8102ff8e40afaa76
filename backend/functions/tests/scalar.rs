//! The scalar functions through SQL.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing test panics")]

mod sql;

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanArray, DictionaryArray, Int32Array, Int64Array, LargeStringArray, StringArray,
    StringViewArray, TimestampMicrosecondArray, TimestampSecondArray, UInt8Array,
};
use datafusion::arrow::datatypes::Int32Type;
use sql::{error, query, rows, session, table, value};

const TEXTS: [Option<&str>; 6] =
    [Some("alpha"), None, Some(""), Some("é"), Some("𝔘nicode 🦀"), Some("alpha")];

/// The same texts in every layout Arrow has for them.
fn text_layouts() -> Vec<ArrayRef> {
    vec![
        Arc::new(StringArray::from(TEXTS.to_vec())),
        Arc::new(LargeStringArray::from(TEXTS.to_vec())),
        Arc::new(StringViewArray::from(TEXTS.to_vec())),
        Arc::new(TEXTS.into_iter().collect::<DictionaryArray<Int32Type>>()),
    ]
}

#[tokio::test]
async fn hashes_have_the_reference_values_in_every_string_layout() {
    for texts in text_layouts() {
        let context = session(1);
        let layout = texts.data_type().clone();
        table(&context, "t", vec![("x", texts)], 1);
        assert_eq!(
            rows(&context, "SELECT stable_hash64(x) FROM t").await,
            [
                "5982700193828047002",
                "NULL",
                "7252660547403494068",
                "5411848509986117935",
                REFERENCE_NON_BMP_64,
                "5982700193828047002",
            ],
            "{layout}"
        );
        assert_eq!(
            rows(&context, "SELECT stable_hash128(x) FROM t").await,
            [
                "b52f7e54cd313e691148cc2c80345831",
                "NULL",
                "cae66941d9efbd404e4d88758ea67670",
                "d4b1b0202b21bb84e60a3d272ecab0db",
                REFERENCE_NON_BMP_128,
                "b52f7e54cd313e691148cc2c80345831",
            ],
            "{layout}"
        );
    }
}

/// Computed with Python's `hashlib.blake2b("𝔘nicode 🦀".encode(), digest_size=8)`, top bit cleared.
const REFERENCE_NON_BMP_64: &str = "7629187334119749225";
/// The same with `digest_size=16`.
const REFERENCE_NON_BMP_128: &str = "8def90969cf01765178586fee65b2f2e";

#[tokio::test]
async fn hashes_take_text_only_and_say_so() {
    assert_eq!(value("SELECT stable_hash64(NULL), stable_hash128(NULL)").await, "NULL|NULL");
    assert!(error("SELECT stable_hash64(1)").await.contains("must be text, found Int64"));
    assert!(error("SELECT stable_hash128(1.5)").await.contains("CAST"));
}

#[tokio::test]
async fn identifiers_equal_the_hash_of_the_length_safe_encoding() {
    // The encoding is spelled out here: byte length, colon, bytes.
    assert_eq!(
        value("SELECT stable_id64('node', 'src/é.py', 3) = stable_hash64('4:node9:src/é.py1:3')").await,
        "true"
    );
    assert_eq!(
        value("SELECT stable_id128('node', -5, true) = 'node:' || stable_hash128('4:node2:-54:true')").await,
        "true"
    );
    let parts = ir::hash::stable_id128("k", &["a", "12"]);
    assert_eq!(value("SELECT stable_id128('k', 'a', 12)").await, parts);
}

#[tokio::test]
async fn parts_do_not_run_into_each_other_and_null_gives_null() {
    let ids = value(
        "SELECT stable_id64('k', 'a', 'bc') = stable_id64('k', 'ab', 'c'), \
         stable_id64('k', 'a', '') = stable_id64('k', 'a'), \
         stable_id64('k', 'a:1') = stable_id64('k', 'a', '1'), \
         stable_id64('k', 'a', NULL), stable_id128(NULL, 'a'), stable_id128('k', CAST(NULL AS INT))",
    );
    assert_eq!(ids.await, "false|false|false|NULL|NULL|NULL");
}

#[tokio::test]
async fn the_width_and_encoding_of_a_part_does_not_change_the_identifier() {
    let context = session(1);
    let words = [Some("x"), None, Some("y")];
    table(
        &context,
        "t",
        vec![
            ("a", Arc::new(Int32Array::from(vec![Some(7), None, Some(9)]))),
            ("b", Arc::new(Int64Array::from(vec![Some(7), None, Some(9)]))),
            ("c", Arc::new(UInt8Array::from(vec![Some(7), None, Some(9)]))),
            ("d", Arc::new(StringViewArray::from(vec![Some("7"), None, Some("9")]))),
            ("word", Arc::new(StringArray::from(words.to_vec()))),
            ("code", Arc::new(words.into_iter().collect::<DictionaryArray<Int32Type>>())),
        ],
        1,
    );
    let ids = rows(
        &context,
        "SELECT stable_id64('k', a, word) = stable_id64('k', b, code), stable_id64('k', c) = stable_id64('k', d), \
         stable_id128(word, a) = stable_id128(code, d) FROM t",
    );
    assert_eq!(ids.await, ["true|true|true", "NULL|NULL|NULL", "true|true|true"]);
}

#[tokio::test]
async fn dates_and_timestamps_are_iso_text_whatever_their_unit() {
    let context = session(1);
    let seconds = TimestampSecondArray::from(vec![1_700_000_000]);
    let micros = TimestampMicrosecondArray::from(vec![1_700_000_000_000_000]);
    table(
        &context,
        "t",
        vec![
            ("s", Arc::new(seconds.clone())),
            ("us", Arc::new(micros.clone())),
            ("utc", Arc::new(seconds.with_timezone("+02:00"))),
            ("half", Arc::new(TimestampMicrosecondArray::from(vec![1_700_000_000_500_000]))),
        ],
        1,
    );
    let ids = rows(
        &context,
        "SELECT stable_id64('k', s) = stable_id64('k', '2023-11-14T22:13:20'), stable_id64('k', s) = stable_id64('k', us), \
         stable_id64('k', utc) = stable_id64('k', '2023-11-14T22:13:20Z'), \
         stable_id64('k', half) = stable_id64('k', '2023-11-14T22:13:20.500'), \
         stable_id64('k', CAST(s AS DATE)) = stable_id64('k', '2023-11-14') FROM t",
    );
    assert_eq!(ids.await, ["true|true|true|true|true"]);
}

#[tokio::test]
async fn parts_without_one_spelling_are_refused() {
    assert!(error("SELECT stable_id64('k', 1.5)").await.contains("Float64 has no canonical text"));
    assert!(error("SELECT stable_id64('k', make_array(1))").await.contains("no canonical text"));
    assert!(error("SELECT stable_id64('k')").await.contains("at least one part"));
    assert!(error("SELECT stable_id64(1, 'a')").await.contains("'kind' must be text"));
}

#[tokio::test]
async fn an_identifier_of_columns_that_are_never_null_is_never_null() {
    let counts = "(SELECT count(*) AS never, max(x) AS maybe FROM (VALUES (1)) AS t(x))";
    let ids = "SELECT stable_id64('k', never), stable_id64('k', never, maybe) FROM";
    let batch = query(&session(1), &format!("{ids} {counts}")).await;
    assert!(!batch.schema().field(0).is_nullable());
    assert!(batch.schema().field(1).is_nullable());
}

#[tokio::test]
async fn spans_are_made_with_defaults_and_keep_null_bounds() {
    assert_eq!(
        value("SELECT span_make(3, 10)").await,
        "{bstart: 3, bend: 10, line_base: 0, col_unit: byte, end_exclusive: true}"
    );
    assert_eq!(
        value("SELECT span_make(NULL, 10, 1, 'utf16', false)").await,
        "{bstart: , bend: 10, line_base: 1, col_unit: utf16, end_exclusive: false}"
    );
    assert_eq!(value("SELECT span_make(NULL, 1) IS NULL, span_make(2, 3)['bend']").await, "false|3");
    assert!(error("SELECT span_make(1)").await.contains("2 to 5 arguments"));
    assert!(error("SELECT span_make('a', 2)").await.contains("'bstart' must be Int64, found Utf8"));
}

#[tokio::test]
async fn span_lengths() {
    assert_eq!(
        value(
            "SELECT span_len(span_make(3, 10)), span_len(span_make(3, 9, 0, 'byte', false)), \
             span_len(span_make(3, NULL)), span_len(NULL), span_len(named_struct('bstart', 1, 'bend', 4))"
        )
        .await,
        "7|7|NULL|NULL|3"
    );
    assert!(error("SELECT span_len(3)").await.contains("bstart and bend"));
    assert!(
        error("SELECT span_len(named_struct('bstart', 'a', 'bend', 4))").await.contains("bstart and bend")
    );
}

#[tokio::test]
async fn span_relations_are_half_open() {
    let context = session(1);
    let integers = |values: [i64; 8]| Arc::new(Int64Array::from(values.to_vec())) as ArrayRef;
    // inside, equal, touching, crossing, empty inside, empty at the end, inner inverted, outer inverted
    table(
        &context,
        "t",
        vec![
            ("a", integers([0, 0, 0, 0, 0, 0, 0, 9])),
            ("b", integers([9, 9, 5, 5, 9, 9, 9, 0])),
            ("c", integers([2, 0, 5, 3, 4, 9, 8, 2])),
            ("d", integers([5, 9, 9, 9, 4, 9, 2, 5])),
        ],
        1,
    );
    assert_eq!(
        rows(
            &context,
            "SELECT span_contains(span_make(a, b), span_make(c, d)), span_overlaps(span_make(a, b), span_make(c, d)), \
             span_contains(span_make(c, d), span_make(a, b)), span_overlaps(span_make(c, d), span_make(a, b)) FROM t"
        )
        .await,
        [
            "true|true|false|true",
            "true|true|true|true",
            "false|false|false|false",
            "false|true|false|true",
            "true|true|false|true",
            "true|false|false|false",
            "false|false|false|false",
            "false|false|false|false",
        ]
    );
    assert_eq!(
        value(
            "SELECT span_overlaps(span_make(0, 5, 0, 'byte', false), span_make(5, 9)), \
             span_contains(span_make(0, NULL), span_make(1, 2)), span_overlaps(NULL, span_make(1, 2))"
        )
        .await,
        "true|NULL|NULL"
    );
}

#[tokio::test]
async fn texts_are_normalised_folded_and_trimmed() {
    assert_eq!(
        value(
            "SELECT utf8_normalize('  Straße \t 10 '), utf8_normalize('ﬁ①Ⅳ'), utf8_normalize('A\u{30a}') = 'å', \
             utf8_normalize(' \u{a0}\n'), utf8_normalize(''), utf8_normalize(NULL), utf8_normalize('ΜΆΪΟΣ')"
        )
        .await,
        "strasse 10|fi1iv|true|NULL|NULL|NULL|μάϊοσ"
    );
    assert_eq!(
        value(
            "SELECT utf8_normalize('ﬁ A\u{30a}', 'nfc', false), utf8_normalize('Å', 'NFD', false) = 'A\u{30a}', \
             utf8_normalize('a  b', 'NFC', true, false), utf8_normalize('𝔘 🦀', 'NFKD')"
        )
        .await,
        "ﬁ Å|true|a  b|u 🦀"
    );
}

#[tokio::test]
async fn normalising_reads_every_string_layout() {
    for texts in text_layouts() {
        let context = session(1);
        table(&context, "t", vec![("x", texts)], 1);
        assert_eq!(
            rows(&context, "SELECT utf8_normalize(x) FROM t").await,
            ["alpha", "NULL", "NULL", "é", "unicode 🦀", "alpha"]
        );
    }
}

#[tokio::test]
async fn normalising_twice_changes_nothing_for_any_character() {
    let context = session(1);
    // All letters lie in planes 0 and 1. U+0345 is a mark whose folding is a letter of its own.
    let marked = ('\0'..'\u{3000}').map(|c| format!("{c}\u{345}"));
    let single = ('\0'..'\u{20000}').map(String::from);
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values(marked.chain(single)));
    table(&context, "t", vec![("x", texts)], 1);
    for form in ["NFC", "NFD", "NFKC", "NFKD"] {
        let once = format!("utf8_normalize(x, '{form}')");
        let changed = format!(
            "SELECT x, y FROM (SELECT x, {once} AS y FROM t) WHERE utf8_normalize(y, '{form}') IS DISTINCT FROM y"
        );
        assert_eq!(rows(&context, &changed).await, Vec::<String>::new(), "{form}");
    }
}

#[tokio::test]
async fn wrong_options_are_errors_of_the_plan() {
    assert!(error("SELECT utf8_normalize('a', 'NFX')").await.contains("unknown form 'NFX'"));
    assert!(error("SELECT utf8_normalize('a', 'NFC', 1)").await.contains("'casefold'"));
    assert!(error("SELECT utf8_normalize(1)").await.contains("must be text"));
    let context = session(1);
    let flags: ArrayRef = Arc::new(BooleanArray::from(vec![true]));
    table(&context, "t", vec![("b", flags)], 1);
    let planned = context.sql("SELECT utf8_normalize('a', 'NFC', b) FROM t").await;
    assert!(planned.unwrap_err().to_string().contains("must be a literal"));
}

#[test]
fn every_function_is_documented_immutable_and_named_once() {
    let scalar = functions::scalar_functions();
    let aggregate = functions::aggregate_functions();
    let mut names: Vec<&str> =
        scalar.iter().map(|f| f.name()).chain(aggregate.iter().map(|f| f.name())).collect();
    let undocumented: Vec<&str> = scalar
        .iter()
        .filter(|f| f.documentation().is_none())
        .map(|f| f.name())
        .chain(aggregate.iter().filter(|f| f.documentation().is_none()).map(|f| f.name()))
        .collect();
    assert_eq!(undocumented, Vec::<&str>::new());
    let immutable = datafusion::logical_expr::Volatility::Immutable;
    let changing = scalar.iter().filter(|f| f.signature().volatility != immutable).map(|f| f.name());
    // The clock stands still within a run, and not from run to run.
    assert_eq!(changing.collect::<Vec<_>>(), ["now"]);
    assert!(aggregate.iter().all(|f| f.signature().volatility == immutable));
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "a name is there twice");
}

/// They are refused before anything is made: what is constant is computed while a spec is checked.
#[tokio::test]
async fn what_would_be_far_larger_than_its_arguments_is_refused() {
    for (sql, size) in [
        ("repeat('xy', 2000000000)", "repeat would make 4000000000 bytes of 1 rows"),
        ("lpad('x', 2000000000)", "lpad would make 2000000000 bytes"),
        ("rpad('x', 2000000000, 'yz')", "rpad would make 2000000000 bytes"),
        ("range(300000000)", "range would make 300000000 elements"),
        ("range(1, 300000001)", "range would make 300000000 elements"),
        ("generate_series(300000000, 1, -1)", "generate_series would make 299999999 elements"),
        (
            "generate_series(TIMESTAMP '2020-01-01', TIMESTAMP '2021-01-01', INTERVAL '1 millisecond')",
            "generate_series would make 31622400000 elements",
        ),
        // A step that DataFusion refuses must get as far as that.
        ("range(DATE '2020-01-01', DATE '2020-03-01', INTERVAL '200000000' MONTH)", "overflows"),
        ("array_repeat(1, 300000000)", "array_repeat would make 300000000 elements"),
        ("array_resize([1], 300000000, 2)", "array_resize would make 300000000 elements"),
    ] {
        let found = error(&format!("SELECT {sql}")).await;
        assert!(found.contains(size), "{sql}: {found}");
    }
    let rows = "(VALUES (200000000), (NULL), (200000000)) AS t (n)";
    let found = error(&format!("SELECT repeat('x', n) FROM {rows}")).await;
    assert!(found.contains("repeat would make 400000000 bytes of 3 rows"), "{found}");
}

#[tokio::test]
async fn what_grows_a_little_is_made_as_ever() {
    for (sql, made) in [
        ("repeat('xy', 3)", "xyxyxy"),
        ("repeat('xy', -3)", ""),
        ("lpad('x', 3, 'yz')", "yzx"),
        ("rpad('x', 3)", "x  "),
        ("range(3)", "[0, 1, 2]"),
        ("range(5, 1, -2)", "[5, 3]"),
        ("generate_series(1, 3)", "[1, 2, 3]"),
        ("range(DATE '2020-01-01', DATE '2020-03-01', INTERVAL '1' MONTH)", "[2020-01-01, 2020-02-01]"),
        ("range(-300000000)", "[]"),
        ("array_repeat('a', 2)", "[a, a]"),
        ("array_resize([1], 3, 2)", "[1, 2, 2]"),
    ] {
        assert_eq!(value(&format!("SELECT {sql}")).await, made, "{sql}");
    }
}

/// Of a NULL nothing is made, whatever stands beside it.
#[tokio::test]
async fn rows_with_null_do_not_count() {
    for call in [
        "range(n, 300000000)",
        "generate_series(CAST(CAST(n AS VARCHAR) AS DATE), DATE '2024-01-01', INTERVAL '1' SECOND)",
        "repeat(CAST(n AS VARCHAR), 2000000000)",
    ] {
        let sql = format!("SELECT {call} FROM (VALUES (CAST(NULL AS BIGINT)), (NULL)) AS t (n)");
        assert_eq!(value(&sql).await, "NULL;NULL", "{call}");
    }
}
