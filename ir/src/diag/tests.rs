//! Tests of codes, paths, escaping and rendering.

use std::collections::HashSet;

use super::*;

#[test]
fn every_code_is_explained_with_an_example_and_a_fix() {
    let (mut ids, mut slugs, mut last) = (HashSet::new(), HashSet::new(), "");
    let mut severity = Severity::Error;
    for code in Code::all() {
        assert!(ids.insert(code.id()) && slugs.insert(code.slug()), "{code:?} is there twice");
        let (letter, digits) = code.id().split_at(1);
        assert!(
            matches!(letter, "E" | "W") && digits.len() == 4 && digits.parse::<u32>().is_ok(),
            "{code:?}"
        );
        assert!(
            code.slug().chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'),
            "{code:?}"
        );
        assert!(
            code.id() > last || (severity, code.severity()) == (Severity::Error, Severity::Warning),
            "{code:?} out of order"
        );
        assert!(!code.title().is_empty() && !code.title().ends_with('.'), "{code:?}");
        for part in ["Example", "Fix"] {
            assert!(code.explanation().contains(part), "{code:?} lacks: {part}");
        }
        let paragraphs = code
            .explanation()
            .split(
                "

",
            )
            .count();
        assert!(paragraphs >= 3, "{code:?} does not say what it means, an example and a fix");
        (last, severity) = (code.id(), code.severity());
    }
    assert_eq!(Code::find("e0107"), Some(codes::UNKNOWN_SOURCE));
    assert_eq!(Code::find("unknown-source"), Some(codes::UNKNOWN_SOURCE));
    assert_eq!(Code::find("E9999"), None);
}

#[test]
fn paths_print_and_parse() {
    let path = SpecPath::root().field("a").index(3).field("b c").field("x\"\\]").field("d-e_1").index(0);
    assert_eq!(path.to_string(), r#"a[3]["b c"]["x\"\\]"].d-e_1[0]"#);
    assert_eq!(path.to_string().parse(), Ok(path.clone()));
    assert_eq!("".parse(), Ok(SpecPath::root()));
    assert_eq!(path.parent().map(|p| p.index(0)), Some(path));
    for bad in [
        ".a",
        "a.",
        "a..b",
        "a[",
        "a[x]",
        "a[-1]",
        "a[+1]",
        "a[1",
        "a[\"x]",
        "a[\"x\"",
        "a[1]b",
        "a b",
        "a[99999999999999999999]",
    ] {
        assert!(bad.parse::<SpecPath>().is_err(), "{bad}");
    }
}

#[test]
fn near_names_are_suggested_and_far_ones_are_not() {
    let names = ["caller", "callee", "file_id", "path"];
    let nearest = |found| nearest_name(found, names);
    assert_eq!(nearest("calee"), Some("callee"));
    assert_eq!(nearest("FileID"), Some("file_id"));
    assert_eq!(nearest("paht"), Some("path"));
    assert_eq!(nearest("callr"), Some("caller"));
    assert_eq!(nearest("node"), None);
    assert_eq!(nearest("x"), None);
    assert_eq!(nearest(""), None);
}

#[test]
fn dangerous_characters_are_escaped_and_long_text_is_cut() {
    assert_eq!(escape_text("plain é 漢"), "plain é 漢");
    assert_eq!(
        escape_text("a\u{1b}[31m\r\n\u{202e}\u{200b}\0"),
        "a\\u{1b}[31m\\r\\n\\u{202e}\\u{200b}\\u{0}"
    );
    let cut = escape_text(&"é".repeat(10_000)).into_owned();
    assert!(cut.len() < MAX_TEXT_BYTES + 40 && cut.ends_with("more bytes)"), "{}", cut.len());
}

/// A source whose only value, the field `q`, is the whole second line.
fn source(line: &str) -> SourceMap {
    let text = format!("first\n{line}\nlast");
    let bytes = 6..6 + line.len();
    let place = Place { bytes: bytes.clone(), inside: Inside::Nothing };
    let mut source = SourceMap::new("s.yaml".into(), text);
    source.set_root(Place { bytes, inside: Inside::Fields(vec![("q".into(), 6..7, place)]) });
    source
}

#[test]
fn the_found_word_is_underlined() {
    let finding = Diagnostic::new(codes::UNKNOWN_COLUMN, "`nodes` has no column `nme`")
        .at(SpecPath::root().field("q"))
        .found("nme")
        .allowed(["name", "path"])
        .suggest_nearest()
        .help("use one of them")
        .related(SpecPath::root().field("q"), "`nodes` is defined here");
    let text = render(&[finding], &source("\tnme2 = '漢' AND nme = 1"), RenderOptions::default());
    let expected = "\
error[E0201]: `nodes` has no column `nme`
 --> s.yaml:2:17
  |
2 |     nme2 = '漢' AND nme = 1
  |                     ^^^ did you mean `name`?
  = allowed: name, path
  = help: use one of them
  = note: `nodes` is defined here
 --> s.yaml:2:1
  |
2 |     nme2 = '漢' AND nme = 1
  | ^^^^^^^^^^^^^^^^^^^^^^^^^^^

";
    assert_eq!(text, expected);
}

#[test]
fn long_lines_are_shown_in_part() {
    let line = format!("{}here{}", "a ".repeat(500), " b".repeat(500));
    let finding = Diagnostic::new(codes::UNKNOWN_COLUMN, "no").at(SpecPath::root().field("q")).found("here");
    let text = render(&[finding], &source(&line), RenderOptions::default());
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[3].len() < 140 && lines[3].contains("a here b"), "{text}");
    assert_eq!(lines[3].find("here"), lines[4].find("^^^^"), "{text}");
}

#[test]
fn order_is_by_place_and_equal_findings_appear_once() {
    let at = |bytes, message: &str| Diagnostic::new(codes::BAD_SQL, message).at_bytes(bytes);
    let findings = [
        at(8..9, "third"),
        at(6..7, "second"),
        Diagnostic::new(codes::UNUSED_VIEW, "nowhere"),
        at(8..9, "third"),
        at(0..1, "first"),
    ];
    let messages: Vec<String> =
        resolve(&findings, &source("0123456")).into_iter().map(|d| d.message).collect();
    assert_eq!(messages, ["nowhere", "first", "second", "third"]);
    assert_eq!(summary(&findings), "4 errors, 1 warning");
    assert_eq!(summary(&[]), "");
}

#[test]
fn the_json_form_has_places() {
    let finding = Diagnostic::new(codes::UNKNOWN_COLUMN, "no").at(SpecPath::root().field("q")).found("x");
    let json = serde_json::to_value(resolve(&[finding], &source("a = x"))).unwrap();
    let found = &json[0];
    assert_eq!(found["code"], "E0201");
    assert_eq!(found["severity"], "error");
    assert_eq!(found["path"], "q");
    assert_eq!((&found["line"], &found["column"]), (&2.into(), &5.into()));
    assert_eq!(found["bytes"], serde_json::json!({"start": 10, "end": 11}));
}

#[test]
fn places_outside_the_text_do_not_panic() {
    let source = SourceMap::new("s".into(), "é");
    for (start, end) in [(0, 0), (1, 1), (1, 2), (2, 9), (9, 3)] {
        let finding = Diagnostic::new(codes::SYNTAX, "x").at_bytes(start..end);
        assert!(!render(&[finding], &source, RenderOptions { color: true }).is_empty());
    }
    assert!(source.locate(&SpecPath::root()).is_none());
}
