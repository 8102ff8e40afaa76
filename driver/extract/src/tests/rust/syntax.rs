//! The structure of Rust files beside what `syn` makes of them: items, members, closures, calls, macros and names.
//!
//! The files are this package's own. `CODEANATOMY_RUST_SOURCES` names a folder of packages, as a registry's `src` is one, whose
//! files are compared as well. What stands in attributes and in the arguments of macros is tokens to `syn` and left out.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::PathBuf;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use proc_macro2::{Ident, Span};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::*;

/// Examples of a difference that are told.
const TOLD: usize = 20;

/// What `syn` has as names, and the grammar as nodes of other kinds.
const NO_NAMES: [&str; 4] = ["self", "super", "crate", "_"];

/// What is compared: the word for it, and the kinds of nodes of the grammar.
const KINDS: &[(&str, &[&str])] = &[
    ("function", &["function_item", "function_signature_item"]),
    ("struct", &["struct_item"]),
    ("enum", &["enum_item"]),
    ("union", &["union_item"]),
    ("trait", &["trait_item"]),
    ("impl", &["impl_item"]),
    ("module", &["mod_item"]),
    ("type", &["type_item", "associated_type"]),
    ("constant", &["const_item"]),
    ("static", &["static_item"]),
    ("use", &["use_declaration"]),
    ("crate", &["extern_crate_declaration"]),
    ("foreign", &["foreign_mod_item"]),
    ("macro", &["macro_invocation", "macro_definition"]),
    ("variant", &["enum_variant"]),
    ("field", &["field_declaration"]),
    ("closure", &["closure_expression"]),
    ("call", &["call_expression"]),
    (
        "name",
        &[
            "identifier",
            "type_identifier",
            "field_identifier",
            "shorthand_field_identifier",
            "primitive_type",
        ],
    ),
];

/// Where something ends, and where it begins unless attributes and visibility may stand before it.
type Place = (usize, Option<usize>);

/// What one reader finds in a file.
type Found = BTreeMap<&'static str, BTreeSet<Place>>;

fn place(kind: &str, span: Range<usize>) -> Place {
    (span.end, matches!(kind, "call" | "macro" | "name").then_some(span.start))
}

/// What `syn` finds, and the spans that it does not look into.
#[derive(Default)]
struct Outline {
    found: Found,
    opaque: Vec<Range<usize>>,
}

impl Outline {
    /// None where the file is none for `syn`.
    fn of(text: &str) -> Option<Self> {
        let mut outline = Self::default();
        outline.visit_file(&syn::parse_file(text).ok()?);
        outline.opaque.sort_by_key(|span| span.start);
        Some(outline)
    }

    fn add(&mut self, kind: &'static str, span: Span) {
        self.found.entry(kind).or_default().insert(place(kind, span.byte_range()));
    }
}

/// Where an expression begins. The span of a whole chain of calls would be that of all its tokens, for each of them.
#[expect(clippy::wildcard_enum_match_arm, reason = "those that begin with an expression are meant")]
fn begin(expression: &syn::Expr) -> usize {
    match expression {
        syn::Expr::Call(call) => begin(&call.func),
        syn::Expr::MethodCall(call) => begin(&call.receiver),
        syn::Expr::Field(field) => begin(&field.base),
        syn::Expr::Index(index) => begin(&index.expr),
        syn::Expr::Try(tried) => begin(&tried.expr),
        syn::Expr::Await(awaited) => begin(&awaited.base),
        other => other.span().byte_range().start,
    }
}

/// What adds the span of a node, and goes on below it.
macro_rules! visited {
    ($($visit:ident $node:ident $kind:literal)*) => {
        $( fn $visit(&mut self, node: &syn::$node) {
            self.add($kind, node.span());
            visit::$visit(self, node);
        } )*
    };
}

impl Visit<'_> for Outline {
    visited! {
        visit_item_fn ItemFn "function"
        visit_impl_item_fn ImplItemFn "function"
        visit_trait_item_fn TraitItemFn "function"
        visit_foreign_item_fn ForeignItemFn "function"
        visit_item_struct ItemStruct "struct"
        visit_item_enum ItemEnum "enum"
        visit_item_union ItemUnion "union"
        visit_item_trait ItemTrait "trait"
        visit_item_impl ItemImpl "impl"
        visit_item_mod ItemMod "module"
        visit_item_type ItemType "type"
        visit_impl_item_type ImplItemType "type"
        visit_trait_item_type TraitItemType "type"
        visit_foreign_item_type ForeignItemType "type"
        visit_item_const ItemConst "constant"
        visit_impl_item_const ImplItemConst "constant"
        visit_trait_item_const TraitItemConst "constant"
        visit_item_static ItemStatic "static"
        visit_foreign_item_static ForeignItemStatic "static"
        visit_item_use ItemUse "use"
        visit_item_extern_crate ItemExternCrate "crate"
        visit_item_foreign_mod ItemForeignMod "foreign"
        visit_variant Variant "variant"
        visit_expr_closure ExprClosure "closure"
    }

    fn visit_field(&mut self, field: &syn::Field) {
        if field.ident.is_some() {
            self.add("field", field.span());
        }
        visit::visit_field(self, field);
    }

    fn visit_expr_call(&mut self, call: &syn::ExprCall) {
        let span = begin(&call.func)..call.paren_token.span.close().byte_range().end;
        self.found.entry("call").or_default().insert(place("call", span));
        visit::visit_expr_call(self, call);
    }

    fn visit_expr_method_call(&mut self, call: &syn::ExprMethodCall) {
        let span = begin(&call.receiver)..call.paren_token.span.close().byte_range().end;
        self.found.entry("call").or_default().insert(place("call", span));
        visit::visit_expr_method_call(self, call);
    }

    fn visit_item_macro(&mut self, item: &syn::ItemMacro) {
        if item.ident.is_none() {
            return visit::visit_item_macro(self, item);
        }
        item.attrs.iter().for_each(|attribute| self.visit_attribute(attribute));
        let span = item.mac.span().byte_range().start..item.span().byte_range().end;
        self.opaque.push(span.start + 1..span.end);
        self.found.entry("macro").or_default().insert(place("macro", span));
    }

    fn visit_macro(&mut self, called: &syn::Macro) {
        self.add("macro", called.span());
        let (begin, end) = (called.path.span().byte_range().end, called.span().byte_range().end);
        self.opaque.push(begin..end);
        self.visit_path(&called.path);
    }

    fn visit_attribute(&mut self, attribute: &syn::Attribute) {
        self.opaque.push(attribute.span().byte_range());
    }

    /// What `syn` hands on as tokens.
    fn visit_token_stream(&mut self, tokens: &proc_macro2::TokenStream) {
        self.opaque.push(tokens.span().byte_range());
    }

    fn visit_lifetime(&mut self, _: &syn::Lifetime) {}

    fn visit_ident(&mut self, name: &Ident) {
        if !NO_NAMES.iter().any(|keyword| name == keyword) {
            self.add("name", name.span());
        }
    }
}

/// The nodes of a repository's files that are compared.
#[derive(Default)]
struct Nodes(HashMap<String, Vec<(&'static str, Range<usize>)>>);

impl TableSink for Nodes {
    fn append(
        &mut self,
        table: Table,
        batch: RecordBatch,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        if table != Table::SyntaxNodes {
            return Ok(());
        }
        let texts = |name| batch.column_by_name(name).expect("column").as_string::<i32>();
        let places = |name| batch.column_by_name(name).expect("column").as_primitive::<Int64Type>();
        let (paths, kinds, begins, ends) = (texts("path"), texts("kind"), places("bstart"), places("bend"));
        for row in 0..batch.num_rows() {
            let wanted = KINDS.iter().find(|(_, nodes)| nodes.contains(&kinds.value(row)));
            let Some((kind, _)) = wanted else { continue };
            let span = usize::try_from(begins.value(row))?..usize::try_from(ends.value(row))?;
            match self.0.get_mut(paths.value(row)) {
                Some(nodes) => nodes.push((kind, span)),
                None => drop(self.0.insert(paths.value(row).to_owned(), vec![(kind, span)])),
            }
        }
        Ok(())
    }
}

/// What comparisons have counted.
#[derive(Default)]
struct Comparison {
    files: usize,
    not_syn: Vec<String>,
    equal: BTreeMap<&'static str, usize>,
    different: BTreeMap<&'static str, Different>,
}

/// How many differences there are, and one of each file.
#[derive(Default)]
struct Different {
    count: usize,
    examples: Vec<String>,
}

impl Comparison {
    fn folder(&mut self, folder: &Path) {
        let mut nodes = Nodes::default();
        extract(&[folder.into()], &Options::default(), &mut nodes).expect("extraction");
        for (path, nodes) in &nodes.0 {
            if Path::new(path).extension().is_some_and(|extension| extension == "rs") {
                let file = folder.join(path);
                let text = std::fs::read_to_string(&file);
                if let Ok(text) = text {
                    self.file(&file.display().to_string(), &text, nodes);
                }
            }
        }
    }

    fn file(&mut self, path: &str, text: &str, nodes: &[(&'static str, Range<usize>)]) {
        // What `syn` takes off before it counts.
        let rest = text.strip_prefix('\u{feff}').unwrap_or(text);
        let has_shebang = rest.starts_with("#!") && !rest[2..].trim_start().starts_with('[');
        let rest = if has_shebang { &rest[rest.find('\n').unwrap_or(rest.len())..] } else { rest };
        let shift = text.len() - rest.len();
        let outline = Outline::of(rest);
        proc_macro2::extra::invalidate_current_thread_spans();
        let Some(Outline { found: theirs, opaque }) = outline else {
            self.not_syn.push(path.to_owned());
            return;
        };
        self.files += 1;
        // They do not overlap: `syn` does not look into them.
        let inside = |span: &Range<usize>| {
            let before = opaque.partition_point(|opaque| opaque.start <= span.start);
            before.checked_sub(1).is_some_and(|last| span.end <= opaque[last].end)
        };
        let mut ours = Found::new();
        for (kind, span) in nodes {
            let span = span.start.saturating_sub(shift)..span.end.saturating_sub(shift);
            // Lifetimes and labels hold a name in the grammar.
            let is_left_out = *kind == "name"
                && (rest[..span.start].ends_with('\'') || NO_NAMES.contains(&&rest[span.clone()]));
            if !is_left_out && !inside(&span) {
                ours.entry(kind).or_default().insert(place(kind, span));
            }
        }
        let nothing = BTreeSet::new();
        for &(kind, _) in KINDS {
            let (ours, theirs) = (ours.get(kind).unwrap_or(&nothing), theirs.get(kind).unwrap_or(&nothing));
            *self.equal.entry(kind).or_default() += ours.intersection(theirs).count();
            for (who, places) in [("ours", ours - theirs), ("syn", theirs - ours)] {
                let Some(&(end, begin)) = places.first() else { continue };
                let different = self.different.entry(kind).or_default();
                different.count += places.len();
                let line = rest[..end].matches('\n').count() + 1;
                let begin = rest.floor_char_boundary(begin.unwrap_or(end.saturating_sub(40)));
                let text = &rest[begin..end];
                let example = format!("{} only {who}, the first: {path}:{line}: {text:?}", places.len());
                different.examples.push(example);
            }
        }
    }

    /// A line for each kind, and examples.
    fn tell(&self) -> String {
        use std::fmt::Write as _;
        let mut text = format!("{} files, {} that syn cannot read\n", self.files, self.not_syn.len());
        for (kind, equal) in &self.equal {
            let nothing = Different::default();
            let Different { count, examples } = self.different.get(kind).unwrap_or(&nothing);
            let _ = writeln!(text, "{kind:10} equal {equal:9}  different {count:7}");
            for example in examples.iter().take(TOLD) {
                let _ = writeln!(text, "    {example}");
            }
        }
        text
    }
}

/// Runs with a stack that deep files need.
fn compared(folders: Vec<PathBuf>) -> Comparison {
    let work = move || {
        let mut comparison = Comparison::default();
        folders.iter().for_each(|folder| comparison.folder(folder));
        comparison
    };
    let thread = std::thread::Builder::new().stack_size(1 << 30).spawn(work).expect("thread");
    thread.join().expect("comparison")
}

#[test]
fn nodes_are_what_syn_reads() {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let comparison = compared(vec![own]);
    assert!(comparison.files > 100 && comparison.not_syn.is_empty(), "{:?}", comparison.not_syn);
    for kind in ["function", "struct", "impl", "call", "closure", "macro", "name", "field"] {
        assert!(comparison.equal[kind] > 50, "{kind}");
    }
    assert!(comparison.different.is_empty(), "{}", comparison.tell());
}

#[test]
fn nodes_of_packages_are_what_syn_reads() {
    let Some(folder) = std::env::var_os("CODEANATOMY_RUST_SOURCES") else {
        eprintln!("skipped: CODEANATOMY_RUST_SOURCES is not set");
        return;
    };
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(&folder).expect("folder").map(|entry| entry.expect("entry").path()).collect();
    folders.retain(|folder| folder.is_dir());
    folders.sort();
    let comparison = compared(folders);
    eprintln!("{}", comparison.tell());
    assert!(comparison.files > 0 && comparison.different.is_empty(), "{}", comparison.tell());
}
